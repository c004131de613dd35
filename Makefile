# What is typed every day; CONTRIBUTING.md says when. Everything lives in .venv.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-long fuzz lint format train train-speech clean

# The main job: set up, then digits from ONNX to a checked engine and a bitstream.
demo: .venv/run
	$(BIN)/elsie demo

# Set up, then the whole suite.
test: .venv/test
	$(BIN)/python -m pytest

# Checks that take minutes: bitstreams for every board, soft cores, the wheel.
test-long: .venv/test .venv/peers
	$(BIN)/python -m pytest -m long

# Damages files for every reader with fresh seeds; what fails is in build/fuzz, shrunk.
MINUTES ?= 10
fuzz: .venv/test
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

lint: .venv/lint .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: .venv/lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Trains the example again; the result is the same, byte for byte.
train: .venv/digits
	$(BIN)/python -m examples.digits.train

# The same for spoken digits; needs espeak-ng, and PyTorch's CPU build first: examples/README.md.
train-speech: .venv/train
	OMP_NUM_THREADS=1 $(BIN)/python -m examples.speech.train

# In compat mode a folder called like a package does not hide it.
.venv/run: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Elsie needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable .
	touch $@

.venv/test .venv/lint .venv/digits .venv/train .venv/peers: .venv/%: .venv/run
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[$*]'
	touch $@

clean:
	rm -rf .venv build .pytest_cache .ruff_cache .hypothesis *.egg-info
