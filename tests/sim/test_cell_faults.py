"""Faults put into the RTL of cells on purpose: each must be seen as a difference from golden."""

import gc
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Signal, Value

from rtl.front.activation_lists import ActivationLists
from rtl.operations import cell_control
from rtl.sequence import cell_sequencer
from sim.check import simulate_steps
from sim.harness import SimulationTimeout
from tests.cells import cell_config, cell_network, random_steps

TABLE = cell_control._table()


def altered(number: int, **fields: int) -> list[dict[str, int]]:
    """The table of operations with one row changed."""
    table = [dict(row) for row in TABLE]
    table[number] |= fields
    return table


def seen(**changes: Any) -> str:
    """How a fault shows: a difference from golden, an assertion in the RTL, a hang; "" if not."""
    rng = np.random.default_rng(1)
    network = cell_network(rng, cell_config(**changes), head=False, density=0.5)
    try:
        result = simulate_steps(network, random_steps(rng, network, 4))
    except SimulationTimeout:
        gc.collect()  # here, where what it says is expected
        return "hang"
    except AssertionError:
        gc.collect()
        return "assertion"
    return "" if result.equal else "difference"


# A simulation that the watchdog stops leaves a coroutine behind, which says so when it goes.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_without_a_fault_nothing_is_seen() -> None:
    assert not seen()
    assert not seen(streams=2)


# Numbers as in golden.format.program: from 8 on an LSTM with peepholes (i, f, g, f c, c, o, h),
# from 15 on a GRU (z, 1 - z, r, n x, n h, r n, n, z h, h).
FAULTS = {
    "a sum is not cleared": (8, {"clear": 0}),
    "a peephole is dropped": (9, {"look": 0}),
    "a peephole is another one": (8, {"looks": 1}),
    "a sigmoid's shift is a tanh's": (9, {"more": 0}),
    "a tanh is not narrowed": (10, {"narrow": 0}),
    "a state is not masked": (11, {"old": 0}),
    "a product is not joined": (12, {"join": 0}),
    "a state is not kept": (12, {"raw": 0}),
    "an output gate goes elsewhere": (13, {"target": 1}),
    "the reset gate goes elsewhere": (17, {"target": 2}),
    "z and 1 - z are the same": (16, {"function": 2}),
    "1 is not 1": (21, {"one": 0}),
    "an old state is not masked": (22, {"old": 0}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_operation_is_seen(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    number, fields = FAULTS[fault]
    assert TABLE[number] | fields != TABLE[number], "no fault"
    monkeypatch.setattr(cell_control, "_table", lambda: altered(number, **fields))
    assert seen() == "difference"


def test_a_stolen_cycle_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry is issued in the cycle of an operation."""
    from rtl.pe.entry_reader import EntryReader

    def busy(self: EntryReader, m: Any, last: Signal) -> Any:
        m.d.comb += self.issuing.eq(self.busy)
        return self.busy, last

    monkeypatch.setattr(EntryReader, "_busy", busy)
    assert seen(streams=2)


def test_sums_of_two_phases_are_mixed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_sequencer, "prepare", _one_set(cell_sequencer.prepare))
    assert seen(streams=2)


def _one_set(prepare: Any) -> Any:
    """Every phase uses the same set of sums."""

    def wrapped(m: Any, **given: Any) -> Any:
        upcoming = prepare(m, **given)
        m.d.sync += upcoming.phase.odd.eq(0)
        return upcoming

    return wrapped


def test_the_wrong_list_is_fed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    real = cell_sequencer.prepare

    def wrapped(m: Any, *, parity: Signal, **given: Any) -> Any:
        upcoming = real(m, parity=parity, **given)
        m.d.sync += upcoming.lists.back.eq(upcoming.phase.target)
        return upcoming

    monkeypatch.setattr(cell_sequencer, "prepare", wrapped)
    assert seen()


def test_a_list_that_ends_just_now_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ActivationLists._lengths

    def lengths(
        self: ActivationLists, m: Any, end: Signal, some: Value
    ) -> tuple[list[Signal], list[Signal]]:
        found, filled = real(self, m, end, some)
        before, known = m.submodules.length_source.r_data, Signal()
        m.d.comb += known.eq(before != 0)
        return [before, found[1]], [known, filled[1]]

    monkeypatch.setattr(ActivationLists, "_lengths", lengths)
    assert seen()
