"""Deliberate faults in the PEs: each replaces a unit, or a part of one, by a broken one."""

from typing import Any

import pytest
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from rtl.operations.requantiser import Requantiser
from rtl.pe.accumulator import Accumulator
from rtl.pe.decoder import RowCounter
from rtl.pe.entry_reader import EntryReader
from rtl.pe.pe import ProcessingElement
from rtl.pe.product import Product
from rtl.prim.queue import Queue

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


# -- accumulator, decoder, product -----------------------------------------------------------------


def no_near_hazard(patch: Patch) -> None:
    """A sum that was asked for a cycle ago is read stale."""
    hazards = Accumulator.hazards
    patch.setattr(Accumulator, "hazards", lambda *a: (Const(0), hazards(*a)[1]))


def no_far_hazard(patch: Patch) -> None:
    hazards = Accumulator.hazards
    patch.setattr(Accumulator, "hazards", lambda *a: (hazards(*a)[0], Const(0)))


def drained_sums_stay(patch: Patch) -> None:
    """An operation reads a sum and does not clear it."""

    class Broken(Accumulator):
        def elaborate(self, platform: object) -> Module:
            m = super().elaborate(platform)
            ram: Any = m.submodules["ram"]
            m.d.comb += ram.w_en.eq(self.commit)
            return m

    patch.setattr("rtl.pe.pe.Accumulator", Broken)


def padding_as_a_weight(patch: Patch) -> None:
    class Broken(RowCounter):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            base = Mux(self.first, 0, self.row + 1)
            with m.If(self.valid):
                m.d.sync += self.row.eq(base + self.run)
            m.d.sync += self.real.eq(self.valid)
            return m

    patch.setattr("rtl.pe.decoder.RowCounter", Broken)


def wrong_log_sign(patch: Patch) -> None:
    class Broken(Product):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = Product(config=self._config)
            wrap(m, self, inner, but=("weight",))
            m.d.comb += inner.weight.eq(Cat(self.weight[:-1], ~self.weight[-1]))
            return m

    patch.setattr("rtl.pe.pe.Product", Broken)


# -- rounding --------------------------------------------------------------------------------------


def round_half_up(patch: Patch) -> None:
    patch.setattr(Requantiser, "round_up", lambda self, odd, half, below: half)


def truncate(patch: Patch) -> None:
    patch.setattr(Requantiser, "round_up", lambda self, odd, half, below: Const(0))


def round_half_away_from_even(patch: Patch) -> None:
    patch.setattr(Requantiser, "round_up", lambda self, odd, half, below: half & (below | ~odd))


# -- queue and entry reader ------------------------------------------------------------------------


def _threshold(patch: Patch, change: int) -> None:
    """The queues warn of `change` more jobs than they should."""

    class Broken(Queue):
        def __init__(self, *, shape: Any, depth: int, threshold: int) -> None:
            super().__init__(shape=shape, depth=depth, threshold=threshold + change)

    patch.setattr("rtl.pe.pe.Queue", Broken)


def late_warning(patch: Patch) -> None:
    """By a single job."""
    _threshold(patch, 1)


def early_warning(patch: Patch) -> None:
    _threshold(patch, -1)


def queue_overwrites(patch: Patch) -> None:
    """The warning comes late, and nothing checks."""
    patch.setattr("rtl.prim.queue.Assert", lambda *args: [])
    late_warning(patch)


def one_bubble_between_jobs(patch: Patch) -> None:
    class Broken(EntryReader):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = EntryReader(config=self._config)
            wrap(m, self, inner, but=("job_valid",))
            m.d.comb += inner.job_valid.eq(self.job_valid & ~self.issuing)
            return m

    patch.setattr("rtl.pe.pe.EntryReader", Broken)


def empty_columns_are_queued(patch: Patch) -> None:
    """EIE's order, pointers after the queue: an empty column costs a slot and a cycle."""

    class Eager(ProcessingElement):
        def elaborate(self, platform: object) -> Module:
            m = super().elaborate(platform)
            m.d.comb += self.queue.push.eq(self.arriving)
            return m

    class Skipping(EntryReader):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = EntryReader(config=self._config)
            wrap(m, self, inner, but=("job_valid", "pop"))
            empty = self.job_valid & (self.job.count == 0)
            m.d.comb += [
                inner.job_valid.eq(self.job_valid & ~empty),
                self.pop.eq(inner.pop | empty),
            ]
            return m

    patch.setattr("rtl.group.group.ProcessingElement", Eager)
    patch.setattr("rtl.pe.pe.EntryReader", Skipping)


def _turn(patch: Patch, turn: Any) -> None:
    """PEs that share a memory take another turn than theirs."""

    class Broken(ProcessingElement):
        def elaborate(self, platform: object) -> Module:
            m = super().elaborate(platform)
            m.d.comb += self.entry.turn.eq(turn(self.turn))
            return m

    patch.setattr("rtl.group.group.ProcessingElement", Broken)


def the_neighbours_turn(patch: Patch) -> None:
    _turn(patch, lambda turn: ~turn)


def nobodys_turn(patch: Patch) -> None:
    _turn(patch, lambda turn: Const(1))


def upper_entry_of_the_neighbours_word(patch: Patch) -> None:
    """The second entry of a word is not kept while the neighbour reads."""
    lanes = EntryReader._lanes

    def broken(self: EntryReader, m: Module) -> None:
        lanes(self, m)
        odd = Signal()
        m.d.sync += odd.eq(self.address[0])
        with m.If(odd):
            m.d.comb += self.entry.as_value().eq(self.word[8:])

    patch.setattr(EntryReader, "_lanes", broken)
