"""Activations as powers (LogNet): RTL == golden, whole traces, both simulators; faults are seen."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Value

from golden.arithmetic.sequences import Sequences, interleave
from golden.format.network import Network
from golden.timing.trace import FIELDS
from rtl import engine
from rtl.front.input_port import InputPort
from rtl.operations import requantiser
from rtl.prim.power import PowerCoder
from rtl.sequence import sequencer
from rtl.sequence.upcoming import Upcoming
from sim.check import Simulation, simulate_steps
from tests.networks import random_input, random_network, small_config

SIZES = [20, 18, 15, 9]


def network(code: str = "log", **changes: Any) -> Network:
    fields: dict[str, Any] = {"mac": "log", "act_width": 12, "group": 2, "acc_width": 53}
    config = small_config(SIZES, **{**fields, "act_code": code, **changes})
    rng = np.random.default_rng(1)
    names = ["relu", "identity", "identity"]
    return random_network(rng, config, SIZES, density=0.4, shift=7, activations=names)


def run(network: Network, *, compiled: bool = False) -> Simulation:
    """Any integers: the engine rounds them to powers itself."""
    x = random_input(np.random.default_rng(2), network, 2)
    steps = interleave(network, Sequences.of(network, x))
    return simulate_steps(network, steps, compiled=compiled)


def good(result: Simulation) -> None:
    assert result.first_difference() is None
    assert result.equal
    events = np.concatenate([one.trace.events["broadcast"] for one in result.inferences])
    assert len(np.unique(events[:, 2])) > 4, "few codes were sent: it proves little"
    assert len(np.unique(np.concatenate([one.outputs for one in result.inferences]))) > 4


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("log", {"act_width": 8, "input_terms": 1}),
        ("log", {"pes": 17, "group": 4, "broadcast_stages": 2, "entry_stages": 2}),
        ("log", {"entry_memory": "spram"}),
        ("log", {"mac": "fixed", "pes": 5, "group": 3, "input_terms": 3}),
        ("log-sqrt2", {"mac": "log-sqrt2"}),
        ("log-sqrt2", {"pes": 1, "group": 1, "multiplier_stages": 4, "mac": "ternary"}),
        ("log-sqrt2", {"mac": "codebook", "weight_width": 6, "pes": 3}),
    ],
    ids=str,
)
def test_whole_traces(code: str, changes: dict[str, Any]) -> None:
    good(run(network(code, **changes)))


@pytest.mark.parametrize("code", ["log", pytest.param("log-sqrt2", marks=pytest.mark.long)])
def test_compiled_is_the_same(code: str) -> None:
    given = network(code, pes=2, mac=code)
    fast, slow = run(given, compiled=True), run(given)
    good(fast)
    for one, other in zip(fast.inferences, slow.inferences, strict=True):
        assert one.counters == other.counters
        for kind in FIELDS:
            assert np.array_equal(one.trace.events[kind], other.trace.events[kind])


def test_coded_outputs_of_the_last_layer_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Upcoming):
        def elaborate(self, platform: object) -> Module:
            m = super().elaborate(platform)
            m.d.comb += self.next.phase.coded.eq(1)
            return m

    given = network(pes=2)
    assert run(given).equal
    monkeypatch.setattr(sequencer, "Upcoming", Broken)
    assert not run(given).equal


def test_a_wrong_power_of_an_input_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(InputPort):
        def _power(self, word: Value) -> Value:
            return -super()._power(word)

    given = network(pes=2)
    assert run(given).equal
    monkeypatch.setattr(engine, "InputPort", Broken)
    assert not run(given).equal


def test_sums_beyond_the_last_level_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(PowerCoder):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            m.submodules.inner = inner = PowerCoder(config=self._config)
            m.d.comb += [
                inner.magnitude.eq(self.magnitude),
                inner.negative.eq(self.negative),
                self.word.eq(inner.word),
            ]
            return m

    monkeypatch.setattr(requantiser, "PowerCoder", Broken)
    assert not run(network(pes=2, act_width=8)).equal
