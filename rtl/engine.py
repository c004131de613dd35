"""The engine: groups of PEs, collector, sequencer and ports (docs/engine.md)."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import Image
from rtl.front.collector import Collector
from rtl.front.delta import DeltaStage
from rtl.front.input_port import InputPort
from rtl.front.output_port import OutputPort
from rtl.group.group import Group
from rtl.layouts import broadcast_layout, counters_layout, input_layout, output_layout
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.prim.delay import delayed
from rtl.probe import assemble, fields, group_layout, pe_layout, sequence_layout
from rtl.sequence.counters import Counters
from rtl.sequence.sequencer import Sequencer
from rtl.status import Status


class Engine(wiring.Component):
    """A sparse inference engine for any number of layers of every kind that Elsie knows.

    An inference is a step: the inputs of all streams, one after the other, and their results if the
    last one asks for an answer (rtl.layouts.input_layout). A network without states takes one
    vector, and always answers.

    input: the activations of one step in column order, `last` with the final one of each stream;
        or a map row by row (golden.maps.grid.arrange). Not ready while a step runs.
    output: the non-zero results, in any order; all others are 0.
    done: one cycle, after the last result was taken.
    counters: of the step, steady from done to the next start.
    load: words for the memories; only while no step runs.

    `probe` shows events to simulators. The latency of a step depends on the data; golden.timing
    predicts it exactly.
    """

    input: stream.Interface
    output: stream.Interface
    done: Signal
    counters: data.View
    load: stream.Interface

    def __init__(self, *, config: EngineConfig, image: Image | None = None) -> None:
        """Memories start with `image` if there is one, else they wait for the load port."""
        if image is not None and image.config != config:
            raise ElsieError("the image was encoded for another engine configuration")
        self.config = config
        program = [int(word) for word in image.program] if image else []
        self.sequencer = Sequencer(config=config, init=program)
        self.collector = Collector(config=config)
        self.groups = [
            Group(config=config, number=number, image=image) for number in range(config.groups)
        ]
        super().__init__(
            {
                "input": In(stream.Signature(input_layout(config))),
                "output": Out(stream.Signature(output_layout(config))),
                "done": Out(1),
                "counters": Out(counters_layout()),
                "load": In(stream.Signature(load_layout(config), always_ready=True)),
            }
        )
        self.leaving = Signal()
        """A broadcast leaves the collector in this cycle."""
        self.probe = self._probe()
        """Events of the cycle in words of whole 32 bits, together rtl.probe.engine_layout."""

    def elaborate(self, platform: object) -> Module:
        """Instances, and the wires between them."""
        m = Module()
        sequencer, collector = self.sequencer, self.collector
        m.submodules.sequencer, m.submodules.collector = sequencer, collector
        m.submodules.inputs = inputs = InputPort(config=self.config)
        m.submodules.outputs = outputs = OutputPort(config=self.config)
        for number, group in enumerate(self.groups):
            m.submodules[f"group{number}"] = group
        connect(m, flipped(self.input), inputs.input)
        connect(m, outputs.output, flipped(self.output))
        m.d.comb += [
            inputs.idle.eq(sequencer.idle),
            sequencer.start.eq(inputs.start),
            sequencer.taken.eq(outputs.empty),
            outputs.enable.eq(sequencer.output),
            outputs.broadcast.eq(collector.broadcast),
            self.done.eq(sequencer.done),
        ]
        hold = self._status(m, outputs)
        self._collect(m, hold)
        self._broadcast(m, hold)
        self._phases(m, inputs)
        if self.config.cells:
            self._lists(m, inputs, outputs)
        if self.config.delta:
            self._delta(m, inputs)
        if self.config.maps.rows:
            self._rows(m, inputs)
        self._count(m, hold)
        self._load(m)
        return m

    def _moves(self, hold: Value) -> Value:
        """What was granted moves on."""
        return Value.cast(1) if self.config.stages.fifo else ~hold

    def _status(self, m: Module, outputs: OutputPort) -> Signal:
        """What groups and outputs tell, to all that must wait; returns the hold of the grants."""
        m.submodules.status = status = Status(config=self.config)
        sequencer, groups = self.sequencer, self.groups
        m.d.comb += [
            status.near_full.eq(Cat(group.near_full for group in groups)),
            status.finished.eq(Cat(group.over for group in groups)),
            status.end.eq(sequencer.end),
            status.unready.eq(outputs.hold),
            sequencer.over.eq(status.over),
        ]
        if not self.config.stages.fifo:
            m.d.comb += [
                outputs.held.eq(status.hold),
                sequencer.hold.eq(status.hold),
                *(group.hold.eq(status.holds[number]) for number, group in enumerate(groups)),
            ]
        return status.hold

    def _collect(self, m: Module, hold: Signal) -> None:
        """Activation memories to the collector."""
        sequencer, collector = self.sequencer, self.collector
        m.d.comb += [
            collector.enable.eq(sequencer.enable),
            collector.hold.eq(hold),
            collector.base.eq(sequencer.base),
            collector.pending.eq(Cat(group.pending for group in self.groups)),
            sequencer.pending.eq(collector.any_pending),
            self.leaving.eq(collector.broadcast.valid & self._moves(hold) & ~sequencer.output),
        ]
        if self.config.stages.grant:
            m.d.comb += collector.more.eq(Cat(group.more for group in self.groups))
        for number, group in enumerate(self.groups):
            m.d.comb += [
                group.grant.eq(collector.grant[number]),
                collector.elements[number].eq(group.element),
            ]

    def _broadcast(self, m: Module, hold: Signal) -> None:
        """The broadcast to the groups."""
        sent = self.collector.broadcast
        broadcast = Signal(broadcast_layout(self.config))
        m.d.comb += [
            broadcast.valid.eq(sent.valid & ~self.sequencer.output),
            broadcast.column.eq(sent.column),
            broadcast.value.eq(sent.value),
        ]
        if self.config.maps.rows:
            m.d.comb += broadcast.beside.eq(sent.beside)
        spread = delayed(
            m,
            broadcast,
            # The last stage is in the groups.
            cycles=max(0, self.config.broadcast_stages - 1),
            name="broadcast",
            reset_less=False,
            enable=self._moves(hold),
        )
        m.d.comb += [group.broadcast.eq(spread) for group in self.groups]

    def _phases(self, m: Module, inputs: InputPort) -> None:
        """Inputs, and the front's and the back's settings, to the groups."""
        sequencer = self.sequencer
        for number, group in enumerate(self.groups):
            m.d.comb += [
                group.layer.eq(sequencer.layer),
                group.begin.eq(sequencer.begin),
                group.phase.eq(sequencer.phase),
                group.closed.eq(sequencer.closed),
                group.end.eq(sequencer.end),
                group.arriving.valid.eq(inputs.valid[number]),
                group.arriving.index.eq(inputs.index),
                group.arriving.value.eq(inputs.value),
            ]

    def _lists(self, m: Module, inputs: InputPort, outputs: OutputPort) -> None:
        """Which lists are read and written, and the flags that come with an input."""
        config, sequencer = self.config, self.sequencer
        target = Signal(config.list_width, name="target")
        # From a register: no results come in the first cycles of a step, and no inputs after them.
        working = delayed(
            m,
            sequencer.running,
            cycles=1 + config.store_stages,
            name="working",
            reset_less=False,
        )
        stream = delayed(m, inputs.stream, cycles=config.stages.store, name="input_stream")
        m.d.comb += [
            sequencer.fresh.eq(inputs.fresh),
            sequencer.answer.eq(inputs.answer),
            self.collector.back_base.eq(sequencer.back_base),
            # An input vector is the first list of its stream.
            target.eq(Mux(working, sequencer.phase.target, stream * config.stream_lists)),
        ]
        for group in self.groups:
            m.d.comb += [
                group.lists.eq(sequencer.lists),
                group.target.eq(target),
                group.arriving.close.eq(inputs.close),
            ]
        if config.streams > 1:
            m.d.comb += outputs.number.eq(sequencer.out_stream)
            m.d.comb += [group.odd.eq(sequencer.odd) for group in self.groups]

    def _delta(self, m: Module, inputs: InputPort) -> None:
        """Thresholds, and the reset of what was sent."""
        sequencer = self.sequencer
        # Inputs are late: what is written now arrived two cycles ago.
        filling = delayed(
            m, sequencer.idle, cycles=DeltaStage.LATENCY, name="filling", reset_less=False
        )
        m.d.comb += sequencer.wants_reset.eq(inputs.wants_reset)
        for group in self.groups:
            m.d.comb += [
                group.inputs.eq(filling),
                group.input_threshold.eq(sequencer.input_threshold),
                group.reset.eq(sequencer.reset),
            ]

    def _rows(self, m: Module, inputs: InputPort) -> None:
        """Rows that are read and written, and tokens."""
        sequencer, collector = self.sequencer, self.collector
        m.d.comb += [
            collector.row.eq(sequencer.row),
            collector.token.eq(sequencer.token),
            collector.state.eq(sequencer.carried),
        ]
        for group in self.groups:
            m.d.comb += [
                group.row.eq(sequencer.row),
                group.written.eq(sequencer.written),
                group.arriving.close.eq(inputs.row),
            ]

    def _count(self, m: Module, hold: Signal) -> None:
        """The counters' inputs."""
        m.submodules.counting = counting = Counters(config=self.config)
        sequencer, groups = self.sequencer, self.groups
        stalled = hold & sequencer.running
        if not self.config.maps.rows:  # there a broadcast also passes where nothing is granted
            stalled = stalled & sequencer.enable
        stalled = stalled & ~sequencer.quiet
        m.d.comb += [
            counting.start.eq(sequencer.start),
            counting.running.eq(sequencer.running),
            counting.stalled.eq(stalled),
            counting.starving.eq(Cat(group.starving for group in groups)),
            counting.committing.eq(Cat(pe.sums.commit for g in groups for pe in g.pes)),
            self.counters.eq(counting.counters),
        ]

    def _load(self, m: Module) -> None:
        """The load port to the memory of the layer program and the groups."""
        m.submodules.load_program = select = LoadSelect(
            config=self.config, target=LoadTarget.PROGRAM, unit=None
        )
        connect(m, select.write, self.sequencer.write)
        m.d.comb += [select.valid.eq(self.load.valid), select.word.eq(self.load.payload)]
        for group in self.groups:
            m.d.comb += [
                group.load_valid.eq(self.load.valid),
                group.load_word.eq(self.load.payload),
            ]

    def _probe(self) -> list[Value]:
        """The words of events: the engine's own, each PE's, each group's."""
        output = self.output
        sequence = {
            **self.sequencer.events(),
            "broadcast": {**fields(self.collector.broadcast), "valid": self.leaving},
            "output": {"valid": output.valid & output.ready, **fields(output.payload)},
        }
        pes = [pe for group in self.groups for pe in group.pes]
        return [
            assemble(sequence_layout(self.config), sequence),
            *(assemble(pe_layout(self.config), pe.events()) for pe in pes),
            *(assemble(group_layout(self.config), group.events()) for group in self.groups),
        ]
