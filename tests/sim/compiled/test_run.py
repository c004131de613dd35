"""Compiled simulation: the same events as golden, and as the interpreted simulation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.arithmetic.sequences import Step
from golden.errors import ElsieError
from golden.format.image import encode
from golden.kinds import MacKind
from golden.timing.trace import FIELDS
from sim.check import simulate
from sim.compiled import program
from sim.compiled import run as compiled
from sim.waves.target import Wave
from tests.networks import random_input, random_network, small_config

try:
    program.compiler()
except ElsieError as error:  # a user without one can still run the suite
    pytest.skip(str(error), allow_module_level=True)


SIZES = [20, 17, 9, 6]  # three layers: not a power of two
CONFIG = small_config(SIZES, pes=2, group=1, run_width=2, queue_depth=8)
"""For most tests, so that one program does."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of this run's own: what is not in it is made."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSIE_CACHE_DIR", str(shared))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"entry_memory": "spram", "group": 2},
        *(
            pytest.param({"pes": 5, "group": 2, **change}, marks=pytest.mark.long)
            for change in [*({"mac": kind} for kind in MacKind), {"entry_memory": "spram"}]
        ),
    ],
    ids=str,
)
def test_equal_to_golden_and_to_the_interpreted_simulation(changes: dict[str, Any]) -> None:
    rng = np.random.default_rng(7)
    config = small_config(
        SIZES, **{"pes": 2, "group": 1, "run_width": 2, "queue_depth": 8, **changes}
    )
    network = random_network(rng, config, SIZES, density=0.5)
    x = random_input(rng, network, 3)
    fast, slow = simulate(network, x, compiled=True), simulate(network, x)
    assert fast.first_difference() is None
    assert fast.equal
    for one, other in zip(fast.inferences, slow.inferences, strict=True):
        assert one.counters == other.counters
        for kind in FIELDS:
            assert np.array_equal(one.trace.events[kind], other.trace.events[kind])


def test_another_network_on_the_same_program_differs_only_in_its_words() -> None:
    """The program is made once for a configuration; weights are filled in."""
    first = program.program(CONFIG)
    made = first.stat().st_mtime_ns
    for seed in range(3):
        rng = np.random.default_rng(seed)
        network = random_network(rng, CONFIG, SIZES)
        assert simulate(network, random_input(rng, network), compiled=True).equal
    assert program.program(CONFIG) == first
    assert first.stat().st_mtime_ns == made


FIVES = Step(x=np.full((1, 20), 5), reset=(True,))


def test_a_wrong_word_in_memory_is_seen() -> None:
    """The comparison can fail: one bit of one entry, flipped."""
    rng = np.random.default_rng(1)
    network = random_network(rng, CONFIG, SIZES, density=0.6)
    image = encode(network)
    good, _ = compiled.run(image, [FIVES], max_cycles=10_000)
    image.entries[1, 3] ^= np.uint64(1)
    bad, _ = compiled.run(image, [FIVES], max_cycles=10_000)
    assert not np.array_equal(good[0], bad[0])


def test_the_cycle_limit_ends_the_run() -> None:
    network = random_network(np.random.default_rng(1), CONFIG, SIZES, density=0.6)
    image = encode(network)
    with pytest.raises(RuntimeError, match="ended with 4"):
        compiled.run(image, [FIVES], max_cycles=20)


def test_no_compiler_is_said_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ElsieError, match=r"apt install g\+\+"):
        program.program(small_config([6, 5]))


def test_waveforms_need_the_interpreted_simulation(tmp_path) -> None:
    config = small_config([6, 5])
    network = random_network(np.random.default_rng(1), config, [6, 5])
    with pytest.raises(ElsieError, match="waveforms"):
        simulate(network, np.zeros((1, 6)), compiled=True, wave=Wave(file=tmp_path / "x.vcd"))
