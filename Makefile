# What is typed every day; CONTRIBUTING.md says when. Everything lives in .venv.

PYTHON ?= python3
# Another Python needs another folder: make test PYTHON=python3.13 VENV=.venv-3.13 TESTS=tests/golden
VENV ?= .venv
BIN := $(VENV)/bin
TESTS ?=

.PHONY: demo test test-long fuzz lint format train train-speech clean

# The main job: set up, then digits from ONNX to a checked engine and a bitstream.
demo: $(VENV)/run
	$(BIN)/elsie demo

# Set up, then the whole suite, or TESTS of it.
test: $(VENV)/test
	$(BIN)/python -m pytest $(TESTS)

# Checks that take minutes: bitstreams for every board, soft cores, the wheel.
test-long: $(VENV)/test $(VENV)/peers
	$(BIN)/python -m pytest -m long

# Damages files for every reader with fresh seeds; what fails is in build/fuzz, shrunk.
MINUTES ?= 10
fuzz: $(VENV)/test
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

lint: $(VENV)/lint $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(VENV)/lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Trains the example again; the result is the same, byte for byte.
train: $(VENV)/digits
	$(BIN)/python -m examples.digits.train

# The same for spoken digits; needs espeak-ng, and PyTorch's CPU build first: examples/README.md.
train-speech: $(VENV)/train
	OMP_NUM_THREADS=1 $(BIN)/python -m examples.speech.train

# In compat mode a folder called like a package does not hide it.
$(VENV)/run: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Elsie needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable .
	touch $@

$(VENV)/test $(VENV)/lint $(VENV)/digits $(VENV)/train $(VENV)/peers: $(VENV)/%: $(VENV)/run
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[$*]'
	touch $@

clean:
	rm -rf .venv .venv-* build .pytest_cache .ruff_cache .hypothesis *.egg-info
