"""Losses against a count of the trace's events, one PE-cycle at a time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.config import EngineConfig
from golden.format.image import encode
from golden.timing.losses import Losses, account, assignment_bound
from golden.timing.model import TimingModel
from golden.timing.schedule import schedule
from golden.timing.trace import Trace
from tests.networks import random_input, random_network, small_config


def slow_losses(trace: Trace, pes: int, real: dict[tuple[int, int], bool]) -> dict[str, int]:
    """Every PE-cycle looked at on its own, from the events only.

    `real`: whether the entry at (pe, address) has a weight.
    """
    finish = int(trace.events["finish"][0, 0])
    issues = {(int(c), int(p)): real[int(p), int(a)] for c, p, a in trace.events["issue"]}
    pushes = {(int(c), int(p)) for c, p, *_ in trace.events["push"]}
    pops = {(int(c), int(p)) for c, p in trace.events["pop"]}
    last = {pe: max((c for c, p in issues if p == pe), default=0) for pe in range(pes)}
    # Without holds the pushes would follow the broadcasts at a fixed distance.
    reads = sorted({c for c, _ in pushes})
    causes = dict.fromkeys(Losses.__dataclass_fields__, 0)
    for pe in range(pes):
        waiting = 0
        for cycle in range(1, finish):
            # What was pushed two cycles ago could be issued now, had it been popped last cycle.
            waiting += (cycle - 2, pe) in pushes
            waiting -= (cycle - 1, pe) in pops
            if (cycle, pe) in issues:
                cause = "useful" if issues[cycle, pe] else "padding"
            elif cycle < reads[0] + 2:
                cause = "start_up"
            elif cycle > max(last.values()):
                cause = "drain"
            elif cycle > last[pe]:
                cause = "imbalance"
            elif waiting:
                cause = "turns"
            elif cycle - 2 in reads:
                cause = "empty_queue"
            else:
                cause = "full_queue"
            causes[cause] += 1
    return causes


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 7),
    st.integers(1, 3),
    st.integers(0, 999),
    st.sampled_from([2, 3, 6]),
    st.sampled_from([0.2, 0.5, 0.9]),
    st.booleans(),
)
def test_losses_against_a_count_of_events(
    pes: int, group: int, seed: int, run_width: int, density: float, spram: bool
) -> None:
    changes: dict[str, Any] = {"pes": pes, "group": group, "queue_depth": 3 + seed % 4}
    changes["run_width"] = run_width
    if spram:
        changes |= {"entry_memory": "spram", "group": 2, "run_width": min(run_width, 4)}
    rng = np.random.default_rng(seed)
    config = small_config([14, 11], **changes)
    network = random_network(rng, config, [14, 11], density=density)
    x = random_input(rng, network)[0]
    model = TimingModel(encode(network))
    trace, counters = model.run(x)
    layer = model.layers[0]
    column = np.flatnonzero(x)
    column = column[np.argsort(column % config.groups, kind="stable")]
    # Every column must have an entry somewhere, or a broadcast leaves no event to count by.
    column = column[layer.count[:, column].any(axis=0)]
    if len(column) != np.count_nonzero(x):
        x = np.where(np.isin(np.arange(len(x)), column), x, 0)
        trace, counters = model.run(x)
    if not len(column):
        return
    place = np.cumsum(layer.count.reshape(-1)) - layer.count.reshape(-1)
    real, by_address = np.zeros_like(layer.count), {}
    for pe in range(config.pes):
        for c in range(layer.count.shape[1]):
            first = place[pe * layer.count.shape[1] + c]
            for n in range(layer.count[pe, c]):
                by_address[pe, int(layer.start[pe, c]) + n] = bool(layer.real[first + n])
                real[pe, c] += layer.real[first + n]
    losses = account(
        schedule(config, layer.count[:, column], 1),
        layer.count[:, column],
        real[:, column],
        start=1,
        end=trace.cycles + 1,
    )
    assert losses.to_dict() == slow_losses(trace, config.pes, by_address)
    assert losses.useful == counters.macs
    assert losses.total == config.pes * counters.cycles


def test_a_layer_by_hand() -> None:
    """Two PEs; columns with (2, 0), (0, 0), (1, 3) entries, one of the last being padding.

    Reads in cycles 3, 4, 5; so PE 0 issues in 6, 7 and 8, PE 1 in 8, 9, 10. PE 1 waits for its
    first entry in cycles 6 and 7 (nothing held), PE 0 for PE 1 in 9 and 10.
    """
    config = EngineConfig(pes=2, group=2)
    stored = np.array([[2, 0, 1], [0, 0, 3]])
    losses = account(
        schedule(config, stored, 1),
        stored,
        stored - np.array([[0, 0, 0], [0, 0, 1]]),
        start=1,
        end=16,
    )
    assert losses == Losses(
        useful=5,
        padding=1,
        start_up=10,
        empty_queue=2,
        full_queue=0,
        imbalance=2,
        drain=10,
    )
    assert losses.total == 30


@pytest.mark.parametrize("stored", [np.zeros((3, 0), int), np.zeros((3, 4), int)])
def test_layers_without_an_entry(stored: np.ndarray) -> None:
    config = EngineConfig(pes=3)
    losses = account(schedule(config, stored, 1), stored, stored, start=1, end=31)
    assert losses.start_up + losses.drain == losses.total == 90
    assert assignment_bound(stored) == 1.0


def test_assignment_bound() -> None:
    assert assignment_bound(np.array([[3, 1], [1, 0], [1, 0]])) == 2.0
