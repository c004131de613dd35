# amaranth: UnusedElaboratable=no
"""Deliberate faults in the RTL: each must be found by the comparison with golden, and named.

A check that cannot fail proves nothing. The faults are in faults_pe and faults_array; the control
runs the same networks with the units as they are.
"""

import functools
import gc
import re
from collections.abc import Callable

import numpy as np
import pytest

from golden.format.network import Network
from sim.check import Simulation, simulate
from tests.networks import random_input, random_network, small_config
from tests.sim import faults_array, faults_pe

Fault = Callable[[pytest.MonkeyPatch], None]


@functools.cache
def case(kind: str) -> tuple[Network, np.ndarray]:
    """Networks on which the faults matter.

    sparse: hazards, padding, ties in rounding, values on both sides of zero. dense: stalls.
    """
    sizes = [60, 40] if kind == "dense" else [40, 30, 20]
    shared = {"entry_memory": "spram", "run_width": 3} if kind == "spram" else {"run_width": 2}
    config = small_config(
        sizes,
        mac="log" if kind == "log" else "codebook",
        pes=5,
        group=2,
        act_width=12,
        weight_width=4,
        queue_depth=8,
        entry_stages=2,
        multiplier_stages=3,
        **shared,
    )
    rng = np.random.default_rng(5)
    density = 0.9 if kind == "dense" else 0.25
    network = random_network(rng, config, sizes, density=density, shift=3)
    return network, random_input(rng, network)


@functools.cache
def one_input() -> tuple[Network, np.ndarray]:
    """With one input, only the end's way through the pipeline keeps the drain from starting."""
    config = small_config([1, 10], pes=5, group=2)
    network = random_network(np.random.default_rng(1), config, [1, 10], density=1.0)
    return network, np.array([[5.0]])


def run(kind: str) -> Simulation:
    return simulate(*(one_input() if kind == "one" else case(kind)))


@pytest.mark.parametrize("kind", ["sparse", "dense", "log", "spram", "one"])
def test_control_without_a_fault(kind: str) -> None:
    result = run(kind)
    assert result.first_difference() is None
    assert result.equal
    if kind == "dense":
        assert result.inferences[0].counters.stalls > 20


FOUND: list[tuple[Fault, str, str]] = [
    (faults_pe.no_near_hazard, "sparse", r"commit of PE \d: value is "),
    (faults_pe.drained_sums_stay, "sparse", r"commit of PE \d: value is "),
    (faults_pe.padding_as_a_weight, "sparse", r"commit of PE \d is not expected"),
    (faults_pe.wrong_log_sign, "log", r"commit of PE \d: value is "),
    (faults_pe.round_half_up, "sparse", r"drain of PE \d: value is "),
    (faults_pe.truncate, "sparse", r"drain of PE \d: value is "),
    (faults_pe.round_half_away_from_even, "sparse", r"drain of PE \d: value is "),
    (faults_pe.early_warning, "dense", r"broadcast is missing"),
    (faults_pe.queue_overwrites, "dense", r"broadcast is not expected"),
    (faults_pe.one_bubble_between_jobs, "dense", r"pop of PE \d is missing"),
    (faults_pe.empty_columns_are_queued, "sparse", r"push of PE \d is not expected"),
    (faults_pe.the_neighbours_turn, "spram", r"pop of PE \d is (missing|not expected)"),
    (faults_pe.upper_entry_of_the_neighbours_word, "spram", r"commit of PE \d"),
    (faults_array.pointer_of_the_next_pe, "sparse", r"push of PE \d"),
    (faults_array.bias_of_the_next_row, "sparse", r"drain of PE \d: value is "),
    (faults_array.activations_ignore_hold, "dense", r"broadcast is missing"),
    (faults_array.collector_skips_a_cycle, "sparse", r"broadcast is missing"),
    (faults_array.drain_skips_the_last_row, "sparse", r"drain of PE \d is missing"),
    (faults_array.drains_wait_for_all, "sparse", r"drain of PE \d is missing"),
    (faults_array.stalls_are_not_counted, "dense", r"counters are Counters\(.*stalls=0"),
]


@pytest.mark.parametrize(("fault", "kind", "sentence"), FOUND)
def test_fault_is_found_and_named(
    fault: Fault, kind: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    result = run(kind)
    assert not result.equal
    difference = result.first_difference()
    assert difference is not None
    assert re.search(rf"inference 0: .*{sentence}", difference), difference


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults_pe.empty_columns_are_queued, "sparse"),
        (faults_array.collector_skips_a_cycle, "sparse"),
        (faults_pe.early_warning, "dense"),
        (faults_pe.the_neighbours_turn, "spram"),
        (faults_array.drains_wait_for_all, "sparse"),
    ],
)
def test_faults_in_time_only(fault: Fault, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs alone would not show these; the trace does."""
    fault(monkeypatch)
    result = run(kind)
    assert all(one.outputs_equal for one in result.inferences)
    assert not any(one.trace_equal for one in result.inferences)


ASSERTED: list[tuple[Fault, str, str]] = [
    (faults_pe.late_warning, "dense", "a full queue is pushed"),
    (faults_array.column_memory_ignores_hold, "dense", "a full queue is pushed"),
    (faults_array.collector_ignores_hold, "dense", "granted while broadcasts are held"),
    (faults_pe.no_far_hazard, "sparse", "read and written at one address"),
    (faults_pe.nobodys_turn, "spram", "two PEs read their shared memory in one cycle"),
    (faults_array.drained_too_early, "sparse", "a sum is taken while another is added to"),
    (faults_array.quiet_too_early, "one", "a sum is taken while another is added to"),
]
"""Faults that an assertion in the RTL finds before the comparison does."""


# A simulation that an assertion ends leaves its testbench inside Amaranth's `until`, which cannot
# be closed from there; collected here, where that is expected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("fault", "kind", "message"), ASSERTED)
def test_fault_trips_an_assertion(
    fault: Fault, kind: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError, match=message):
        run(kind)
    gc.collect()
