"""Deliberate faults outside the PEs: each replaces one unit of the RTL by a broken one."""

from typing import Any

import pytest
from amaranth.hdl import Module, Mux, Signal, Value

from rtl.front.activation_lists import ActivationLists
from rtl.front.collector import Collector
from rtl.group.column_memory import ColumnMemory
from rtl.operations.control import OperationControl
from rtl.operations.pipeline import OperationPipeline
from rtl.sequence.counters import Counters
from rtl.sequence.trail import Trail
from tests.sim.faults_pe import wrap

Patch = pytest.MonkeyPatch


# -- broadcasts ------------------------------------------------------------------------------------


def pointer_of_the_next_pe(patch: Patch) -> None:
    class Broken(ColumnMemory):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = ColumnMemory(config=self._config, init=self._init)
            wrap(m, self, inner, but=("pointers",))
            size = self._config.group
            m.d.comb += [
                self.pointers[pe].as_value().eq(inner.pointers[(pe + 1) % size].as_value())
                for pe in range(size)
            ]
            return m

    patch.setattr("rtl.group.group.ColumnMemory", Broken)


def bias_of_the_next_row(patch: Patch) -> None:
    class Broken(ColumnMemory):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = ColumnMemory(config=self._config, init=self._init)
            wrap(m, self, inner, but=("bias_address",))
            m.d.comb += inner.bias_address.eq(self.bias_address ^ 1)
            return m

    patch.setattr("rtl.group.group.ColumnMemory", Broken)


def column_memory_ignores_hold(patch: Patch) -> None:
    """A broadcast that is held is taken again in every cycle."""

    class Broken(ColumnMemory):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            wrap(m, self, ColumnMemory(config=self._config, init=self._init), but=("hold",))
            return m

    patch.setattr("rtl.group.group.ColumnMemory", Broken)


def collector_ignores_hold(patch: Patch) -> None:
    class Broken(Collector):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            wrap(m, self, Collector(config=self._config), but=("hold",))
            return m

    patch.setattr("rtl.engine.Collector", Broken)


def activations_ignore_hold(patch: Patch) -> None:
    """What was granted just before a hold is lost."""

    class Broken(ActivationLists):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            wrap(m, self, ActivationLists(config=self._config), but=("hold",))
            return m

    patch.setattr("rtl.group.group.ActivationLists", Broken)


def collector_skips_a_cycle(patch: Patch) -> None:
    class Broken(Collector):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = Collector(config=self._config)
            wrap(m, self, inner, but=("enable",))
            count = Signal(range(13))
            m.d.sync += count.eq(Mux(count == 12, 0, count + 1))
            m.d.comb += inner.enable.eq(self.enable & (count != 12))
            return m

    patch.setattr("rtl.engine.Collector", Broken)


# -- end of a layer, drain, counters ---------------------------------------------------------------


def drain_skips_the_last_row(patch: Patch) -> None:
    class Broken(OperationControl):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = OperationControl(config=self._config, size=self._size)
            wrap(m, self, inner, but=("phase",))
            m.d.comb += [
                Value.cast(inner.phase).eq(Value.cast(self.phase)),
                inner.phase.rows.eq(self.phase.rows - 1),
            ]
            return m

    patch.setattr("rtl.group.group.OperationControl", Broken)


def drains_wait_for_all(patch: Patch) -> None:
    """No PE is drained before all of its group are ready."""

    class Broken(OperationControl):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = OperationControl(config=self._config, size=self._size)
            wrap(m, self, inner, but=("ready",))
            m.d.comb += inner.ready.eq(self.ready.all().replicate(self._size))
            return m

    patch.setattr("rtl.group.group.OperationControl", Broken)


def drained_too_early(patch: Patch) -> None:
    """Sums are read a cycle too early, when the last one may not yet be added."""
    total = OperationPipeline._total
    patch.setattr(OperationPipeline, "_total", staticmethod(lambda config: total(config) - 1))


def quiet_too_early(patch: Patch) -> None:
    """When the last activation is granted, and its broadcast still on its way."""

    class Broken(Trail):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            m.d.comb += self.quiet.eq(self.passed)
            return m

    patch.setattr("rtl.sequence.sequencer.Trail", Broken)


def stalls_are_not_counted(patch: Patch) -> None:
    class Broken(Counters):
        def __init__(self, *, config: Any) -> None:
            self._config = config
            super().__init__(config=config)

        def elaborate(self, platform: object) -> Module:
            m = Module()
            wrap(m, self, Counters(config=self._config), but=("stalled",))
            return m

    patch.setattr("rtl.engine.Counters", Broken)
