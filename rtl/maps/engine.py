"""An engine with maps; its ports are those of rtl.engine."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import Image
from rtl.front.input_port import InputPort
from rtl.front.output_port import OutputPort
from rtl.layouts import counters_layout, input_layout, output_layout
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.maps.collector import MapCollector
from rtl.maps.group import MapGroup
from rtl.maps.layouts import cast_layout
from rtl.maps.sequencer import MapSequencer
from rtl.prim.delay import delayed
from rtl.probe import assemble, fields, group_layout, pe_layout, sequence_layout
from rtl.sequence.counters import Counters


class MapEngine(wiring.Component):
    """Convolutions and fully connected layers (docs/convolution.md).

    input: activations, row by row (golden.maps.grid.arrange).
    output: non-zero results.
    done: one cycle, at the end.
    counters: valid with done, and until the next inference begins.
    load: memory contents; only while idle.
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
        self.sequencer = MapSequencer(config=config, init=program)
        self.collector = MapCollector(config=config)
        self.groups = [
            MapGroup(config=config, number=number, image=image) for number in range(config.groups)
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
            outputs.broadcast.valid.eq(collector.broadcast.valid),
            outputs.broadcast.column.eq(collector.broadcast.column),
            outputs.broadcast.value.eq(collector.broadcast.value),
            self.done.eq(sequencer.done),
        ]
        hold = self._status(m, outputs)
        self._collect(m, hold)
        self._broadcast(m, hold)
        self._layers(m, inputs)
        self._count(m, hold)
        self._load(m)
        return m

    def _status(self, m: Module, outputs: OutputPort) -> Signal:
        """The hold, and whether all groups are over, some cycles late."""
        stages = self.config.status_stages
        hold = Signal()
        held = Signal()
        near_full = Cat(group.near_full for group in self.groups).any()
        over = Cat(group.over for group in self.groups).all()
        late = delayed(m, over, cycles=stages - 1, name="over", reset_less=False)
        full = delayed(m, near_full, cycles=min(1, stages - 1), name="full", reset_less=False)
        m.d.comb += held.eq(full | outputs.hold)
        m.d.comb += [
            hold.eq(delayed(m, held, cycles=max(0, stages - 2), name="held", reset_less=False)),
            outputs.held.eq(hold),
            self.sequencer.hold.eq(hold),
            self.sequencer.over.eq(late),
            *(group.hold.eq(hold) for group in self.groups),
        ]
        return hold

    def _collect(self, m: Module, hold: Signal) -> None:
        """Items to the collector."""
        config, sequencer, collector = self.config, self.sequencer, self.collector
        reading = Signal.like(sequencer.row.reading.column, name="column")
        # As the groups do, when the row's length comes.
        header = self.groups[0].lists.header
        with m.If(header & ~hold):
            m.d.sync += reading.eq(sequencer.row.reading.column)
        m.d.comb += [
            collector.enable.eq(sequencer.enable),
            collector.restart.eq(sequencer.row.valid),
            collector.together.eq(sequencer.row.reading.local),
            collector.hold.eq(hold),
            collector.pending.eq(Cat(group.pending for group in self.groups)),
            collector.column.eq(
                delayed(m, reading, cycles=config.collector_levels, name="column", enable=~hold)
            ),
            collector.token.eq(sequencer.token),
            collector.state.eq(sequencer.state),
            sequencer.pending.eq(collector.any_pending),
            self.leaving.eq(collector.broadcast.valid & ~hold & ~sequencer.output),
        ]
        for number, group in enumerate(self.groups):
            m.d.comb += [
                group.grant.eq(collector.grant[number]),
                collector.items[number].eq(group.item),
            ]

    def _broadcast(self, m: Module, hold: Signal) -> None:
        """The broadcast to the groups."""
        sent = self.collector.broadcast
        broadcast = Signal(cast_layout(self.config))
        m.d.comb += [
            broadcast.eq(sent),
            broadcast.valid.eq(sent.valid & ~self.sequencer.output),
        ]
        spread = delayed(
            m,
            broadcast,
            # The last stage is in the groups.
            cycles=max(0, self.config.broadcast_stages - 1),
            name="broadcast",
            reset_less=False,
            enable=~hold,
        )
        m.d.comb += [group.broadcast.eq(spread) for group in self.groups]

    def _layers(self, m: Module, inputs: InputPort) -> None:
        """Inputs, rows and the layer's settings to the groups."""
        sequencer = self.sequencer
        for number, group in enumerate(self.groups):
            m.d.comb += [
                group.layer.eq(sequencer.layer),
                group.number.eq(sequencer.number),
                group.begin.eq(sequencer.layer_start),
                group.open.eq(sequencer.open),
                group.region.eq(sequencer.region),
                group.row.eq(sequencer.row),
                group.arriving.valid.eq(inputs.valid[number]),
                group.arriving.index.eq(inputs.index),
                group.arriving.value.eq(inputs.value),
                group.arrived.eq(inputs.row),
            ]

    def _count(self, m: Module, hold: Signal) -> None:
        """The counters' inputs."""
        m.submodules.counting = counting = Counters(config=self.config)
        sequencer, groups = self.sequencer, self.groups
        m.d.comb += [
            counting.start.eq(sequencer.start),
            counting.running.eq(sequencer.running),
            counting.stalled.eq(hold & sequencer.running & ~sequencer.quiet),
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
        sequencer, sent, output = self.sequencer, self.collector.broadcast, self.output
        row = sequencer.row
        sequence = {
            "start": {"valid": sequencer.start},
            "layer": {"valid": sequencer.layer_start, "layer": sequencer.number},
            "broadcast": {**fields(sent), "valid": self.leaving},
            "row": {
                "valid": row.valid & ~sequencer.output,
                "source": row.source,
                "row": sequencer.line,
            },
            "finish": {"valid": sequencer.finish},
            "output": {"valid": output.valid & output.ready, **fields(output.payload)},
            "done": {"valid": sequencer.done},
        }
        pes = [pe for group in self.groups for pe in group.pes]
        return [
            assemble(sequence_layout(self.config), sequence),
            *(assemble(pe_layout(self.config), pe.events()) for pe in pes),
            *(assemble(group_layout(self.config), group.events()) for group in self.groups),
        ]
