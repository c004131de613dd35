"""The sequencer: runs the layer program."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import settings_layout, struct
from rtl.load import LoadTarget, MemoryWrite, drive
from rtl.operations.drain_control import DrainControl
from rtl.operations.drain_unit import DrainUnit
from rtl.prim.ram import BlockRam


class SequencerState(enum.Enum, shape=3):
    """What the engine is doing."""

    CLEAR = 0
    IDLE = 1
    RUN = 2
    FLUSH = 3
    OUTPUT = 4


class Sequencer(wiring.Component):
    """Layer after layer: broadcast until all groups have drained, swap; then hand over.

    start: the last input is being taken; only when idle. idle: ready for inputs. swap: exchange the
    activation memories. enable, base: the collector's. pending: from the collector. hold: nothing
    on its way moves in this cycle. quiet: the last broadcast has moved on to the column memories.
    over: all groups have drained, `status_stages` - 1 cycles ago. settings: of the running layer.
    layer: its number. running: layers run (not the transfer of inputs or outputs). output: results
    are handed over instead of broadcast. taken: all of them are taken. done: one cycle, at the end.
    layer_start, finish, state: for traces and waveforms. write: load port of the program.
    """

    start: Signal
    idle: Signal
    swap: Signal
    enable: Signal
    base: Signal
    pending: Signal
    hold: Signal
    quiet: Signal
    over: Signal
    settings: data.View
    layer: Signal
    running: Signal
    output: Signal
    taken: Signal
    done: Signal
    layer_start: Signal
    finish: Signal
    state: Signal
    write: MemoryWrite

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: program words."""
        self._config, self._init = config, init
        ins = ("start", "pending", "hold", "over", "taken")
        outs = (
            *("idle", "swap", "enable", "quiet", "running", "output", "done"),
            *("layer_start", "finish"),
        )
        super().__init__(
            {
                **{name: In(1) for name in ins},
                **{name: Out(1) for name in outs},
                "base": Out(config.column_width),
                "settings": Out(settings_layout(config)),
                "layer": Out(config.layer_width),
                "state": Out(SequencerState),
                "write": In(MemoryWrite.Signature(config, LoadTarget.PROGRAM)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The program memory, the end of the broadcasts, and the states."""
        m = Module()
        fields = struct(layout.descriptor(self._config))
        m.submodules.program = program = BlockRam(
            width=fields.size, depth=self._config.layers, init=self._init
        )
        descriptor = data.View(fields, program.r_data)
        following = Signal(self._config.layer_width)
        m.d.comb += [
            program.r_en.eq(self.swap),
            program.r_addr.eq(following),
            self.base.eq(Mux(self.output, 0, descriptor.column_base)),
            self.settings.rows.eq(descriptor.rows),
            self.settings.bias_base.eq(descriptor.bias_base),
            self.settings.shift.eq(descriptor.shift),
            self.settings.relu.eq(descriptor.relu),
        ]
        m.d.sync += Assert(~(self.start & ~self.idle), "an inference is started while one runs")
        drive(m, self.write, program)
        with m.If(self.swap):
            m.d.sync += self.layer.eq(following)
        self._end(m)
        self._states(m, descriptor, following)
        return m

    def _end(self, m: Module) -> None:
        """That nothing more comes travels as a broadcast does, behind the last one."""
        passed = ended(
            m,
            config=self._config,
            passed=(self.running | self.output) & ~self.pending,
            clear=self.swap,
            hold=self.hold,
        )
        m.d.comb += self.quiet.eq(passed)

    def _states(self, m: Module, descriptor: data.View, following: Signal) -> None:
        """Clear, then for ever: idle, (run, flush) for each layer, output."""
        config = self._config
        clear = DrainControl.clear_cycles(config)
        # So that the swap comes with the last activation.
        flush = DrainUnit.LATENCY - config.status_stages
        count = Signal(range(max(clear, flush) + 1))
        # A register, because the swap behind it fans out far.
        ending = Signal()
        m.d.sync += [count.eq(0), ending.eq(0), self.layer_start.eq(0), self.finish.eq(0)]
        with m.FSM(name="state") as fsm:
            with m.State("CLEAR"):
                # Memories survive a reset; sums must not.
                m.d.sync += count.eq(count + 1)
                with m.If(count == clear):
                    m.next = "IDLE"
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), self.swap.eq(self.start)]
                with m.If(self.start):
                    m.d.sync += self.layer_start.eq(1)
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += [self.enable.eq(1), self.running.eq(1)]
                with m.If(self.over):
                    m.next = "FLUSH"
            with m.State("FLUSH"):
                m.d.comb += [self.running.eq(1), following.eq(self.layer + 1)]
                m.d.sync += [count.eq(count + 1), ending.eq(count == flush - 2)]
                with m.If(ending):
                    m.d.comb += self.swap.eq(1)
                    m.d.sync += [
                        self.layer_start.eq(~descriptor.last),
                        self.finish.eq(descriptor.last),
                    ]
                    with m.If(descriptor.last):
                        m.next = "OUTPUT"
                    with m.Else():
                        m.next = "RUN"
            with m.State("OUTPUT"):
                m.d.comb += [self.enable.eq(1), self.output.eq(1)]
                with m.If(self.quiet & self.taken):
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
        for state in SequencerState:
            with m.If(fsm.ongoing(state.name)):
                m.d.comb += self.state.eq(state)


def ended(m: Module, *, config: EngineConfig, passed: Value, clear: Signal, hold: Signal) -> Value:
    """`passed`, nothing more comes, when that has come as far as the last broadcast had to."""
    for stage in range(2 + config.collector_levels + config.broadcast_stages):
        register = Signal(name=f"ended_{stage}")
        with m.If(clear):
            m.d.sync += register.eq(0)
        with m.Elif(~hold):
            m.d.sync += register.eq(passed)
        passed = register
    return passed
