"""The sequencer: runs the layer program."""

from amaranth.hdl import Assert, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from golden import layout
from golden.config import EngineConfig
from rtl.drain_unit import DrainUnit
from rtl.layouts import drain_layout, requantise_layout, struct
from rtl.load import LoadTarget, MemoryWrite, drive
from rtl.pe import commit_latency
from rtl.prim.ram import BlockRam


class SequencerState(enum.Enum, shape=3):
    """What the engine is doing."""

    CLEAR = 0
    IDLE = 1
    RUN = 2
    WAIT = 3
    DRAIN = 4
    FLUSH = 5
    OUTPUT = 6


class Sequencer(wiring.Component):
    """Layer after layer: broadcast, wait until all PEs are idle, drain, swap; then hand over.

    start: the last input is being taken; only when idle. idle: ready for inputs. swap: exchange the
    activation memories. enable, base: the collector's. pending, granted: from the collector. busy:
    of any PE, `status_stages` cycles ago. step, settings: the drain. layer: number of the running
    layer. running: layers run (not the transfer of inputs or outputs). computing: the broadcast
    phase. output: results are handed over instead of broadcast. taken: all of them are taken. done:
    one cycle, at the end. layer_start, finish, state: for traces and waveforms. write: load port of
    the program.
    """

    start: Signal
    idle: Signal
    swap: Signal
    enable: Signal
    base: Signal
    pending: Signal
    granted: Signal
    busy: Signal
    step: data.View
    settings: data.View
    layer: Signal
    running: Signal
    computing: Signal
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
        ins = {name: In(1) for name in ("start", "pending", "granted", "busy", "taken")}
        outs = {
            name: Out(1)
            for name in (
                *("idle", "swap", "enable", "running", "computing", "output", "done"),
                *("layer_start", "finish"),
            )
        }
        super().__init__(
            {
                **ins,
                **outs,
                "base": Out(config.column_width),
                "step": Out(drain_layout(config)),
                "settings": Out(requantise_layout(config)),
                "layer": Out(config.layer_width),
                "state": Out(SequencerState),
                "write": In(MemoryWrite.Signature(config, LoadTarget.PROGRAM)),
            }
        )

    @staticmethod
    def settle(config: EngineConfig) -> int:
        """Cycles after a grant until its job, if any, shows in `busy`."""
        return 3 + config.collector_levels + config.broadcast_stages + config.status_stages

    @staticmethod
    def drain_wait(config: EngineConfig) -> int:
        """Cycles to let pass when all PEs are idle, until the last sum is written."""
        return max(0, commit_latency(config) - 1 - config.status_stages)

    def elaborate(self, platform: object) -> Module:
        """The program memory, the timer of what is still on its way, and the states."""
        m = Module()
        fields = struct(layout.descriptor(self._config))
        m.submodules.program = program = BlockRam(
            width=fields.size, depth=self._config.layers, init=self._init
        )
        descriptor = data.View(fields, program.r_data)
        following = Signal(self._config.layer_width)
        settle = self.settle(self._config)
        timer = Signal(range(settle + 1))
        quiet = Signal()
        m.d.comb += [
            program.r_en.eq(self.swap),
            program.r_addr.eq(following),
            self.base.eq(Mux(self.output, 0, descriptor.column_base)),
            self.settings.shift.eq(descriptor.shift),
            self.settings.relu.eq(descriptor.relu),
            quiet.eq(~self.pending & (timer == 0)),
        ]
        m.d.sync += Assert(~(self.start & ~self.idle), "an inference is started while one runs")
        drive(m, self.write, program)
        with m.If(self.granted):
            m.d.sync += timer.eq(settle)
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.If(self.swap):
            m.d.sync += self.layer.eq(following)
        stepping, clear = Signal(), Signal()
        last_step = self._steps(m, descriptor, stepping, clear)
        self._states(m, descriptor, quiet, (stepping, clear, last_step), following)
        return m

    def _steps(self, m: Module, descriptor: data.View, stepping: Signal, clear: Signal) -> Signal:
        """Drain steps while `stepping`; returns whether the current one is the last."""
        config = self._config
        row, slot = Signal(config.row_width), Signal(range(config.group))
        index, bias = Signal(config.index_width), Signal(config.bias_address_width)
        last = Signal()
        every = config.row_depth * config.group - 1
        m.d.comb += [
            last.eq(index == Mux(clear, every, descriptor.steps)),
            self.step.valid.eq(stepping),
            self.step.discard.eq(clear),
            self.step.row.eq(row),
            self.step.slot.eq(slot),
            self.step.index.eq(index),
            self.step.bias.eq(bias),
        ]
        with m.If(stepping & ~last):
            m.d.sync += [index.eq(index + 1), bias.eq(bias + 1), slot.eq(slot + 1)]
            with m.If(slot == config.group - 1):
                m.d.sync += [slot.eq(0), row.eq(row + 1)]
        with m.Else():
            m.d.sync += [index.eq(0), slot.eq(0), row.eq(0), bias.eq(descriptor.bias_base)]
        return last

    def _states(
        self,
        m: Module,
        descriptor: data.View,
        quiet: Signal,
        drain: tuple[Signal, Signal, Signal],
        following: Signal,
    ) -> None:
        """Clear, then for ever: idle, (run, wait, drain, flush) for each layer, output."""
        stepping, clear, last_step = drain
        waits, flush = self.drain_wait(self._config), DrainUnit.LATENCY
        count = Signal(range(max(waits, flush) + 1))
        m.d.sync += [count.eq(0), self.layer_start.eq(0), self.finish.eq(0)]
        with m.FSM(name="state") as fsm:
            with m.State("CLEAR"):
                # Memories survive a reset; sums must not.
                m.d.comb += [stepping.eq(1), clear.eq(1)]
                with m.If(last_step):
                    m.next = "IDLE"
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), self.swap.eq(self.start)]
                with m.If(self.start):
                    m.d.sync += self.layer_start.eq(1)
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += [self.enable.eq(1), self.running.eq(1), self.computing.eq(1)]
                with m.If(quiet & ~self.busy):
                    m.next = "WAIT" if waits else "DRAIN"
            with m.State("WAIT"):
                m.d.comb += self.running.eq(1)
                m.d.sync += count.eq(count + 1)
                with m.If(count == waits - 1):
                    m.d.sync += count.eq(0)
                    m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.comb += [self.running.eq(1), stepping.eq(1)]
                with m.If(last_step):
                    m.next = "FLUSH"
            with m.State("FLUSH"):
                m.d.comb += [self.running.eq(1), following.eq(self.layer + 1)]
                m.d.sync += count.eq(count + 1)
                with m.If(count == flush - 1):
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
                with m.If(quiet & self.taken):
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
        for state in SequencerState:
            with m.If(fsm.ongoing(state.name)):
                m.d.comb += self.state.eq(state)
