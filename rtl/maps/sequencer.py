"""The sequencer of an engine with maps: layer by layer, state by state, row by row."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import bits_for
from rtl.layouts import state_layout, struct
from rtl.load import LoadTarget, MemoryWrite
from rtl.maps.control import MapControl
from rtl.maps.layouts import reading_layout, region_width, row_layout
from rtl.maps.pipeline import MapPipeline
from rtl.maps.program import MapProgram, SourceRows, UpcomingState, chosen
from rtl.sequence.trail import Trail


class MapSequencer(wiring.Component):
    """Runs all layers after each other; then hands the results over.

    start: the last input is being taken; only when idle.
    pending: some item of the row waits to be broadcast.
    hold: nothing on its way moves in this cycle.
    over: all groups have drained the layer, `over_stages` cycles ago.
    taken: all results are taken.
    write: load port of the layer program.
    idle: ready for inputs.
    enable: items are granted.
    row: a row begins to be read.
    line: its number, unless it is of the results.
    token: a token is granted.
    state: what it carries.
    layer: the layer's word.
    number: the layer's number.
    layer_start: the layer begins in this cycle.
    open: the next row that is written is a map's first.
    region: where that map begins.
    quiet: the layer's last broadcast has moved on.
    running: an inference runs (not the transfer of inputs or outputs).
    output: results are handed over.
    finish: the results are ready since this cycle.
    done: one cycle, at the end.
    """

    start: Signal
    pending: Signal
    hold: Signal
    over: Signal
    taken: Signal
    write: MemoryWrite
    idle: Signal
    enable: Signal
    row: data.View
    line: Signal
    token: Signal
    state: data.View
    layer: data.View
    number: Signal
    layer_start: Signal
    open: Signal
    region: Signal
    quiet: Signal
    running: Signal
    output: Signal
    finish: Signal
    done: Signal

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: words of the layer program."""
        self._config = config
        self._program = MapProgram(config=config, init=init)
        ins = ("start", "pending", "hold", "over", "taken")
        outs = (
            *("idle", "enable", "token", "layer_start", "open", "quiet", "running"),
            *("output", "finish", "done"),
        )
        super().__init__(
            {
                **{name: In(1) for name in ins},
                **{name: Out(1) for name in outs},
                "write": In(MemoryWrite.Signature(config, LoadTarget.PROGRAM)),
                "row": Out(row_layout(config)),
                "line": Out(bits_for(config.maps.height - 1)),
                "state": Out(state_layout(config)),
                "layer": Out(struct(layout.map_descriptor(config))),
                "number": Out(config.layer_width),
                "region": Out(region_width(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The words, the rows that are due, and the states."""
        m = Module()
        m.submodules.program = program = self._program
        m.d.comb += [
            program.write.en.eq(self.write.en),
            program.write.addr.eq(self.write.addr),
            program.write.data.eq(self.write.data),
            self.layer.eq(program.layer),
        ]
        source = Signal(bits_for(self._config.maps.sources - 1))
        row = Signal(name="row_begins")
        token = Signal(name="token_granted")
        waited = Signal()
        due = self._rows(m, source, row, token)
        last = source == self.layer.sources
        m.submodules.upcoming = upcoming = UpcomingState(config=self._config)
        self._trail(m)
        checks = Signal()
        m.d.comb += [
            self.row.valid.eq(row),
            self.token.eq(token),
            upcoming.layer.eq(self.layer),
            upcoming.begin.eq(self.layer_start),
            upcoming.token.eq(token),
            self.state.eq(upcoming.state),
            checks.eq(waited & ~self.pending & ~self.hold),
            self.enable.eq(waited),
        ]
        self._states(m, (row, token, checks), waited, due, last, upcoming.final, source)
        return m

    def _rows(self, m: Module, source: Signal, row: Signal, token: Signal) -> Value:
        """The next row of each source; returns that the current one has one due."""
        program, every = self._program, []
        for nth in range(self._config.maps.sources):
            m.submodules[f"source{nth}"] = rows = SourceRows(config=self._config)
            m.d.comb += [
                rows.word.eq(program.sources[nth]),
                rows.begin.eq(self.layer_start),
                rows.sent.eq(row & (source == nth) & ~self.output),
                rows.state.eq(token & ~self.layer_start),
            ]
            every.append(rows)
        words = [program.sources[nth].as_value() for nth in range(len(every))]
        word = data.View(
            struct(layout.source_descriptor(self._config)), chosen(m, words, source, "word")
        )
        sent, skip = self.row, Signal(name="skip_now")
        reading = Signal(reading_layout(self._config), name="reading_now")
        m.d.comb += [
            sent.source.eq(source),
            sent.begins.eq(chosen(m, [one.first for one in every], source, "first_row")),
            sent.region.eq(word.region),
            self.line.eq(chosen(m, [one.row for one in every], source, "line_of_source")),
            skip.eq(chosen(m, [one.skip for one in every], source, "skip")),
            reading.column.eq(chosen(m, [one.column for one in every], source, "column")),
            *(
                reading[name].eq(word[name])
                for name in ("shift", "more", "first", "local", "still")
            ),
        ]
        with m.If(self.output):  # places are positions
            m.d.comb += [
                sent.begins.eq(1),
                sent.region.eq(self.layer.region),
                skip.eq(0),
                reading.column.eq(0),
                reading.shift.eq(self._config.index_width),
                reading.local.eq(0),
                reading.still.eq(1),
            ]
        with m.If(row):  # kept, because they are needed when its length comes
            m.d.sync += [sent.skip.eq(skip), sent.reading.eq(reading)]
        return chosen(m, [one.due for one in every], source, "due")

    def _trail(self, m: Module) -> None:
        """The end of the broadcasts."""
        m.submodules.trail = trail = Trail(config=self._config)
        passed = Signal()
        m.d.comb += [
            trail.passed.eq(passed),
            trail.clear.eq(self.layer_start | self.finish),
            trail.hold.eq(self.hold),
            self.quiet.eq(trail.quiet),
        ]
        self._passed = passed

    def _states(
        self,
        m: Module,
        signals: tuple[Signal, Signal, Signal],
        waited: Signal,
        due: Value,
        last: Value,
        final: Value,
        source: Signal,
    ) -> None:
        """Clear, then forever idle, layers, and output."""
        config, (row, token, checks) = self._config, signals
        more = config.stages.activations
        latency = MapPipeline.result_latency(config) - config.over_stages
        count = Signal(range(max(MapControl.clear_cycles(config), latency, 16) + 1))
        m.d.sync += [count.eq(0), self.finish.eq(0), self.layer_start.eq(0)]
        with m.FSM(name="state"):
            self._before(m, count, source)
            with m.State("BEGIN"):
                m.d.comb += [
                    self.running.eq(1),
                    token.eq(1),
                    self.open.eq(1),
                    self.region.eq(self.layer.region),
                ]
                m.d.sync += Assert(~self.hold, "a layer begins while broadcasts are held")
                m.next = "ROWS"
            with m.State("ROWS"):
                m.d.comb += [self.running.eq(1), waited.eq(1)]
                with m.If(checks & due):
                    m.d.comb += row.eq(1)
                    m.next = "LENGTH"
                with m.Elif(checks):
                    m.d.comb += token.eq(last)
                    m.d.sync += source.eq(Mux(last, 0, source + 1))
                    with m.If(last & final):
                        m.next = "WAIT"
            with m.State("LENGTH"):
                m.d.comb += self.running.eq(1)
                m.d.sync += count.eq(count + ~self.hold)
                with m.If(~self.hold & (count == more)):
                    m.d.sync += count.eq(0)
                    m.next = "ROWS"
            with m.State("WAIT"):
                m.d.comb += [self.running.eq(1), self._passed.eq(1)]
                m.d.sync += count.eq(Mux(self.over, count + 1, 0))
                with m.If(self.over & (count == latency - 1)):
                    m.d.sync += self.finish.eq(self.layer.last)
                    m.next = "FETCH"
                    with m.If(self.layer.last):
                        m.next = "RESULTS"
            self._output(m, row, checks, waited, count)

    def _before(self, m: Module, count: Signal, source: Signal) -> None:
        """After a reset, between inferences, and before each layer."""
        with m.State("CLEAR"):
            m.d.comb += self._program.rewind.eq(1)
            m.d.sync += count.eq(count + 1)
            with m.If(count == MapControl.clear_cycles(self._config)):
                m.d.sync += count.eq(0)
                m.next = "IDLE"
        with m.State("IDLE"):
            settled = count == 3  # so that a step sees what was just loaded
            m.d.comb += self.idle.eq(settled & ~self.write.en)
            m.d.sync += count.eq(Mux(self.write.en, 0, Mux(settled, count, count + 1)))
            m.d.sync += self.number.eq(-1)
            with m.If(self.start):
                m.next = "FETCH"
        with m.State("FETCH"):
            m.d.comb += [self._program.fetch.eq(1), self.running.eq(1)]
            with m.If(self._program.fetched):
                m.d.sync += [self.layer_start.eq(1), self.number.eq(self.number + 1)]
                m.d.sync += source.eq(0)
                m.next = "BEGIN"

    def _output(
        self, m: Module, row: Signal, checks: Signal, waited: Signal, count: Signal
    ) -> None:
        """The last layer's only row, item by item."""
        config = self._config
        counted = Signal(range(config.counter_stages + 1))
        settled = counted == config.counter_stages
        with m.State("RESULTS"):
            m.d.comb += self.output.eq(1)
            m.d.sync += counted.eq(1)
            m.next = "RESULT_ROW"
        with m.State("RESULT_ROW"):
            m.d.comb += self.output.eq(1)
            m.d.sync += counted.eq(Mux(settled, counted, counted + 1))
            with m.If(~self.hold):
                m.d.comb += row.eq(1)
                m.next = "RESULT_LENGTH"
        with m.State("RESULT_LENGTH"):
            m.d.comb += self.output.eq(1)
            m.d.sync += counted.eq(Mux(settled, counted, counted + 1))
            m.d.sync += count.eq(count + ~self.hold)
            with m.If(~self.hold & (count == config.stages.activations)):
                m.d.sync += count.eq(0)
                m.next = "HAND_OVER"
        with m.State("HAND_OVER"):
            m.d.comb += [self.output.eq(1), waited.eq(1), self._passed.eq(~self.pending)]
            m.d.sync += counted.eq(Mux(settled, counted, counted + 1))
            with m.If(settled & self.quiet & self.taken):
                m.d.comb += [
                    self.done.eq(1),
                    self._program.rewind.eq(1),
                    self.open.eq(1),
                ]
                m.d.sync += counted.eq(0)
                m.next = "IDLE"
