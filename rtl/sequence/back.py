"""The phase whose operations run, after it was broadcast."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import phase_layout
from rtl.operations.control import OperationControl
from rtl.operations.function_unit import FunctionUnit
from rtl.operations.pipeline import OperationPipeline


class Back(wiring.Component):
    """Takes a phase over and keeps it until its last output is written.

    front: the phase that is broadcast; with one stream it stays until the back has ended.
    handover: take it over; only when not busy.
    over: all its operations have begun, `over_stages` cycles ago.
    heads: it is the last phase before the head, and the head will run; only with delta.
    phase: the phase that was taken over.
    busy: there is one.
    closed: there is one, or it is taken over now.
    end: it ends after this cycle.
    """

    front: data.View
    handover: Signal
    over: Signal
    heads: Signal
    phase: data.View
    busy: Signal
    closed: Signal
    end: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Latencies come from `config`."""
        self._config = config
        super().__init__(
            {
                "front": In(phase_layout(config)),
                "handover": In(1),
                "over": In(1),
                **({"heads": In(1)} if config.delta else {}),
                "phase": Out(phase_layout(config)),
                "busy": Out(1),
                "closed": Out(1),
                "end": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A counter from the last operation to its output."""
        m = Module()
        config = self._config
        way = OperationPipeline.result_latency(config) - config.over_stages
        way += config.store_stages - OperationControl.OVER_LATENCY
        extra = FunctionUnit.LATENCY if config.functions else 0
        late = Signal(range(way + extra + 1))
        ending = Signal()
        last: Value = Value.cast(way - 1)
        if config.functions:  # a function's value comes later
            last = Mux(self.phase.function.any(), way + extra - 1, way - 1)
        with m.If(self.over & self.busy & ~self.end):
            m.d.sync += late.eq(late + 1)
        with m.Else():
            m.d.sync += late.eq(0)
        # In a register, because it fans out far.
        m.d.sync += ending.eq(self.over & self.busy & (late == last))
        m.d.comb += [self.end.eq(ending), self.closed.eq(self.busy | self.handover)]
        with m.If(self.handover):
            m.d.sync += self.busy.eq(1)
        with m.Elif(self.end):
            m.d.sync += self.busy.eq(0)
        if config.streams > 1:
            with m.If(self.handover):
                m.d.sync += self.phase.eq(self.front)
        else:
            m.d.comb += self.phase.eq(self.front)
        if config.delta:
            # The head takes its inputs unchanged.
            m.d.comb += self.phase.plain.eq(~self.front.keep | self.heads)
        return m
