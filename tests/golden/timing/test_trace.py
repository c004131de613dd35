"""Comparison of traces: the first difference, with its kind, cycle, PE and signal."""

import numpy as np
import pytest

from golden.format.image import encode
from golden.timing.model import TimingModel
from golden.timing.trace import FIELDS, Trace, compare, sort_events
from tests.cells import cell_config, cell_network, random_steps


def recorded() -> Trace:
    rng = np.random.default_rng(1)
    network = cell_network(rng, cell_config(pes=5), density=0.6, head=False)
    (step,) = random_steps(rng, network, 1)
    return TimingModel(encode(network)).run(step.x, reset=step.reset)[0]


TRACE = recorded()


def with_events(kind: str, events: np.ndarray) -> Trace:
    return Trace(events={**TRACE.events, kind: events})


def test_equal_traces() -> None:
    assert all(len(TRACE.events[kind]) for kind in FIELDS)
    assert compare(TRACE, TRACE) is None
    assert compare(TRACE, Trace(events={k: e.copy() for k, e in TRACE.events.items()})) is None


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_missing_and_extra_events(kind: str, where: str) -> None:
    events = TRACE.events[kind]
    row = {"first": 0, "middle": len(events) // 2, "last": len(events) - 1}[where]
    less = with_events(kind, np.delete(events, row, axis=0))
    cycle = int(events[row, 0])
    pe = int(events[row, 1]) if "pe" in FIELDS[kind] else None
    name = "" if pe is None else f" of PE {pe}"

    missing = compare(TRACE, less)
    assert missing is not None
    assert (missing.kind, missing.cycle, missing.pe, missing.signal) == (kind, cycle, pe, kind)
    assert (missing.expected, missing.got) == (cycle, None)
    assert str(missing) == f"cycle {cycle}: {kind}{name} is missing"

    extra = compare(less, TRACE)
    assert extra is not None
    assert (extra.expected, extra.got) == (None, cycle)
    assert str(extra) == f"cycle {cycle}: {kind}{name} is not expected"


VALUES = [(kind, n) for kind, names in FIELDS.items() for n in range(1, len(names))]


@pytest.mark.parametrize(("kind", "column"), VALUES)
def test_changed_values(kind: str, column: int) -> None:
    signal = FIELDS[kind][column]
    events = TRACE.events[kind].copy()
    row = len(events) // 2
    events[row, column] += 1000
    cycle, pe = int(events[row, 0]), TRACE.events[kind][row, 1]
    found = compare(TRACE, with_events(kind, events))
    assert found is not None
    if signal == "pe":  # another PE's event: this one's is missing
        assert str(found) == f"cycle {cycle}: {kind} of PE {pe} is missing"
        return
    expected = int(TRACE.events[kind][row, column])
    assert (found.kind, found.cycle, found.signal) == (kind, cycle, signal)
    assert (found.expected, found.got) == (expected, expected + 1000)
    name = f" of PE {pe}" if "pe" in FIELDS[kind] else ""
    assert str(found) == (
        f"cycle {cycle}: {kind}{name}: {signal} is {expected + 1000}, expected {expected}"
    )
    back = compare(with_events(kind, events), TRACE)
    assert back is not None
    assert (back.expected, back.got) == (expected + 1000, expected)


def test_an_event_a_cycle_late_is_missing_first() -> None:
    events = TRACE.events["pop"].copy()
    events[-1, 0] += 1
    cycle, pe = TRACE.events["pop"][-1]
    late = with_events("pop", sort_events(events))
    assert str(compare(TRACE, late)) == f"cycle {cycle}: pop of PE {pe} is missing"
    assert str(compare(late, TRACE)) == f"cycle {cycle}: pop of PE {pe} is not expected"


def test_the_least_cycle_of_all_kinds_is_told() -> None:
    drain = TRACE.events["drain"].copy()
    drain[-1, 3] += 1
    issue = TRACE.events["issue"].copy()
    issue[0, 2] += 1
    got = Trace(events={**TRACE.events, "drain": drain, "issue": issue})
    found = compare(TRACE, got)
    assert found is not None
    assert found.kind == "issue"


def test_sorting_is_by_the_first_two_fields() -> None:
    rng = np.random.default_rng(1)
    events = TRACE.events["commit"]
    assert np.array_equal(sort_events(rng.permutation(events)), events)
    keys = [tuple(row) for row in events[:, :2]]
    assert keys == sorted(set(keys))
    for kind in FIELDS:  # also with no event, and one
        for count in (0, 1):
            some = TRACE.events[kind][:count]
            assert np.array_equal(sort_events(some), some)
