"""A PE group: PEs that share column memory, activation memory and drain unit."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig, EntryMemory
from golden.format.image import Image
from rtl import layouts
from rtl.front.activation_lists import ActivationLists
from rtl.front.delta import DeltaStage
from rtl.group.broadcast_fifo import BroadcastFifo
from rtl.group.column_memory import ColumnMemory
from rtl.group.entry_memory import SharedEntries
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.operations.control import OperationControl
from rtl.operations.pipeline import OperationPipeline
from rtl.pe.pe import ProcessingElement
from rtl.prim.delay import delayed, held_back, marked
from rtl.prim.kept import kept
from rtl.probe import Events


class Group(wiring.Component):
    """`config.group` PEs (the last group may have fewer), their activations and operations.

    broadcast: an activation and its column.
    hold: it does not move on; not with `stages.fifo`.
    layer: number of the layer that is broadcast.
    near_full: any PE's queue was nearly full a cycle ago; or, if there is one, the FIFO was.
    begin: the activations of the next phase are read from the next cycle on.
    phase: the phase whose operations run.
    closed: all its jobs have arrived.
    end: it ends with this cycle's write.
    pending: the activation memory has elements left.
    more: it has at least two; only with `stages.grant`.
    grant: take the next one; with `stages.grant` a cycle later.
    element: that one, a cycle after it is taken, or two.
    arriving: an input activation; only between inferences.
    over: the operations of all PEs have begun.
    starving: one bit for each PE: it has neither an entry nor an operation.
    load_valid: a word of the load port.
    load_word: the word.

    With cells:

    lists: the activations of the next phase.
    target: the list that is written.
    odd: of the phase that is broadcast, which of the PEs' sums it uses; where phases overlap.

    With delta:

    inputs: what was written two cycles ago was an input.
    input_threshold: of inputs.
    reset: forget everything.
    """

    broadcast: data.View
    hold: Signal
    layer: Signal
    near_full: Signal
    begin: Signal
    phase: data.View
    closed: Signal
    end: Signal
    pending: Signal
    more: Signal
    grant: Signal
    element: data.View
    arriving: data.View
    over: Signal
    starving: Signal
    load_valid: Signal
    load_word: data.View
    lists: data.View
    target: Signal
    odd: Signal
    inputs: Signal
    input_threshold: Signal
    reset: Signal

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """Group `number`, initialised from `image` if there is one."""
        self._config, self._number = config, number
        size = config.group_size(number)
        numbers = range(number * config.group, number * config.group + size)
        self.pes = [ProcessingElement(config=config, number=n, image=image) for n in numbers]
        words = [] if image is None else image.column_words(number)
        self.columns = ColumnMemory(config=config, init=words)
        self.fifo = BroadcastFifo(config=config) if config.stages.fifo else None
        self.control = OperationControl(config=config, size=size)
        self.pipeline = OperationPipeline(config=config, size=size)
        cells = {"lists": In(layouts.begin_layout(config)), "target": In(config.list_width)}
        delta = {"inputs": In(1), "input_threshold": In(config.act_width - 1), "reset": In(1)}
        super().__init__(
            {
                "broadcast": In(layouts.broadcast_layout(config)),
                "hold": In(1),
                "layer": In(config.layer_width),
                "near_full": Out(1),
                "begin": In(1),
                "phase": In(layouts.phase_layout(config)),
                "closed": In(1),
                "end": In(1),
                "pending": Out(1),
                **({"more": Out(1)} if config.stages.grant else {}),
                "grant": In(1),
                "element": Out(layouts.element_layout(config)),
                "arriving": In(layouts.arriving_layout(config)),
                "over": Out(1),
                "starving": Out(size),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
                **(cells if config.cells else {}),
                **({"odd": In(1)} if config.streams > 1 else {}),
                **(delta if config.delta else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The shared units, and the PEs."""
        m = Module()
        # One register for a group's memories, as the load port fans out far.
        valid = Signal(name="load_valid_late")
        word = Signal.like(self.load_word, name="load_word_late", reset_less=True)
        m.d.sync += [valid.eq(self.load_valid), word.eq(self.load_word)]
        self._activations(m)
        self._operations(m)
        self._columns(m, valid, word)
        self._pes(m, valid, word)
        if self._config.cells:
            self._cells(m)
        if self._config.entry_memory is EntryMemory.SPRAM:
            self._entries(m, valid, word)
        return m

    def events(self) -> Events:
        """Signals for the group's own events, for the trace."""
        return self.pipeline.events(self.control.operation)

    def _activations(self, m: Module) -> None:
        """Inputs and outputs to the lists of activations, those to the collector."""
        m.submodules.activations = memory = ActivationLists(config=self._config)
        pipeline, grant = self.pipeline, self.grant
        if self._config.stages.grant:
            grant = held_back(m, grant, hold=self.hold, name="granted")
        write = self.arriving.valid | pipeline.output
        index = Mux(pipeline.output, pipeline.index, self.arriving.index)
        value = Mux(pipeline.output, pipeline.activation, self.arriving.value)
        m.d.comb += [
            memory.begin.eq(self.begin),
            memory.hold.eq(self.hold),
            memory.grant.eq(grant),
            self.pending.eq(memory.pending),
            self.element.eq(memory.element),
        ]
        if self._config.stages.grant:
            m.d.comb += self.more.eq(memory.more)
        if self._config.delta:
            write, index, value = self._delta(m, (write, index, value))
        more = self._config.stages.store
        write = write & (value != 0) if more else write
        m.d.comb += [
            memory.write.eq(delayed(m, write, cycles=more, name="write", reset_less=False)),
            memory.index.eq(delayed(m, index, cycles=more, name="index")),
            memory.value.eq(delayed(m, value, cycles=more, name="value")),
        ]
        if self._config.cells:
            m.d.comb += [memory.target.eq(self.target), memory.lists.eq(self.lists)]
            cycles, late = self._config.store_stages, self.arriving.close
            closes = delayed(m, late, cycles=cycles, name="closes", reset_less=False)
            m.d.comb += memory.close.eq(self.end | closes)

    def _delta(self, m: Module, put: tuple[Value, Value, Value]) -> tuple[Value, Value, Value]:
        """Only what moved is kept, as a difference."""
        m.submodules.delta = delta = DeltaStage(config=self._config)
        write, index, value = put
        m.d.comb += [
            delta.write.eq(write),
            delta.index.eq(index),
            delta.value.eq(value),
            delta.place.eq(Mux(self.pipeline.output, self.phase.place, 0)),  # inputs are list 0
            delta.threshold.eq(Mux(self.inputs, self.input_threshold, self.phase.threshold)),
            delta.plain.eq(~self.inputs & self.phase.plain),
            delta.reset.eq(self.reset),
        ]
        return delta.sent, delta.sent_index, delta.sent_value

    def _operations(self, m: Module) -> None:
        """The control of the operations, and their path through the PEs."""
        control, pipeline = self.control, self.pipeline
        m.submodules.control, m.submodules.pipeline = control, pipeline
        phase = self.phase
        if self.fifo:  # a copy: it comes from afar, and is steady long before the operations
            shape = phase.shape()
            phase = data.View(shape, kept(m, phase, shape=shape.size, name="phase_here"))
        if self._config.stages.choose:
            # The end of a phase shows in the PEs a cycle later.
            m.d.sync += control.ready.eq(Mux(self.end, 0, Cat(pe.ready for pe in self.pes)))
        else:
            m.d.comb += control.ready.eq(Cat(pe.ready for pe in self.pes))
        m.d.comb += [
            control.phase.eq(phase),
            control.end.eq(self.end),
            self.over.eq(control.over),
            pipeline.operation.eq(control.operation),
            pipeline.wipe.eq(control.wipe),
            pipeline.phase.eq(phase),
            pipeline.bias.eq(self.columns.bias),
            *(pipeline.results[slot].eq(pe.sum) for slot, pe in enumerate(self.pes)),
        ]
        if self._config.sum_sets > 1:
            m.d.comb += pipeline.wipe_set.eq(control.wipe_set)
        if self._config.delta:
            m.d.comb += control.reset.eq(self.reset)

    def _columns(self, m: Module, valid: Signal, word: data.View) -> None:
        """The column memory: broadcasts to pointers, operations to biases; its load port."""
        columns = self.columns
        select = LoadSelect(config=self._config, target=LoadTarget.COLUMN, unit=self._number)
        m.submodules.columns, m.submodules.load_column = columns, select
        m.d.comb += [
            columns.broadcast.eq(self.fifo.taken if self.fifo else self.broadcast),
            columns.hold.eq(self.hold),
            columns.bias_read.eq(self.pipeline.bias_read),
            columns.bias_address.eq(self.pipeline.bias_address),
            select.valid.eq(valid),
            select.word.eq(word),
        ]
        connect(m, select.write, columns.write)

    def _pes(self, m: Module, valid: Signal, word: data.View) -> None:
        """The PEs and their status."""
        cycles = 1 if self.fifo else 1 + self._config.stages.push
        mark = self.fifo.passed if self.fifo else self.closed
        closed = marked(m, mark, cycles=cycles, name="closed", clear=self.end)
        operation, pipeline = self.control.operation, self.pipeline
        for slot, pe in enumerate(self.pes):
            m.submodules[f"pe{slot}"] = pe
            m.d.comb += [
                pe.arriving.eq(self.columns.valid),
                pe.pointer.eq(self.columns.pointers[slot]),
                pe.value.eq(self.columns.value),
                pe.closed.eq(closed),
                pe.layer.eq(self.layer),
                pe.steal.eq(operation.valid & (operation.slot == slot)),
                pe.add.eq(pipeline.to_add[slot]),
                pe.totals.eq(pipeline.totals),
                pe.load_valid.eq(valid),
                pe.load_word.eq(word),
                self.starving[slot].eq(~pe.entry.issuing & ~pe.steal),
            ]
        near_full = Cat(pe.near_full for pe in self.pes).any()
        if self.fifo is None:
            m.d.comb += self.near_full.eq(near_full)
            return
        m.submodules.fifo = fifo = self.fifo
        m.d.comb += [
            fifo.arriving.eq(self.broadcast),
            fifo.room.eq(~near_full),  # broadcasts wait there until no queue is nearly full
            fifo.ended.eq(self.closed),
            fifo.clear.eq(self.end),
            self.near_full.eq(fifo.near_full),
        ]

    def _entries(self, m: Module, valid: Signal, word: data.View) -> None:
        """The memories that PEs share."""
        first = self._number * self._config.group
        entries = SharedEntries(config=self._config, first=first, size=len(self.pes))
        m.submodules.entries = entries
        m.d.comb += [
            entries.begin.eq(self.begin),
            entries.load_valid.eq(valid),
            entries.load_word.eq(word),
            entries.fetch.eq(Cat(pe.fetch for pe in self.pes)),
            entries.address.eq(Cat(pe.fetch_address for pe in self.pes)),
            *(pe.word.eq(entries.words[slot]) for slot, pe in enumerate(self.pes)),
            *(pe.turn.eq(entries.turns[slot]) for slot, pe in enumerate(self.pes)),
        ]

    def _cells(self, m: Module) -> None:
        """The PEs' ports for operations on cells."""
        pipeline = self.pipeline
        for slot, pe in enumerate(self.pes):
            m.d.comb += [
                pe.look.eq(pe.steal & self.control.operation.look),
                pe.look_address.eq(self.control.look_address),
                pe.access.eq(pipeline.access[slot]),
            ]
            if self._config.streams > 1:
                m.d.comb += [
                    pe.odd.eq(self.odd),
                    pe.back_layer.eq(self.phase.layer),
                    pe.back_odd.eq(self.phase.odd),
                ]
