"""The engine: groups of PEs, collector, sequencer and ports (docs/engine.md)."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import Image
from rtl import cell_wiring
from rtl.front.collector import Collector
from rtl.front.input_port import InputPort
from rtl.front.output_port import OutputPort
from rtl.group.cell_group import CellGroup
from rtl.group.group import Group
from rtl.layouts import broadcast_layout, counters_layout, input_layout, output_layout
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.prim.delay import delayed
from rtl.probe import assemble, fields, group_layout, pe_layout, sequence_layout
from rtl.sequence.cell_sequencer import CellSequencer
from rtl.sequence.counters import Counters
from rtl.sequence.sequencer import Sequencer


class Engine(wiring.Component):
    """A sparse inference engine for any number of fully connected, LSTM and GRU layers.

    input: the activations of one inference in column order; `last` with the final one starts it;
    not ready while one runs. output: the non-zero results, in any order; all others are 0. done:
    one cycle, after the last result was taken. counters: of the inference, steady from done to the
    next start. load: words for the memories; only while no inference runs. probe: events, for
    simulators.

    With cells an inference is a step: inputs of all streams, one after the other, and their results
    if the last one asks for an answer (rtl.layouts.input_layout).

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
        sequencer, group = (CellSequencer, CellGroup) if config.cells else (Sequencer, Group)
        self.sequencer: Any = sequencer(config=config, init=program)
        self.collector = Collector(config=config)
        self.groups: list[Any] = [
            group(config=config, number=number, image=image) for number in range(config.groups)
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
        hold = self._status(m, sequencer, outputs, groups)
        self._collect(m, sequencer, collector, hold, groups)
        spread = self._broadcast(m, sequencer, collector, hold)
        if config.cells:
            cell_wiring.distribute(m, config, sequencer, inputs, outputs, groups)
            m.d.comb += [group.broadcast.eq(spread) for group in groups]
            m.d.comb += collector.back_base.eq(sequencer.back_base)
        else:
            self._distribute(m, sequencer, inputs, spread, groups)
        self._count(m, sequencer, hold, groups)
        self._load(m, sequencer, groups)
        return m

    def _status(self, m: Module, sequencer: Any, outputs: OutputPort, groups: list[Any]) -> Signal:
        """What all groups say together, `status_stages` cycles late: over, and (returned) hold."""
        stages = self.config.status_stages
        near_full, over = Signal(), Signal()
        m.d.comb += [
            near_full.eq(Cat(group.near_full for group in groups).any()),
            over.eq(Cat(group.over for group in groups).all()),
        ]
        for stage in range(stages - 1):
            over_late = Signal(name=f"over_{stage}")
            ends = sequencer.end if self.config.cells else sequencer.swap
            m.d.sync += over_late.eq(over & ~ends)
            over = over_late
        hold = Signal()
        if stages > 1:
            near_full_late = Signal()
            m.d.sync += near_full_late.eq(near_full)
            near_full = near_full_late
        if stages > 2:
            self._spread_hold(m, near_full | outputs.hold, hold, groups)
        else:
            m.d.comb += [hold.eq(near_full | outputs.hold), *(g.hold.eq(hold) for g in groups)]
        m.d.comb += [outputs.held.eq(hold), sequencer.hold.eq(hold), sequencer.over.eq(over)]
        return hold

    def _spread_hold(self, m: Module, early: Value, hold: Signal, groups: list[Any]) -> None:
        """A register of the hold for each group: one for all would have to be everywhere at once.

        Each takes its own group's part twice. That changes nothing, but without it Yosys would see
        equal registers and keep one.
        """
        m.d.sync += hold.eq(early)
        for number, group in enumerate(groups):
            own, here = Signal(name=f"own_{number}"), Signal(name=f"hold_{number}")
            m.d.sync += [own.eq(group.near_full), here.eq(early | own)]
            m.d.comb += group.hold.eq(here)

    def _collect(
        self,
        m: Module,
        sequencer: Any,
        collector: Collector,
        hold: Signal,
        groups: list[Any],
    ) -> None:
        """Activation memories to the collector."""
        m.d.comb += [
            collector.enable.eq(sequencer.enable),
            collector.hold.eq(hold),
            collector.base.eq(sequencer.base),
            collector.pending.eq(Cat(group.pending for group in groups)),
            sequencer.pending.eq(collector.any_pending),
            self.leaving.eq(collector.broadcast.valid & ~hold & ~sequencer.output),
        ]
        for number, group in enumerate(groups):
            m.d.comb += [
                group.grant.eq(collector.grant[number]),
                collector.elements[number].eq(group.element),
            ]

    def _broadcast(
        self, m: Module, sequencer: Any, collector: Collector, hold: Signal
    ) -> data.View:
        """The broadcast as it comes to the groups."""
        broadcast = Signal(broadcast_layout(self.config))
        m.d.comb += [
            broadcast.valid.eq(collector.broadcast.valid & ~sequencer.output),
            broadcast.column.eq(collector.broadcast.column),
            broadcast.value.eq(collector.broadcast.value),
        ]
        return delayed(
            m,
            broadcast,
            # The last stage is in the column memories.
            cycles=max(0, self.config.broadcast_stages - 1),
            name="broadcast",
            reset_less=False,
            enable=~hold,
        )

    def _distribute(
        self,
        m: Module,
        sequencer: Sequencer,
        inputs: InputPort,
        spread: data.View,
        groups: list[Group],
    ) -> None:
        """Broadcast, inputs and the layer's settings to the groups."""
        for number, group in enumerate(groups):
            m.d.comb += [
                group.broadcast.eq(spread),
                group.quiet.eq(sequencer.quiet & sequencer.running),
                group.layer.eq(sequencer.layer),
                group.swap.eq(sequencer.swap),
                group.settings.eq(sequencer.settings),
                group.input_valid.eq(inputs.valid[number]),
                group.input_index.eq(inputs.index),
                group.input_value.eq(inputs.value),
            ]

    def _count(self, m: Module, sequencer: Any, hold: Signal, groups: list[Any]) -> None:
        """The counters' inputs."""
        m.submodules.counting = counting = Counters(config=self.config)
        running, cells = sequencer.running, self.config.cells
        stalled = hold & sequencer.enable if cells else hold
        m.d.comb += [
            counting.start.eq(sequencer.start if cells else sequencer.swap & sequencer.idle),
            counting.running.eq(running),
            counting.stalled.eq(running & stalled & ~sequencer.quiet),
            counting.starving.eq(Cat(group.starving for group in groups)),
            counting.committing.eq(Cat(pe.sums.commit for g in groups for pe in g.pes)),
            self.counters.eq(counting.counters),
        ]

    def _load(self, m: Module, sequencer: Any, groups: list[Any]) -> None:
        """The load port to the program memory and the groups."""
        m.submodules.load_program = select = LoadSelect(
            config=self.config, target=LoadTarget.PROGRAM, unit=None
        )
        connect(m, select.write, sequencer.write)
        m.d.comb += [select.valid.eq(self.load.valid), select.word.eq(self.load.payload)]
        for group in groups:
            m.d.comb += [
                group.load_valid.eq(self.load.valid),
                group.load_word.eq(self.load.payload),
            ]

    def _probe(self) -> list[Value]:
        """The words of events: the engine's own, each PE's, each group's."""
        sequencer, sent, output = self.sequencer, self.collector.broadcast, self.output
        sequence = {
            "start": {"valid": sequencer.start},
            "layer": {
                "valid": sequencer.layer_start,
                "layer": sequencer.layer,
                **({"stream": sequencer.stream} if self.config.streams > 1 else {}),
            },
            "broadcast": {**fields(sent), "valid": self.leaving},
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
