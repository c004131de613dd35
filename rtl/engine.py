"""The engine: groups of PEs, collector, sequencer and ports (docs/engine.md)."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.image import Image
from rtl.collector import Collector
from rtl.counters import Counters
from rtl.delay import delayed
from rtl.group import Group
from rtl.input_port import InputPort
from rtl.layouts import broadcast_layout, counters_layout, input_layout, output_layout
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.output_port import OutputPort
from rtl.probe import assemble, fields, group_layout, pe_layout, sequence_layout
from rtl.sequencer import Sequencer


class Engine(wiring.Component):
    """A sparse inference engine for any number of fully connected layers.

    input: the activations of one inference in column order; `last` with the final one starts it;
    not ready while one runs. output: the non-zero results, in any order; all others are 0. done:
    one cycle, after the last result was taken. counters: of the inference, steady from done to the
    next start. load: words for the memories; only while no inference runs. probe: events, for
    simulators.

    The latency of an inference depends on the data; golden.timing predicts it exactly.
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
        self.probe = self._probe()
        """Events of the cycle in words of whole 32 bits, together rtl.probe.engine_layout."""

    def elaborate(self, platform: object) -> Module:
        """Instances, and the wires between them."""
        m = Module()
        config = self.config
        sequencer, collector, groups = self.sequencer, self.collector, self.groups
        m.submodules.sequencer, m.submodules.collector = sequencer, collector
        m.submodules.inputs = inputs = InputPort(config=config)
        m.submodules.outputs = outputs = OutputPort(config=config)
        for number, group in enumerate(groups):
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
        near_full = self._status(m, sequencer, groups)
        self._collect(m, sequencer, collector, outputs, near_full, groups)
        self._distribute(m, sequencer, collector, inputs, groups)
        self._count(m, sequencer, collector, near_full, groups)
        self._load(m, sequencer, groups)
        return m

    def _status(self, m: Module, sequencer: Sequencer, groups: list[Group]) -> Signal:
        """Queue state of all PEs, `status_stages` cycles old: busy, and (returned) nearly full."""
        near_full, busy = Signal(), Signal()
        m.d.comb += [
            near_full.eq(Cat(group.near_full for group in groups).any()),
            busy.eq(Cat(group.busy for group in groups).any()),
        ]
        extra = self.config.status_stages - 1
        m.d.comb += sequencer.busy.eq(delayed(m, busy, cycles=extra, name="busy", reset_less=False))
        return delayed(m, near_full, cycles=extra, name="near_full", reset_less=False)

    def _collect(
        self,
        m: Module,
        sequencer: Sequencer,
        collector: Collector,
        outputs: OutputPort,
        near_full: Signal,
        groups: list[Group],
    ) -> None:
        """Activation memories to the collector."""
        m.d.comb += [
            collector.enable.eq(sequencer.enable),
            collector.hold.eq(near_full | outputs.hold),
            collector.base.eq(sequencer.base),
            collector.pending.eq(Cat(group.pending for group in groups)),
            sequencer.pending.eq(collector.any_pending),
            sequencer.granted.eq(collector.granted),
        ]
        for number, group in enumerate(groups):
            m.d.comb += [
                group.grant.eq(collector.grant[number]),
                collector.elements[number].eq(group.element),
            ]

    def _distribute(
        self,
        m: Module,
        sequencer: Sequencer,
        collector: Collector,
        inputs: InputPort,
        groups: list[Group],
    ) -> None:
        """Broadcast, inputs and drain steps to the groups."""
        broadcast = Signal(broadcast_layout(self.config))
        m.d.comb += [
            broadcast.valid.eq(collector.broadcast.valid & ~sequencer.output),
            broadcast.column.eq(collector.broadcast.column),
            broadcast.value.eq(collector.broadcast.value),
        ]
        spread = delayed(
            m,
            broadcast,
            cycles=self.config.broadcast_stages,
            name="broadcast",
            reset_less=False,
        )
        for number, group in enumerate(groups):
            m.d.comb += [
                group.broadcast.eq(spread),
                group.layer.eq(sequencer.layer),
                group.swap.eq(sequencer.swap),
                group.input_valid.eq(inputs.valid[number]),
                group.input_index.eq(inputs.index),
                group.input_value.eq(inputs.value),
                group.step.eq(sequencer.step),
                group.settings.eq(sequencer.settings),
            ]

    def _count(
        self,
        m: Module,
        sequencer: Sequencer,
        collector: Collector,
        near_full: Signal,
        groups: list[Group],
    ) -> None:
        """The counters' inputs."""
        m.submodules.counting = counting = Counters(config=self.config)
        m.d.comb += [
            counting.start.eq(sequencer.swap & sequencer.idle),
            counting.running.eq(sequencer.running),
            counting.computing.eq(sequencer.computing),
            counting.stalled.eq(sequencer.computing & collector.any_pending & near_full),
            counting.issuing.eq(Cat(pe.entry.issuing for g in groups for pe in g.pes)),
            counting.committing.eq(Cat(pe.sums.commit for g in groups for pe in g.pes)),
            self.counters.eq(counting.counters),
        ]

    def _load(self, m: Module, sequencer: Sequencer, groups: list[Group]) -> None:
        """The load port to the program memory and the groups."""
        m.submodules.load_program = select = LoadSelect(
            config=self.config, target=LoadTarget.PROGRAM, unit=None
        )
        connect(m, select.write, sequencer.write)
        for port in (select, *groups):
            valid = port.valid if port is select else port.load_valid  # pyright: ignore
            word = port.word if port is select else port.load_word  # pyright: ignore
            m.d.comb += [valid.eq(self.load.valid), word.eq(self.load.payload)]

    def _probe(self) -> list[Value]:
        """The words of events: the engine's own, each PE's, each group's."""
        sequencer, sent, output = self.sequencer, self.collector.broadcast, self.output
        sequence = {
            "start": {"valid": sequencer.start},
            "layer": {"valid": sequencer.layer_start, "layer": sequencer.layer},
            "broadcast": {**fields(sent), "valid": sent.valid & ~sequencer.output},
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
