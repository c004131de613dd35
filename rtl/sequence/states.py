"""The sequencer's states: clear, then forever idle, run, and output."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.front.delta import DeltaStage
from rtl.operations.clearing import clear_cycles
from rtl.prim.delay import delayed


class SequencerState(enum.Enum, shape=2):
    """What the engine is doing."""

    CLEAR = 0
    IDLE = 1
    RUN = 2
    OUTPUT = 3


class States(wiring.Component):
    """Decides when phases begin and go over to the back, and when results are handed over.

    start: the last input is being taken; only when idle.
    loading: the layer program is being loaded.
    valid: a phase is broadcast.
    quiet: its last broadcast has moved on.
    busy: the back has a phase.
    end: that phase ends after this cycle.
    final: no phase follows the one that is or was broadcast last.
    taken: all results are taken.
    idle: ready for inputs.
    begin: a phase, or the handing over, begins after this cycle.
    handover: the back takes the phase that is broadcast.
    advance: what begins is a phase.
    results: what begins next will be the handing over of results.
    rewind: the next phase is the first one's.
    running: a step runs (not the transfer of inputs or outputs).
    enable: activations or results are granted.
    output: results are handed over.
    finish: the results are ready since this cycle.
    done: one cycle, at the end.
    state: for waveforms.

    answer: results are requested; only with cells.
    out_stream: whose results are handed over; only with several streams.
    wants_reset: an input waits until everything is forgotten; only with delta.
    reset: everything is forgotten, from now on; only with delta.
    """

    start: Signal
    loading: Signal
    valid: Signal
    quiet: Signal
    busy: Signal
    end: Signal
    final: Signal
    taken: Signal
    idle: Signal
    begin: Signal
    handover: Signal
    advance: Signal
    results: Signal
    rewind: Signal
    running: Signal
    enable: Signal
    output: Signal
    finish: Signal
    done: Signal
    state: Signal
    answer: Signal
    out_stream: Signal
    wants_reset: Signal
    reset: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """The optional ports follow from `config`."""
        self._config = config
        ins = ("start", "loading", "valid", "quiet", "busy", "end", "final", "taken")
        outs = (
            *("idle", "begin", "handover", "advance", "results", "rewind", "running"),
            *("enable", "output", "finish", "done"),
        )
        streams = {"out_stream": Out(range(config.streams))}
        super().__init__(
            {
                **{name: In(1) for name in ins},
                **{name: Out(1) for name in outs},
                "state": Out(SequencerState),
                **({"answer": In(1)} if config.cells else {}),
                **(streams if config.streams > 1 else {}),
                **({"wants_reset": In(1), "reset": Out(1)} if config.delta else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The states."""
        m = Module()
        config = self._config
        clear = clear_cycles(config)
        if config.delta:
            clear = max(clear, DeltaStage.clear_cycles(config))
        count = Signal(range(max(clear, 8) + 1))
        settled = Signal()
        # High only in state IDLE: inputs are taken in that very cycle.
        m.d.comb += self.idle.eq(settled & ~self.loading)
        m.d.sync += [count.eq(0), settled.eq(0), self.finish.eq(0)]
        started = Signal()
        with m.If(self.begin):
            m.d.sync += started.eq(1)
        with m.Elif(self.idle):
            m.d.sync += started.eq(0)
        ended, following = self._begins(m)
        with m.FSM(name="state") as fsm:
            with m.State("CLEAR"):
                # Memories survive a reset, but sums must not.
                m.d.comb += self.rewind.eq(1)
                m.d.sync += count.eq(count + 1)
                with m.If(count == clear):
                    m.d.sync += count.eq(0)
                    m.next = "IDLE"
            with m.State("IDLE"):
                self._idle(m, count, settled)
            with m.State("RUN"):
                self._run(m, started, ended)
            with m.State("OUTPUT"):
                self._output(m, count, following)
        m.d.sync += [
            Assert(~settled | fsm.ongoing("IDLE"), "idle while a step runs"),
            Assert(~(self.start & ~self.idle), "a step is started while one runs"),
        ]
        for state in SequencerState:
            with m.If(fsm.ongoing(state.name)):
                m.d.comb += self.state.eq(state)
        return m

    def _begins(self, m: Module) -> tuple[Value, Signal]:
        """What begins after this cycle, whatever the state: much depends on it, so it is short.

        Returns that the step's last phase has ended, and the signal that the results of the next
        stream begin. With one stream nothing is broadcast while the back has a phase.
        """
        config = self._config
        following = Signal()
        overlap = config.streams > 1
        # Until the last input is in its list.
        cycles = config.store_stages
        first = delayed(m, self.start, cycles=cycles, name="start", reset_less=False)
        ended = self.end & ~self.valid if overlap else self.end
        m.d.comb += [
            self.handover.eq(self.valid & self.quiet & ~self.busy),
            self.advance.eq(first | ((self.handover if overlap else ended) & ~self.final)),
        ]
        if overlap:
            m.d.comb += self.begin.eq(self.advance | (ended & self.final) | following)
        else:
            m.d.comb += self.begin.eq(first | ended)
        return ended & self.final, following

    def _idle(self, m: Module, count: Signal, settled: Signal) -> None:
        """Idle once the first phase is prepared, from what may have just been loaded."""
        delta = self._config.delta
        leaves: Value = self.start | self.wants_reset if delta else self.start
        m.d.sync += [
            count.eq(Mux(self.loading, 0, Mux(settled, 3, count + 1))),
            settled.eq(~self.loading & (settled | (count == 2)) & ~leaves),
        ]
        with m.If(self.start):
            m.next = "RUN"
        if delta:
            with m.If(self.wants_reset):
                m.d.comb += self.reset.eq(1)
                m.d.sync += count.eq(0)
                m.next = "CLEAR"

    def _run(self, m: Module, started: Signal, ended: Value) -> None:
        """Phase after phase, until the last one has ended in the back."""
        m.d.comb += [
            self.running.eq(1),
            self.enable.eq(self.valid),
            self.results.eq(self.final & started),
        ]
        with m.If(ended):
            m.d.sync += self.finish.eq(1)
            m.next = "OUTPUT"

    def _output(self, m: Module, count: Signal, following: Signal) -> None:
        """Results leave, stream after stream."""
        config, stream = self._config, Signal(range(self._config.streams), name="stream")
        answer = self.answer if config.cells else Value.cast(1)
        m.d.comb += [self.enable.eq(answer), self.output.eq(1), self.results.eq(1)]
        last = stream == config.streams - 1
        # The counters are late.
        counted = count == config.counter_stages
        m.d.sync += count.eq(Mux(counted, count, count + 1))
        with m.If(counted & (~answer | (self.quiet & last & self.taken))):
            m.d.comb += [self.done.eq(1), self.rewind.eq(1)]
            m.d.sync += [stream.eq(0), count.eq(0)]
            m.next = "IDLE"
        with m.Elif(self.quiet & ~last):
            m.d.comb += following.eq(1)
            m.d.sync += stream.eq(stream + 1)
        if config.streams > 1:
            m.d.comb += self.out_stream.eq(stream)
