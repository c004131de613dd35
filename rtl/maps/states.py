"""The sequencer's states where maps are read row by row."""

from amaranth.hdl import Assert, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.operations.clearing import clear_cycles
from rtl.operations.pipeline import OperationPipeline
from rtl.sequence.states import SequencerState


class RowStates(wiring.Component):
    """Layer after layer: its words, then rows and tokens in turn, then the wait for its drains.

    start: the last input is being taken; only when idle.
    loading: the layer program is being loaded.
    fetched: the layer's last word is being read.
    pending: some item of the row waits to be broadcast.
    hold: nothing on its way moves in this cycle.
    due: the map whose turn it is has a row due.
    last: it is the layer's last map.
    final: the next token is the layer's last.
    over: all groups have drained the layer, `over_stages` cycles ago.
    ends: it is the last layer.
    quiet: the layer's last broadcast has moved on.
    taken: all results are taken.
    idle: ready for inputs.
    fetch: a word of the layer is read.
    rewind: the next word is the first layer's.
    layer: the layer's number.
    layer_start: it begins in this cycle.
    open: the next row that is written is a map's first.
    source: the map whose turn it is.
    row: its next row begins to be read; or that of the results.
    token: a token is granted.
    enable: items are granted.
    passed: nothing more will come.
    running: an inference runs (not the transfer of inputs or outputs).
    output: results are handed over.
    finish: the results are ready since this cycle.
    done: one cycle, at the end.
    state: for waveforms.
    """

    start: Signal
    loading: Signal
    fetched: Signal
    pending: Signal
    hold: Signal
    due: Signal
    last: Signal
    final: Signal
    over: Signal
    ends: Signal
    quiet: Signal
    taken: Signal
    idle: Signal
    fetch: Signal
    rewind: Signal
    layer: Signal
    layer_start: Signal
    open: Signal
    source: Signal
    row: Signal
    token: Signal
    enable: Signal
    passed: Signal
    running: Signal
    output: Signal
    finish: Signal
    done: Signal
    state: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Latencies come from `config`."""
        self._config = config
        ins = (
            *("start", "loading", "fetched", "pending", "hold", "due", "last", "final", "over"),
            *("ends", "quiet", "taken"),
        )
        outs = (
            *("idle", "fetch", "rewind", "layer_start", "open", "row", "token", "enable"),
            *("passed", "running", "output", "finish", "done"),
        )
        super().__init__(
            {
                **{name: In(1) for name in ins},
                **{name: Out(1) for name in outs},
                "layer": Out(config.layer_width),
                "source": Out(bits_for(config.maps.sources - 1)),
                "state": Out(SequencerState),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The states."""
        m, config = Module(), self._config
        clear, wait = clear_cycles(config), self._wait()
        count = Signal(range(max(clear, wait, 16) + 1))
        counted = Signal(range(config.counter_stages + 1))
        with m.If(self.output & (counted != config.counter_stages)):  # the counters are late
            m.d.sync += counted.eq(counted + 1)
        checks = Signal()
        m.d.comb += checks.eq(self.enable & ~self.pending & ~self.hold)
        m.d.sync += [count.eq(0), self.finish.eq(0), self.layer_start.eq(0)]
        with m.FSM(name="state") as fsm:
            with m.State("CLEAR"):
                m.d.comb += self.rewind.eq(1)
                m.d.sync += count.eq(count + 1)
                with m.If(count == clear):
                    m.d.sync += count.eq(0)
                    m.next = "IDLE"
            with m.State("IDLE"):
                self._idle(m, count)
            with m.State("FETCH"):
                self._fetch(m)
            with m.State("BEGIN"):
                m.d.comb += [self.running.eq(1), self.token.eq(1), self.open.eq(1)]
                m.d.sync += Assert(~self.hold, "a layer begins while broadcasts are held")
                m.next = "ROWS"
            with m.State("ROWS"):
                self._rows(m, checks)
            with m.State("LENGTH"):
                m.d.comb += self.running.eq(1)
                self._length(m, count, "ROWS")
            with m.State("WAIT"):
                m.d.comb += [self.running.eq(1), self.passed.eq(1)]
                m.d.sync += count.eq(Mux(self.over, count + 1, 0))
                with m.If(self.over & (count == wait - 1)):
                    m.d.sync += self.finish.eq(self.ends)
                    m.next = "FETCH"
                    with m.If(self.ends):
                        m.next = "RESULTS"
            self._output(m, count, counted)
        with m.If(self.output):
            m.d.comb += self.state.eq(SequencerState.OUTPUT)
        with m.Elif(self.running):
            m.d.comb += self.state.eq(SequencerState.RUN)
        with m.Elif(fsm.ongoing("IDLE")):
            m.d.comb += self.state.eq(SequencerState.IDLE)
        return m

    def _wait(self) -> int:
        """Cycles from when all drains are over to the last activation."""
        return OperationPipeline.result_latency(self._config) - self._config.over_stages

    def _idle(self, m: Module, count: Signal) -> None:
        """Ready a little after loading, so that a step sees what was just loaded."""
        settled = count == 3
        m.d.comb += self.idle.eq(settled & ~self.loading)
        m.d.sync += count.eq(Mux(self.loading, 0, Mux(settled, count, count + 1)))
        m.d.sync += self.layer.eq(-1)
        with m.If(self.start):
            m.next = "FETCH"

    def _fetch(self, m: Module) -> None:
        """The layer's words."""
        m.d.comb += [self.fetch.eq(1), self.running.eq(1)]
        with m.If(self.fetched):
            m.d.sync += [self.layer_start.eq(1), self.layer.eq(self.layer + 1)]
            m.d.sync += self.source.eq(0)
            m.next = "BEGIN"

    def _rows(self, m: Module, checks: Signal) -> None:
        """Map after map, whatever rows are due; then a token."""
        m.d.comb += [self.running.eq(1), self.enable.eq(1)]
        with m.If(checks & self.due):
            m.d.comb += self.row.eq(1)
            m.next = "LENGTH"
        with m.Elif(checks):
            m.d.comb += self.token.eq(self.last)
            m.d.sync += self.source.eq(Mux(self.last, 0, self.source + 1))
            with m.If(self.last & self.final):
                m.next = "WAIT"

    def _length(self, m: Module, count: Signal, following: str) -> None:
        """Until the row's length has come out of the groups' memories."""
        m.d.sync += count.eq(count + ~self.hold)
        with m.If(~self.hold & (count == self._config.stages.activations)):
            m.d.sync += count.eq(0)
            m.next = following

    def _output(self, m: Module, count: Signal, counted: Signal) -> None:
        """The last layer's only row, item by item."""
        with m.State("RESULTS"):
            m.d.comb += self.output.eq(1)
            m.next = "RESULT_ROW"
        with m.State("RESULT_ROW"):
            m.d.comb += self.output.eq(1)
            with m.If(~self.hold):
                m.d.comb += self.row.eq(1)
                m.next = "RESULT_LENGTH"
        with m.State("RESULT_LENGTH"):
            m.d.comb += self.output.eq(1)
            self._length(m, count, "HAND_OVER")
        with m.State("HAND_OVER"):
            m.d.comb += [self.output.eq(1), self.enable.eq(1), self.passed.eq(~self.pending)]
            with m.If((counted == self._config.counter_stages) & self.quiet & self.taken):
                m.d.comb += [self.done.eq(1), self.rewind.eq(1), self.open.eq(1)]
                m.d.sync += counted.eq(0)
                m.next = "IDLE"
