"""A PE group: PEs that share column memory, activation memory and drain unit."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import connect

from golden.config import EngineConfig, EntryMemory
from golden.format.image import Image
from rtl.front.activation_lists import ActivationLists
from rtl.front.delta import DeltaStage
from rtl.group.broadcast_fifo import BroadcastFifo
from rtl.group.column_memory import ColumnMemory
from rtl.group.entry_memory import SharedEntries
from rtl.group.ports import GroupPorts
from rtl.load import LoadSelect, LoadTarget
from rtl.maps.control import DrainControl
from rtl.maps.front import RowFront
from rtl.operations.control import OperationControl
from rtl.operations.pipeline import OperationPipeline
from rtl.pe.pe import ProcessingElement
from rtl.prim.delay import delayed, held_back, marked
from rtl.prim.kept import kept
from rtl.probe import Events


class Group(GroupPorts):
    """`config.group` PEs (the last group may have fewer), their activations and operations.

    Its ports are in rtl.group.ports.
    """

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """Group `number`, initialised from `image` if there is one."""
        self._config, self._number = config, number
        size = config.group_size(number)
        numbers = range(number * config.group, number * config.group + size)
        self.pes = [ProcessingElement(config=config, number=n, image=image) for n in numbers]
        words = [] if image is None else image.column_words(number)
        self.columns = ColumnMemory(config=config, init=words)
        self.fifo = BroadcastFifo(config=config) if config.stages.fifo else None
        self.rows = RowFront(config=config) if config.maps.rows else None
        self.control = (DrainControl if self.rows else OperationControl)(config=config, size=size)
        self.pipeline = OperationPipeline(config=config, size=size)
        super().__init__(config=config, size=size)

    def elaborate(self, platform: object) -> Module:
        """The shared units, and the PEs."""
        m = Module()
        # One register for a group's memories, as the load port fans out far.
        valid = Signal(name="load_valid_late")
        word = Signal.like(self.load_word, name="load_word_late", reset_less=True)
        m.d.sync += [valid.eq(self.load_valid), word.eq(self.load_word)]
        self._rows(m, self.rows) if self.rows else self._activations(m)
        self._operations(m)
        self._columns(m, valid, word)
        self._pes(m, valid, word)
        if isinstance(self.control, DrainControl):
            self._tokens(m, self.control)
        elif self._config.cells:
            self._cells(m, self.control)
        if self._config.entry_memory is EntryMemory.SPRAM:
            self._entries(m, valid, word)
        return m

    def events(self) -> Events:
        """Signals for the group's own events, for the trace."""
        events = self.pipeline.events(self.control.operation)
        if self.rows is None:
            return events
        own, ends = self.rows.own, self.pipeline.close
        return {
            **events,
            "length": {"valid": ends, "items": self.rows.items},
            "local": {"valid": own.valid & ~self.hold, "column": own.column, "value": own.value},
        }

    def _put(self) -> tuple[Value, Value, Value]:
        """What is written to the lists: whether there is something, its index, its value."""
        pipeline, arriving = self.pipeline, self.arriving
        return (
            arriving.valid | pipeline.output,
            Mux(pipeline.output, pipeline.index, arriving.index),
            Mux(pipeline.output, pipeline.activation, arriving.value),
        )

    def _activations(self, m: Module) -> None:
        """Inputs and outputs to the lists of activations, those to the collector."""
        m.submodules.activations = memory = ActivationLists(config=self._config)
        grant = self.grant
        if self._config.stages.grant:
            grant = held_back(m, grant, hold=self.hold, name="granted")
        write, index, value = self._put()
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

    def _rows(self, m: Module, rows: RowFront) -> None:
        """The same for maps, and broadcasts that stay in the group."""
        m.submodules.rows = rows
        _, index, value = self._put()
        arrives = self.arriving.valid & (self.arriving.value != 0)
        m.d.comb += [
            rows.write.eq(Mux(self.pipeline.output, self.pipeline.some, arrives)),
            rows.index.eq(index),
            rows.value.eq(value),
            rows.close.eq(self.pipeline.close | self.arriving.close),
            rows.target.eq(self.written),
            rows.row.eq(self.row),
            rows.hold.eq(self.hold),
            rows.grant.eq(self.grant),
            rows.arriving.eq(self.broadcast),
            self.pending.eq(rows.pending),
            self.element.eq(rows.element),
        ]

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
        operates = control if isinstance(control, OperationControl) else None
        if operates:
            self._ready(m, operates, phase)
        m.d.comb += [
            self.over.eq(control.over),
            pipeline.operation.eq(control.operation),
            pipeline.wipe.eq(control.wipe),
            pipeline.phase.eq(phase),
            pipeline.bias.eq(self.columns.bias),
            *(pipeline.results[slot].eq(pe.sum) for slot, pe in enumerate(self.pes)),
        ]
        if operates and self._config.sum_sets > 1:
            m.d.comb += pipeline.wipe_set.eq(operates.wipe_set)
        if operates and self._config.delta:
            m.d.comb += operates.reset.eq(self.reset)

    def _ready(self, m: Module, control: OperationControl, phase: data.View) -> None:
        """The phase whose operations run, and when they may begin."""
        if self._config.stages.choose:
            # The end of a phase shows in the PEs a cycle later.
            m.d.sync += control.ready.eq(Mux(self.end, 0, Cat(pe.ready for pe in self.pes)))
        else:
            m.d.comb += control.ready.eq(Cat(pe.ready for pe in self.pes))
        m.d.comb += [control.phase.eq(phase), control.end.eq(self.end)]

    def _columns(self, m: Module, valid: Signal, word: data.View) -> None:
        """The column memory: broadcasts to pointers, operations to biases; its load port."""
        columns, sent = self.columns, self.fifo or self.rows
        select = LoadSelect(config=self._config, target=LoadTarget.COLUMN, unit=self._number)
        m.submodules.columns, m.submodules.load_column = columns, select
        m.d.comb += [
            columns.broadcast.eq(sent.taken if sent else self.broadcast),
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
        closed: Value = Const(0)  # with maps, tokens say what ends
        if self.rows is None:
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

    def _tokens(self, m: Module, control: DrainControl) -> None:
        """The PEs' ports for tokens, and what they ended."""
        m.d.comb += [control.phase.eq(self.phase), control.begin.eq(self.begin)]
        for slot, pe in enumerate(self.pes):
            m.d.comb += [
                pe.beside.eq(self.columns.beside),
                pe.phase.eq(self.phase),
                pe.drained.eq(control.drained),
                control.ended[slot].eq(pe.ended),
            ]

    def _cells(self, m: Module, control: OperationControl) -> None:
        """The PEs' ports for operations on cells."""
        pipeline = self.pipeline
        for slot, pe in enumerate(self.pes):
            m.d.comb += [
                pe.look.eq(pe.steal & control.operation.look),
                pe.look_address.eq(control.look_address),
                pe.access.eq(pipeline.access[slot]),
            ]
            if self._config.streams > 1:
                m.d.comb += [
                    pe.odd.eq(self.odd),
                    pe.back_layer.eq(self.phase.layer),
                    pe.back_odd.eq(self.phase.odd),
                ]
