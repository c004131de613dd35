"""The sequencer of an engine with cells: the layers of all streams, phase after phase."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.front.delta import DeltaStage
from rtl.layouts import begin_layout, phase_layout, struct
from rtl.load import LoadTarget, MemoryWrite, drive
from rtl.operations.cell_control import CellControl
from rtl.prim.delay import delayed
from rtl.prim.ram import BlockRam
from rtl.sequence.back import run_back
from rtl.sequence.counters import Counters
from rtl.sequence.sequencer import SequencerState, ended
from rtl.sequence.upcoming import next_layout, prepare, result_list


class CellSequencer(wiring.Component):
    """Two phases may be under way: the front, which is broadcast, and the back, which runs cells.

    With one stream a phase begins when the operations of the one before have ended; with more, when
    its broadcasts have. The back takes a phase over when it is free.

    start, idle, enable, base, pending, hold, layer, running, output, taken, done, layer_start,
    finish, state, write: as in rtl.sequence.sequencer. back_base: see the collector. fresh, answer:
    from the input port. over: as in rtl.sequence.sequencer, of the back. begin, lists: a phase, or
    the handing over, begins after this cycle. stream, odd: the front's; out_stream: whose results
    are handed over. closed: the back has a phase, or takes it over now. phase: the back's. end: it
    ends after this cycle. quiet: the front's last broadcast has moved on. With delta, wants_reset:
    an input waits until all is forgotten; reset: it is, from now on; input_threshold: of inputs.
    """

    start: Signal
    pending: Signal
    hold: Signal
    over: Signal
    taken: Signal
    fresh: Signal
    answer: Signal
    idle: Signal
    begin: Signal
    lists: data.View
    enable: Signal
    base: Signal
    back_base: Signal
    layer: Signal
    stream: Signal
    odd: Signal
    closed: Signal
    phase: data.View
    end: Signal
    quiet: Signal
    running: Signal
    output: Signal
    out_stream: Signal
    done: Signal
    layer_start: Signal
    finish: Signal
    state: Signal
    write: MemoryWrite
    wants_reset: Signal
    reset: Signal
    input_threshold: Signal

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: program words."""
        self._config, self._init = config, init
        ins = ("start", "pending", "hold", "over", "taken", "answer")
        outs = (
            *("idle", "begin", "enable", "odd", "closed", "end", "quiet", "running", "output"),
            *("done", "layer_start", "finish"),
        )
        delta = {
            "wants_reset": In(1),
            "reset": Out(1),
            "input_threshold": Out(config.act_width - 1),
        }
        super().__init__(
            {
                **{name: In(1) for name in ins},
                **{name: Out(1) for name in outs},
                "fresh": In(config.streams),
                "lists": Out(begin_layout(config)),
                "base": Out(config.column_width),
                "back_base": Out(config.column_width),
                "layer": Out(config.layer_width),
                "stream": Out(range(config.streams)),
                "out_stream": Out(range(config.streams)),
                "phase": Out(phase_layout(config)),
                "state": Out(SequencerState),
                **(delta if config.delta else {}),
                "write": In(MemoryWrite.Signature(config, LoadTarget.PROGRAM)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The program, the next phase, front and back, and the states."""
        m = Module()
        config = self._config
        fields = struct(layout.descriptor(config))
        m.submodules.program = program = BlockRam(
            width=fields.size, depth=config.layers, init=self._init
        )
        m.d.comb += [
            # So that what is loaded is seen at the start.
            program.r_en.eq(~self.write.en),
            program.r_addr.eq(self.layer + 1),
        ]
        drive(m, self.write, program)
        following, current = data.View(fields, program.r_data), Signal(fields)
        parity = Signal()
        with m.If(self.done):
            m.d.sync += parity.eq(~parity)
        front, valid, handover = Signal(next_layout(config)), Signal(), Signal()
        upcoming = prepare(
            m, config=config, now=self, following=following, current=current, parity=parity
        )
        ends = self.last_stream() & (current.last | (following.head & ~self.answer))
        final = Signal()  # in a register, because what begins next waits for it
        m.d.sync += [
            final.eq(ends),
            Assert(
                (self.state != SequencerState.RUN) | ~(self.end | handover) | (final == ends),
                "a phase is over before it is known whether it is the last",
            ),
        ]
        m.d.comb += [
            self.base.eq(Mux(self.output, 0, front.base)),
            self.back_base.eq(front.back_base),
            self.odd.eq(front.phase.odd),
            self.quiet.eq(
                ended(
                    m,
                    config=config,
                    passed=(valid | self.output) & ~self.pending,
                    clear=self.begin,
                    hold=self.hold,
                )
            ),
        ]
        m.d.sync += Assert(~(self.start & ~self.idle), "a step is started while one runs")
        heads = following.head & self.answer & ~current.last
        back = run_back(m, config=config, now=self, front=front, handover=handover, heads=heads)
        if config.delta:
            m.d.comb += self.input_threshold.eq(following.source_threshold)
        self._states(m, valid, handover, back, final)
        self._front(m, front, upcoming, following, current, valid, handover)
        out = result_list(m, config=config, now=self, current=current, parity=parity)
        source = Mux(self._results, out, upcoming.lists.source)
        # In registers, because the lengths of these lists are looked up when a phase begins.
        m.d.sync += [
            self.lists.source.eq(source),
            self.lists.back.eq(upcoming.lists.back),
            Assert(
                ~self.begin
                | ((self.lists.source == source) & (self.lists.back == upcoming.lists.back)),
                "a phase begins before its lists are known",
            ),
        ]
        return m

    def last_stream(self) -> Value:
        """The phase is that of the last stream."""
        return self.stream == self._config.streams - 1

    def _front(
        self,
        m: Module,
        front: data.View,
        upcoming: data.View,
        following: data.View,
        current: data.View,
        valid: Signal,
        handover: Signal,
    ) -> None:
        """The next phase becomes the front's, or there is none."""
        following_stream = Mux(self.last_stream(), 0, self.stream + 1)
        fresh = Signal()
        m.d.comb += fresh.eq(self.fresh.bit_select(following_stream, 1))
        m.d.sync += self.layer_start.eq(0)
        with m.If(handover):
            m.d.sync += valid.eq(0)
        with m.If(self.begin & ~self.output & ~self._handing_over):
            m.d.sync += [
                front.eq(upcoming),
                front.phase.fresh.eq(fresh),
                self.layer.eq(upcoming.phase.layer),
                self.stream.eq(following_stream),
                self.layer_start.eq(1),
                valid.eq(1),
            ]
            with m.If(self.last_stream()):
                m.d.sync += current.eq(following)
        with m.If(self._rewind):
            # Before the first layer of the first stream.
            m.d.sync += [self.layer.eq(-1), self.stream.eq(self._config.streams - 1)]
        fed_back = Signal()
        m.d.sync += fed_back.eq(upcoming.lists.fed_back & ~self._results)
        m.d.comb += self.lists.fed_back.eq(fed_back & ~fresh)

    def _states(
        self, m: Module, valid: Signal, handover: Signal, busy: Signal, final: Signal
    ) -> None:
        """Clear, then for ever: idle, run, and if asked for output."""
        config = self._config
        overlap = config.streams > 1
        clear = CellControl.clear_cycles(config)
        if config.delta:
            clear = max(clear, DeltaStage.clear_cycles(config))
        # With delta the last inputs are late.
        late = delayed(
            m,
            self.start,
            cycles=DeltaStage.LATENCY if config.delta else 0,
            name="start",
            reset_less=False,
        )
        count = Signal(range(max(clear, 8) + 1))
        # Results: what begins next is their handing over.
        self._rewind, self._handing_over, self._results = Signal(), Signal(), Signal()
        # High in state IDLE only: inputs are taken in the cycle that this tells.
        settled, started = Signal(), Signal()
        m.d.comb += self.idle.eq(settled & ~self.write.en)
        with m.If(self.begin):
            m.d.sync += started.eq(1)
        with m.Elif(self.idle):
            m.d.sync += started.eq(0)
        m.d.sync += [count.eq(0), settled.eq(0), self.finish.eq(0)]
        with m.FSM(name="state") as fsm:
            with m.State("CLEAR"):
                # Memories survive a reset; sums must not.
                m.d.comb += self._rewind.eq(1)
                m.d.sync += count.eq(count + 1)
                with m.If(count == clear):
                    m.d.sync += count.eq(0)
                    m.next = "IDLE"
            with m.State("IDLE"):
                self._settle(m, count, settled)
                if not config.delta:
                    m.d.comb += self.begin.eq(self.start)
                with m.If(self.start):
                    m.next = "RUN"
                if config.delta:
                    with m.If(self.wants_reset):
                        m.d.comb += self.reset.eq(1)
                        m.d.sync += count.eq(0)
                        m.next = "CLEAR"
            with m.State("RUN"):
                m.d.comb += [
                    self.running.eq(1),
                    self.enable.eq(valid),
                    handover.eq(valid & self.quiet & ~busy),
                    self._results.eq(final & started),
                ]
                if config.delta:
                    m.d.comb += self.begin.eq(late)
                if overlap:
                    with m.If(handover & ~final):
                        m.d.comb += self.begin.eq(1)
                with m.If(self.end & ~valid):
                    if not overlap:
                        m.d.comb += self.begin.eq(~final)
                    with m.If(final):
                        m.d.comb += [self.begin.eq(1), self._handing_over.eq(1)]
                        m.d.sync += self.finish.eq(1)
                        m.next = "OUTPUT"
            with m.State("OUTPUT"):
                self._hand_over(m, count)
        m.d.sync += Assert(~settled | fsm.ongoing("IDLE"), "idle while a step runs")
        for state in (s for s in SequencerState if s is not SequencerState.FLUSH):
            with m.If(fsm.ongoing(state.name)):
                m.d.comb += self.state.eq(state)

    def _settle(self, m: Module, count: Signal, settled: Signal) -> None:
        """Idle once the first phase is prepared, from what may have just been loaded."""
        leaves = self.start | self.wants_reset if self._config.delta else self.start
        m.d.sync += [
            count.eq(Mux(self.write.en, 0, Mux(settled, 3, count + 1))),
            settled.eq(~self.write.en & (settled | (count == 2)) & ~leaves),
        ]

    def _hand_over(self, m: Module, count: Signal) -> None:
        """The state in which results leave, stream after stream."""
        config = self._config
        m.d.comb += [self.enable.eq(self.answer), self.output.eq(1)]
        m.d.comb += self._results.eq(1)
        last = self.out_stream == config.streams - 1
        # The counters are late.
        counted = count == Counters.stages(config.pes)
        m.d.sync += count.eq(Mux(counted, count, count + 1))
        with m.If(counted & (~self.answer | (self.quiet & last & self.taken))):
            m.d.comb += [self.done.eq(1), self._rewind.eq(1)]
            m.d.sync += [self.out_stream.eq(0), count.eq(0)]
            m.next = "IDLE"
        with m.Elif(self.quiet & ~last):
            m.d.comb += self.begin.eq(1)
            m.d.sync += self.out_stream.eq(self.out_stream + 1)
