# amaranth: UnusedElaboratable=no
"""Deliberate faults in the RTL: each must be found by the comparison with golden, and named.

A check that cannot fail proves nothing. Every fault replaces one unit by a broken one; the control
runs the same networks with the units as they are.
"""

import functools
import gc
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from golden.network import Network
from rtl.accumulator import Accumulator
from rtl.collector import Collector
from rtl.counters import Counters
from rtl.decoder import RowCounter
from rtl.drain_unit import DrainUnit
from rtl.entry_reader import EntryReader
from rtl.mac import Product
from rtl.pointer_reader import PointerReader
from rtl.queue import Queue
from rtl.requantiser import Requantiser
from rtl.sequencer import Sequencer
from sim.simulate import Simulation, simulate
from tests.networks import random_input, random_network, small_config

Patch = pytest.MonkeyPatch


def wrap(m: Module, outer: Any, inner: Any, *, but: tuple[str, ...] = ()) -> None:
    """Put `inner` into `outer`, which has the same ports; those in `but` stay open."""
    m.submodules.inner = inner
    for name, member in outer.signature.members.items():
        if name in but:
            continue
        mine, its = getattr(outer, name), getattr(inner, name)
        if not member.is_port:
            connect(m, flipped(mine), its)
            continue
        into, source = (its, mine) if member.flow is wiring.In else (mine, its)
        m.d.comb += Value.cast(into).eq(Value.cast(source))


# -- networks on which the faults matter -----------------------------------------------------------


@functools.cache
def case(kind: str) -> tuple[Network, np.ndarray]:
    """sparse: hazards, padding, ties in rounding, values on both sides of zero. dense: stalls."""
    sizes = [60, 40] if kind == "dense" else [40, 30, 20]
    config = small_config(
        sizes,
        mac="log" if kind == "log" else "codebook",
        pes=5,
        group=2,
        run_width=2,
        act_width=12,
        weight_width=4,
        queue_depth=8,
        multiplier_stages=3,
    )
    rng = np.random.default_rng(5)
    density = 0.9 if kind == "dense" else 0.25
    network = random_network(rng, config, sizes, density=density, shift=3)
    return network, random_input(rng, network, 2)


def run(kind: str) -> Simulation:
    return simulate(*(one_input() if kind == "one" else case(kind)))


@pytest.mark.parametrize("kind", ["sparse", "dense", "log", "one"])
def test_control_without_a_fault(kind: str) -> None:
    result = run(kind)
    assert result.first_difference() is None
    assert result.equal
    if kind == "dense":
        assert result.inferences[0].counters.stalls > 20


# -- faults that the comparison finds --------------------------------------------------------------


def no_near_hazard(patch: Patch) -> None:
    """A sum that was just being added to is read stale."""
    hazards = Accumulator.hazards
    patch.setattr(Accumulator, "hazards", lambda *a: (Const(0), hazards(*a)[1]))


def round_half_up(patch: Patch) -> None:
    patch.setattr(Requantiser, "round_up", lambda self, odd, half, below: half)


def truncate(patch: Patch) -> None:
    patch.setattr(Requantiser, "round_up", lambda self, odd, half, below: Const(0))


def round_half_away_from_even(patch: Patch) -> None:
    patch.setattr(Requantiser, "round_up", lambda self, odd, half, below: half & (below | ~odd))


def padding_as_a_weight(patch: Patch) -> None:
    class Broken(RowCounter):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            base = Mux(self.first, 0, self.row + 1)
            with m.If(self.valid):
                m.d.sync += self.row.eq(base + self.run)
            m.d.sync += self.real.eq(self.valid)
            return m

    patch.setattr("rtl.decoder.RowCounter", Broken)


def wrong_log_sign(patch: Patch) -> None:
    class Broken(Product):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = Product(config=self._config)
            wrap(m, self, inner, but=("weight",))
            m.d.comb += inner.weight.eq(Cat(self.weight[:-1], ~self.weight[-1]))
            return m

    patch.setattr("rtl.pe.Product", Broken)


def one_bubble_between_jobs(patch: Patch) -> None:
    class Broken(EntryReader):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = EntryReader(config=self._config, init=self._init)
            wrap(m, self, inner, but=("job_valid",))
            m.d.comb += inner.job_valid.eq(self.job_valid & ~self.issuing)
            return m

    patch.setattr("rtl.pe.EntryReader", Broken)


def empty_columns_are_queued(patch: Patch) -> None:
    """EIE's order, pointers after the queue: an empty column costs a slot and a cycle."""

    class Eager(PointerReader):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = PointerReader(config=self._config, init=self._init)
            wrap(m, self, inner, but=("push",))
            m.d.sync += self.push.eq(self.broadcast.valid)
            return m

    class Skipping(EntryReader):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = EntryReader(config=self._config, init=self._init)
            wrap(m, self, inner, but=("job_valid", "pop"))
            empty = self.job_valid & (self.job.count == 0)
            m.d.comb += [
                inner.job_valid.eq(self.job_valid & ~empty),
                self.pop.eq(inner.pop | empty),
            ]
            return m

    patch.setattr("rtl.pe.PointerReader", Eager)
    patch.setattr("rtl.pe.EntryReader", Skipping)


def collector_skips_a_cycle(patch: Patch) -> None:
    class Broken(Collector):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = Collector(config=self._config)
            wrap(m, self, inner, but=("hold",))
            count = Signal(range(13))
            m.d.sync += count.eq(Mux(count == 12, 0, count + 1))
            m.d.comb += inner.hold.eq(self.hold | (count == 12))
            return m

    patch.setattr("rtl.engine.Collector", Broken)


def queue_overwrites(patch: Patch) -> None:
    """The warning comes when the queue is full, and nothing checks."""
    patch.setattr("rtl.queue.Assert", lambda *args: [])
    late_warning(patch)


def stalls_are_not_counted(patch: Patch) -> None:
    class Broken(Counters):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = Counters(config=self._config)
            wrap(m, self, inner, but=("stalled",))
            return m

        def __init__(self, *, config: Any) -> None:
            self._config = config
            super().__init__(config=config)

    patch.setattr("rtl.engine.Counters", Broken)


def bias_of_the_next_row(patch: Patch) -> None:
    class Broken(DrainUnit):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = DrainUnit(config=self._config, size=self._size, init=self._init)
            wrap(m, self, inner, but=("step",))
            m.d.comb += [
                Value.cast(inner.step).eq(Value.cast(self.step)),
                inner.step.bias.eq(self.step.bias ^ 1),
            ]
            return m

    patch.setattr("rtl.group.DrainUnit", Broken)


Fault = Callable[[Patch], None]
FOUND: list[tuple[Fault, str, str]] = [
    (no_near_hazard, "sparse", r"commit of PE \d: value is "),
    (round_half_up, "sparse", r"drain of PE \d: value is "),
    (truncate, "sparse", r"drain of PE \d: value is "),
    (round_half_away_from_even, "sparse", r"drain of PE \d: value is "),
    (padding_as_a_weight, "sparse", r"commit of PE \d is not expected"),
    (wrong_log_sign, "log", r"commit of PE \d: value is "),
    (one_bubble_between_jobs, "dense", r"pop of PE \d is missing"),
    (empty_columns_are_queued, "sparse", r"push of PE \d is not expected"),
    (collector_skips_a_cycle, "sparse", r"broadcast is missing"),
    (queue_overwrites, "dense", r"broadcast is not expected"),
    (stalls_are_not_counted, "dense", r"counters are Counters\(.*stalls=0"),
    (bias_of_the_next_row, "sparse", r"drain of PE \d: value is "),
]


@pytest.mark.parametrize(("fault", "kind", "sentence"), FOUND)
def test_fault_is_found_and_named(
    fault: Fault, kind: str, sentence: str, monkeypatch: Patch
) -> None:
    fault(monkeypatch)
    result = run(kind)
    assert not result.equal
    difference = result.first_difference()
    assert difference is not None

    assert re.search(rf"inference 0: .*{sentence}", difference), difference


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(empty_columns_are_queued, "sparse"), (collector_skips_a_cycle, "sparse")],
)
def test_faults_in_time_only(fault: Fault, kind: str, monkeypatch: Patch) -> None:
    """Outputs alone would not show these; the trace does."""
    fault(monkeypatch)
    result = run(kind)
    assert all(one.outputs_equal for one in result.inferences)
    assert not any(one.trace_equal for one in result.inferences)


# -- faults that an assertion in the RTL finds first -----------------------------------------------


def late_warning(patch: Patch) -> None:
    class Late(Queue):
        def __init__(self, *, shape: Any, depth: int, threshold: int) -> None:
            super().__init__(shape=shape, depth=depth, threshold=depth)

    patch.setattr("rtl.pe.Queue", Late)


def no_far_hazard(patch: Patch) -> None:
    hazards = Accumulator.hazards
    patch.setattr(Accumulator, "hazards", lambda *a: (hazards(*a)[0], Const(0)))


def drains_at_once(patch: Patch) -> None:
    patch.setattr(Sequencer, "drain_wait", staticmethod(lambda config: 0))


def does_not_settle(patch: Patch) -> None:
    patch.setattr(Sequencer, "settle", staticmethod(lambda config: 1))


@functools.cache
def one_input() -> tuple[Network, np.ndarray]:
    """With one input, only the timer keeps the drain from starting too early."""
    config = small_config([1, 10], pes=5, group=2)
    network = random_network(np.random.default_rng(1), config, [1, 10], density=1.0)
    return network, np.array([[5.0]])


ASSERTED: list[tuple[Fault, str, str]] = [
    (late_warning, "dense", "a full queue is pushed"),
    (no_far_hazard, "sparse", "read and written at one address"),
    (drains_at_once, "sparse", "drained while it adds"),
    (does_not_settle, "one", "drained while it adds"),
]


# A simulation that an assertion ends leaves its testbench inside Amaranth's `until`, which cannot
# be closed from there; collected here, where that is expected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("fault", "kind", "message"), ASSERTED)
def test_fault_trips_an_assertion(
    fault: Fault, kind: str, message: str, monkeypatch: Patch
) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError, match=message):
        run(kind)
    gc.collect()
