"""A PE group of an engine with cells."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig, EntryMemory
from golden.format.image import Image
from rtl.front.activation_lists import ActivationLists
from rtl.front.delta import DeltaStage
from rtl.group.column_memory import ColumnMemory
from rtl.group.group import load_register, share_entries, wire_columns
from rtl.layouts import begin_layout, broadcast_layout, element_layout, phase_layout
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.operations.cell_control import CellControl
from rtl.operations.cell_pipeline import CellPipeline
from rtl.pe.cell_pe import CellElement
from rtl.prim.delay import delayed
from rtl.probe import Events, fields


class CellGroup(wiring.Component):
    """As rtl.group.group.Group; its drain is a program of cell operations.

    layer, odd: of the phase that is broadcast. begin, lists: the activations of the next phase.
    phase, closed: the phase whose operations run; all its jobs have arrived. end: it ends, and its
    list of outputs. target: the list that is written. input_close: an input vector ends. The others
    are as in Group. With delta, inputs: what was written two cycles ago was an input;
    input_threshold: of inputs; reset: forget everything.
    """

    broadcast: data.View
    hold: Signal
    layer: Signal
    odd: Signal
    near_full: Signal
    begin: Signal
    lists: data.View
    phase: data.View
    closed: Signal
    end: Signal
    target: Signal
    pending: Signal
    grant: Signal
    element: data.View
    input_valid: Signal
    input_index: Signal
    input_value: Signal
    input_close: Signal
    over: Signal
    starving: Signal
    load_valid: Signal
    load_word: data.View
    inputs: Signal
    input_threshold: Signal
    reset: Signal

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """Group `number`, initialised from `image` if there is one."""
        self._config, self._number = config, number
        size = config.group_size(number)
        self.pes = [
            CellElement(config=config, number=number * config.group + slot, image=image)
            for slot in range(size)
        ]
        self.columns = ColumnMemory(
            config=config, init=[] if image is None else image.column_words(number)
        )
        self.control = CellControl(config=config, size=size)
        self.pipeline = CellPipeline(config=config, size=size)
        delta = {
            "inputs": In(1),
            "input_threshold": In(config.act_width - 1),
            "reset": In(1),
        }
        super().__init__(
            {
                "broadcast": In(broadcast_layout(config)),
                "hold": In(1),
                "layer": In(config.layer_width),
                "odd": In(1),
                "near_full": Out(1),
                "begin": In(1),
                "lists": In(begin_layout(config)),
                "phase": In(phase_layout(config)),
                "closed": In(1),
                "end": In(1),
                "target": In(config.list_width),
                "pending": Out(1),
                "grant": In(1),
                "element": Out(element_layout(config)),
                "input_valid": In(1),
                "input_index": In(config.index_width),
                "input_value": In(signed(config.act_width)),
                "input_close": In(1),
                "over": Out(1),
                "starving": Out(size),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
                **(delta if config.delta else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The shared units, and the PEs."""
        m = Module()
        valid, word = load_register(m, self.load_valid, self.load_word)
        self._activations(m)
        self._operations(m)
        self._columns(m, valid, word)
        self._pes(m, valid, word)
        if self._config.entry_memory is EntryMemory.SPRAM:
            share_entries(
                m,
                config=self._config,
                number=self._number,
                pes=self.pes,
                start=self.begin,
                valid=valid,
                word=word,
            )
        return m

    def events(self) -> Events:
        """Signals of the group's own events, for the trace."""
        pipeline, operation = self.pipeline, self.control.operation
        slots = [Cat(pipeline.to_write[2 * n : 2 * n + 2]).any() for n in range(len(self.pes))]
        return {
            "drain": {
                "valid": pipeline.output,
                "index": pipeline.index,
                "value": pipeline.activation,
            },
            "operation": {
                **fields(operation),
                "valid": operation.valid & ~self.control.wipe,
                "operation": operation.number,
            },
            "gate": {
                "valid": pipeline.half.any(),
                # The last group may have fewer PEs.
                "slots": Cat(slots, Const(0, self._config.group - len(slots))),
                "half": pipeline.half[1],
                "address": pipeline.write_address,
                "value": pipeline.value,
            },
        }

    def _activations(self, m: Module) -> None:
        """Inputs and outputs to the lists of activations, those to the collector."""
        m.submodules.activations = memory = ActivationLists(config=self._config)
        pipeline = self.pipeline
        write, index = Signal(), Signal(self._config.index_width)
        value = Signal(signed(self._config.act_width))
        if self._config.delta:
            self._delta(m, memory, write, index, value)
        else:
            m.d.comb += [
                memory.write.eq(write),
                memory.index.eq(index),
                memory.value.eq(value),
                memory.close.eq(self.end | self.input_close),
            ]
        m.d.comb += [
            write.eq(self.input_valid | pipeline.output),
            index.eq(Mux(pipeline.output, pipeline.index, self.input_index)),
            value.eq(Mux(pipeline.output, pipeline.activation, self.input_value)),
            memory.target.eq(self.target),
            memory.begin.eq(self.begin),
            memory.lists.eq(self.lists),
            memory.hold.eq(self.hold),
            memory.grant.eq(self.grant),
            self.pending.eq(memory.pending),
            self.element.eq(memory.element),
        ]

    def _delta(
        self, m: Module, memory: ActivationLists, write: Signal, index: Signal, value: Signal
    ) -> None:
        """Only what moved is kept, as a difference."""
        m.submodules.delta = delta = DeltaStage(config=self._config)
        closes = delayed(
            m, self.input_close, cycles=DeltaStage.LATENCY, name="closes", reset_less=False
        )
        m.d.comb += [
            delta.write.eq(write),
            delta.index.eq(index),
            delta.value.eq(value),
            # Inputs are list 0.
            delta.place.eq(Mux(self.pipeline.output, self.phase.place, 0)),
            delta.threshold.eq(Mux(self.inputs, self.input_threshold, self.phase.threshold)),
            delta.plain.eq(~self.inputs & self.phase.plain),
            delta.reset.eq(self.reset),
            memory.write.eq(delta.sent),
            memory.index.eq(delta.sent_index),
            memory.value.eq(delta.sent_value),
            memory.close.eq(self.end | closes),
        ]

    def _operations(self, m: Module) -> None:
        """The operations' control, and their way through the PEs."""
        m.submodules.control, m.submodules.pipeline = control, pipeline = (
            self.control,
            self.pipeline,
        )
        m.d.comb += [
            control.ready.eq(Cat(pe.ready for pe in self.pes)),
            control.phase.eq(self.phase),
            control.end.eq(self.end),
            *([control.reset.eq(self.reset)] if self._config.delta else []),
            self.over.eq(control.over),
            pipeline.operation.eq(control.operation),
            pipeline.wipe.eq(control.wipe),
            pipeline.wipe_set.eq(control.wipe_set),
            pipeline.phase.eq(self.phase),
            pipeline.bias.eq(self.columns.bias),
            *(pipeline.results[slot].eq(pe.sum) for slot, pe in enumerate(self.pes)),
        ]

    def _columns(self, m: Module, valid: Signal, word: data.View) -> None:
        """The column memory: broadcasts to pointers, operations to biases."""
        wire_columns(
            m,
            self,
            select=LoadSelect(config=self._config, target=LoadTarget.COLUMN, unit=self._number),
            bias_read=self.pipeline.bias_read,
            bias_address=self.pipeline.bias_address,
            valid=valid,
            word=word,
        )

    def _pes(self, m: Module, valid: Signal, word: data.View) -> None:
        """The PEs and what they tell."""
        closed = Signal()
        m.d.sync += closed.eq(self.closed & ~self.end)
        operation, pipeline = self.control.operation, self.pipeline
        for slot, pe in enumerate(self.pes):
            m.submodules[f"pe{slot}"] = pe
            steal = operation.valid & (operation.slot == slot)
            m.d.comb += [
                pe.arriving.eq(self.columns.valid),
                pe.pointer.eq(self.columns.pointers[slot]),
                pe.value.eq(self.columns.value),
                pe.closed.eq(closed),
                pe.layer.eq(self.layer),
                pe.odd.eq(self.odd),
                pe.back_layer.eq(self.phase.layer),
                pe.back_odd.eq(self.phase.odd),
                pe.steal.eq(steal),
                pe.look.eq(steal & operation.look),
                pe.look_address.eq(self.control.look_address),
                pe.read.eq(pipeline.to_read[slot]),
                pe.address.eq(pipeline.address),
                pe.multiply.eq(pipeline.to_multiply[slot]),
                pe.operands.eq(pipeline.operands),
                pe.add.eq(pipeline.to_add[slot]),
                pe.totals.eq(pipeline.totals),
                pe.write.eq(pipeline.to_write[2 * slot : 2 * slot + 2]),
                pe.write_address.eq(pipeline.write_address),
                pe.write_value.eq(pipeline.value),
                pe.load_valid.eq(valid),
                pe.load_word.eq(word),
                self.starving[slot].eq(~pe.entry.issuing & ~steal),
            ]
        m.d.comb += self.near_full.eq(Cat(pe.near_full for pe in self.pes).any())
