"""Faults put into the RTL of cells on purpose: each must be seen as a difference from golden."""

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, Value

from rtl.front.activation_lists import ActivationLists
from rtl.operations import control, table
from rtl.pe.pe import ProcessingElement
from rtl.sequence import sequencer
from rtl.sequence.upcoming import Upcoming
from sim.check import simulate_steps
from sim.harness import SimulationTimeout
from tests.cells import SMALL, cell_config, cell_network, random_steps

TABLE = table.rows(cell_config())


def altered(number: int, **fields: int) -> list[table.Row]:
    """The table of operations with one row changed."""
    rows = [dict(row) for row in TABLE]
    rows[number] |= fields
    return rows


def seen(**changes: Any) -> str:
    """How a fault shows: a difference from golden, an assertion in the RTL, a hang; "" if not.

    Most show in the first step; three of them have states that are kept and one that is reset.
    """
    return shown(1, **changes) or shown(3, **changes)


def shown(count: int, **changes: Any) -> str:
    """The same within so many steps."""
    rng = np.random.default_rng(1)
    network = cell_network(rng, cell_config(**changes), widths=SMALL, head=False, density=0.5)
    try:
        result = simulate_steps(network, random_steps(rng, network, count))
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
    assert not shown(3)
    assert not shown(3, streams=2)


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
    monkeypatch.setattr(control, "rows", lambda config: altered(number, **fields))
    assert seen() == "difference"


def test_a_stolen_cycle_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry is issued in the cycle of an operation."""

    class Broken(ProcessingElement):
        def elaborate(self, platform: object) -> Module:
            m = super().elaborate(platform)
            m.d.comb += self.entry.steal.eq(0)
            return m

    monkeypatch.setattr("rtl.group.group.ProcessingElement", Broken)
    assert seen(streams=2)


def upcoming_with(patch: pytest.MonkeyPatch, change: Callable[[Upcoming], Any]) -> None:
    """The next phase is another one."""

    class Broken(Upcoming):
        def elaborate(self, platform: object) -> Module:
            m = super().elaborate(platform)
            m.d.sync += change(self)
            return m

    patch.setattr(sequencer, "Upcoming", Broken)


def test_sums_of_two_phases_are_mixed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every phase uses the same set of sums."""
    upcoming_with(monkeypatch, lambda upcoming: upcoming.next.phase.odd.eq(0))
    assert seen(streams=2)


def test_the_wrong_list_is_fed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    upcoming_with(
        monkeypatch, lambda upcoming: upcoming.next.lists.back.eq(upcoming.next.phase.target)
    )
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
