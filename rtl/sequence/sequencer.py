"""The sequencer: runs the layers of all streams, phase by phase."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import connect, flipped

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import next_layout, struct
from rtl.maps.program import Program, UpcomingState
from rtl.maps.sources import Sources
from rtl.maps.states import RowStates
from rtl.prim.ram import BlockRam
from rtl.sequence.back import Back
from rtl.sequence.ports import SequencerPorts
from rtl.sequence.states import States
from rtl.sequence.trail import Trail
from rtl.sequence.upcoming import Upcoming


class Sequencer(SequencerPorts):
    """A phase is one layer of one stream. The front is broadcast, the back has its operations run.

    With one stream, a phase begins when the operations of the previous one have ended. With
    several, it begins when the previous one's broadcasts have ended. The back takes a
    phase over when it is free.

    Its ports are in rtl.sequence.ports.
    """

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: words of the layer program."""
        self._init = init
        super().__init__(config=config)

    def elaborate(self, platform: object) -> Module:
        """Phase by phase; with maps layer by layer, and in it row by row."""
        m = Module()
        self._rows(m) if self._config.maps.rows else self._phases(m)
        return m

    def _phases(self, m: Module) -> None:
        """The layer program, the next phase, front and back, and the states."""
        config = self._config
        m.submodules.states = states = States(config=config)
        m.submodules.upcoming = upcoming = Upcoming(config=config)
        m.submodules.back = back = Back(config=config)
        following = self._program(m)
        current = Signal.like(following)
        front = Signal(next_layout(config))
        valid, ends, final = (Signal(name=name) for name in ("valid", "ends", "final"))
        last = self.stream == config.streams - 1 if config.streams > 1 else Value.cast(1)
        # The head does not run then.
        stops = following.head & ~self.answer if config.cells else Value.cast(0)
        m.d.comb += [
            ends.eq(last & (current.last | stops)),
            upcoming.following.eq(following),
            upcoming.current.eq(current),
            upcoming.layer.eq(self.layer),
            back.front.eq(front.phase),
            back.handover.eq(states.handover),
            back.over.eq(self.over),
            self.phase.eq(back.phase),
            self.closed.eq(back.closed),
            self.end.eq(back.end),
            self.base.eq(Mux(self.output, 0, front.base)),
        ]
        m.d.sync += [
            final.eq(ends),  # in a register, because the next phase waits for it
            Assert(
                ~self.running | ~(self.end | states.handover) | (final == ends),
                "a phase is over before it is known whether it is the last",
            ),
        ]
        self._states(m, states, valid, back.busy, final)
        self._trail(m, (valid | self.output) & ~self.pending, self.begin)
        self._front(m, states, front, valid, upcoming.next, current, following, last)
        if config.cells:
            self._lists(m, states, upcoming, front)
        if config.streams > 1:
            m.d.comb += [
                upcoming.stream.eq(self.stream),
                upcoming.last_stream.eq(last),
                upcoming.out_stream.eq(states.out_stream),
                self.out_stream.eq(states.out_stream),
                self.odd.eq(front.phase.odd),
            ]
        if config.delta:
            m.d.comb += [
                back.heads.eq(following.head & self.answer & ~current.last),
                states.wants_reset.eq(self.wants_reset),
                self.reset.eq(states.reset),
                self.input_threshold.eq(following.source_threshold),
            ]

    def _rows(self, m: Module) -> None:
        """The layer's words, the rows that are due, and the next token."""
        m.submodules.program = program = Program(config=self._config, init=self._init)
        m.submodules.sources = sources = Sources(config=self._config)
        m.submodules.upcoming = upcoming = UpcomingState(config=self._config)
        m.submodules.states = states = RowStates(config=self._config)
        connect(m, flipped(self.write), program.write)
        for unit in (sources, upcoming):
            m.d.comb += [
                unit.layer.eq(program.layer),
                unit.begin.eq(states.layer_start),
                unit.token.eq(states.token),
            ]
        m.d.comb += [
            program.fetch.eq(states.fetch),
            program.rewind.eq(states.rewind),
            sources.words.eq(program.sources),
            sources.source.eq(states.source),
            sources.sent.eq(states.row),
            sources.output.eq(states.output),
            self.phase.eq(program.layer),
            self.row.eq(sources.row),
            self.line.eq(sources.line),
            self.token.eq(states.token),
            self.carried.eq(upcoming.state),
            self.written.open.eq(states.open),
            # After the results come the next inputs, whose map begins at 0.
            self.written.region.eq(Mux(states.running, program.layer.region, 0)),
        ]
        self._row_states(m, states, program, sources.due, upcoming.final)
        self._trail(m, states.passed, states.layer_start | states.finish)

    def _row_states(
        self, m: Module, states: RowStates, program: Program, due: Signal, final: Signal
    ) -> None:
        """Inputs and outputs of the states of rows."""
        m.d.comb += [
            states.start.eq(self.start),
            states.loading.eq(self.write.en),
            states.fetched.eq(program.fetched),
            states.ends.eq(program.layer.last),
            states.last.eq(states.source == program.layer.sources),
            states.due.eq(due),
            states.final.eq(final),
            states.pending.eq(self.pending),
            states.hold.eq(self.hold),
            states.over.eq(self.over),
            states.quiet.eq(self.quiet),
            states.taken.eq(self.taken),
            self.layer.eq(states.layer),
            self.begin.eq(states.layer_start),
            self.state.eq(states.state),
        ]
        for name in ("idle", "layer_start", "running", "enable", "output", "finish", "done"):
            m.d.comb += getattr(self, name).eq(getattr(states, name))

    def _program(self, m: Module) -> data.View:
        """The memory of the layer program; returns the word of the layer after the front's."""
        fields = struct(layout.descriptor(self._config))
        m.submodules.program = program = BlockRam(
            width=fields.size,
            # A whole power of two: the word behind the last layer is read too.
            depth=1 << self._config.layer_width,
            init=self._init,
        )
        m.d.comb += [
            # So that a step sees what was just loaded.
            program.r_en.eq(~self.write.en),
            program.r_addr.eq(self.layer + 1),
            program.w_en.eq(self.write.en),
            program.w_addr.eq(self.write.addr),
            program.w_data.eq(self.write.data),
        ]
        return data.View(fields, program.r_data)

    def _states(
        self, m: Module, states: States, valid: Signal, busy: Signal, final: Signal
    ) -> None:
        """Inputs and outputs of the states."""
        m.d.comb += [
            states.start.eq(self.start),
            states.loading.eq(self.write.en),
            states.valid.eq(valid),
            states.quiet.eq(self.quiet),
            states.busy.eq(busy),
            states.end.eq(self.end),
            states.final.eq(final),
            states.taken.eq(self.taken),
            self.state.eq(states.state),
        ]
        for name in ("idle", "begin", "running", "enable", "output", "finish", "done"):
            m.d.comb += getattr(self, name).eq(getattr(states, name))
        if self._config.cells:
            m.d.comb += states.answer.eq(self.answer)

    def _trail(self, m: Module, passed: Value, clear: Value) -> None:
        """The end of the broadcasts."""
        m.submodules.trail = trail = Trail(config=self._config)
        m.d.comb += [
            trail.passed.eq(passed),
            trail.clear.eq(clear),
            trail.hold.eq(self.hold),
            self.quiet.eq(trail.quiet),
        ]

    def _front(
        self,
        m: Module,
        states: States,
        front: data.View,
        valid: Signal,
        upcoming: data.View,
        current: data.View,
        following: data.View,
        last: Value,
    ) -> None:
        """The next phase becomes the front's, or there is none."""
        m.d.sync += self.layer_start.eq(0)
        with m.If(states.handover):
            m.d.sync += valid.eq(0)
        with m.If(states.advance):
            m.d.sync += [
                front.eq(upcoming),
                self.layer.eq(upcoming.phase.layer),
                self.layer_start.eq(1),
                valid.eq(1),
            ]
            with m.If(last):
                m.d.sync += current.eq(following)
        with m.If(states.rewind):
            # Before the first layer of the first stream.
            m.d.sync += self.layer.eq(-1)

    def _lists(self, m: Module, states: States, upcoming: Upcoming, front: data.View) -> None:
        """Which lists begin next, and whether what is fed back counts."""
        streams, stream = self._config.streams, Value.cast(0)
        fresh, fed_back, parity = (Signal(name=name) for name in ("fresh", "fed_back", "parity"))
        if streams > 1:
            stream = Mux(self.stream == streams - 1, 0, self.stream + 1)
            with m.If(states.advance):
                m.d.sync += self.stream.eq(stream)
            with m.If(states.rewind):
                m.d.sync += self.stream.eq(streams - 1)
        with m.If(self.done):
            m.d.sync += parity.eq(~parity)
        with m.If(states.advance):
            m.d.sync += front.phase.fresh.eq(fresh)
        source = Mux(states.results, upcoming.results, upcoming.next.lists.source)
        back = upcoming.next.lists.back
        m.d.comb += [
            upcoming.parity.eq(parity),
            upcoming.odd.eq(front.phase.odd),
            upcoming.output.eq(self.output),
            fresh.eq(self.fresh.bit_select(stream, 1)),
            self.lists.fed_back.eq(fed_back & ~fresh),
            self.back_base.eq(front.back_base),
        ]
        # In registers, because the lengths of these lists are looked up when a phase begins.
        m.d.sync += [
            fed_back.eq(upcoming.next.lists.fed_back & ~states.results),
            self.lists.source.eq(source),
            self.lists.back.eq(back),
            Assert(
                ~self.begin | ((self.lists.source == source) & (self.lists.back == back)),
                "a phase begins before its lists are known",
            ),
        ]
