"""A group of PEs with their part of the maps, their columns and their drains."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig
from golden.format import layout
from golden.format.image import Image
from rtl.group.column_memory import ColumnMemory
from rtl.layouts import arriving_layout, struct
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.maps.control import MapControl
from rtl.maps.layouts import cast_layout, item_layout, reading_layout, region_width, row_layout
from rtl.maps.lists import MapLists
from rtl.maps.pipeline import MapPipeline
from rtl.maps.position import PositionUnit
from rtl.pe.pe import ProcessingElement
from rtl.prim.delay import delayed
from rtl.probe import Events


class MapGroup(wiring.Component):
    """`config.group` PEs (the last group may have fewer).

    broadcast: an activation and its column, or a token.
    hold: nothing moves on.
    layer: the layer's word.
    number: its number.
    begin: it begins.
    open: the next row that is written is a map's first.
    region: where that map begins.
    near_full: any PE's queue was nearly full a cycle ago.
    row: a row begins to be read.
    pending: there are items left in the row.
    grant: take the next one.
    item: that one, 2 cycles without hold later, or 3; unless it is local.
    arriving: an input activation; only between inferences.
    arrived: with the input activation of a cycle ago a row ended.
    over: the layer is drained.
    starving: one bit for each PE: it has neither an entry nor an operation.
    load_valid: a word of the load port.
    load_word: the word.
    """

    broadcast: data.View
    hold: Signal
    layer: data.View
    number: Signal
    begin: Signal
    open: Signal
    region: Signal
    near_full: Signal
    row: data.View
    pending: Signal
    grant: Signal
    item: data.View
    arriving: data.View
    arrived: Signal
    over: Signal
    starving: Signal
    load_valid: Signal
    load_word: data.View

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """Group `number`, initialised from `image` if there is one."""
        self._config, self._number = config, number
        size = config.group_size(number)
        first = number * config.group
        self.pes = [
            ProcessingElement(config=config, number=first + slot, image=image)
            for slot in range(size)
        ]
        init = [] if image is None else image.column_words(number)
        self.columns = ColumnMemory(config=config, init=init)
        self.lists, self.position = MapLists(config=config), PositionUnit(config=config)
        self.control = MapControl(config=config, size=size)
        self.pipeline = MapPipeline(config=config, size=size)
        self.own = Signal(cast_layout(config))
        """A broadcast to the PEs of this group only, in the cycle of the collector's."""
        super().__init__(
            {
                "broadcast": In(cast_layout(config)),
                "hold": In(1),
                "layer": In(struct(layout.map_descriptor(config))),
                "number": In(config.layer_width),
                "begin": In(1),
                "open": In(1),
                "region": In(region_width(config)),
                "near_full": Out(1),
                "row": In(row_layout(config)),
                "pending": Out(1),
                "grant": In(1),
                "item": Out(item_layout(config)),
                "arriving": In(arriving_layout(config)),
                "arrived": In(1),
                "over": Out(1),
                "starving": Out(size),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The shared units, and the PEs."""
        m = Module()
        # One register for a group's memories, as the load port fans out far.
        valid = Signal(name="load_valid_late")
        word = Signal.like(self.load_word, name="load_word_late", reset_less=True)
        m.d.sync += [valid.eq(self.load_valid), word.eq(self.load_word)]
        self._lists(m)
        self._items(m)
        self._drains(m)
        self._columns(m, valid, word)
        self._pes(m, valid, word)
        return m

    def events(self) -> Events:
        """Signals for the group's own events, for the trace."""
        pipeline, step, lists = self.pipeline, self.control.step, self.lists
        return {
            "drain": {
                "valid": pipeline.output,
                "index": pipeline.index,
                "value": pipeline.activation,
            },
            "steal": {"valid": step.valid, "slot": step.slot, "address": step.address},
            "length": {"valid": pipeline.close, "items": lists.items},
            "local": {
                "valid": self.own.valid & ~self.hold,
                "column": self.own.column,
                "value": self.own.value,
            },
        }

    def _lists(self, m: Module) -> None:
        """Inputs and outputs to the lists."""
        m.submodules.lists = lists = self.lists
        pipeline, arriving = self.pipeline, self.arriving
        m.d.comb += [
            lists.write.eq(arriving.valid | pipeline.output),
            lists.index.eq(Mux(pipeline.output, pipeline.index, arriving.index)),
            lists.value.eq(Mux(pipeline.output, pipeline.activation, arriving.value)),
            lists.close.eq(pipeline.close | self.arrived),
            lists.open.eq(self.open),
            lists.region.eq(self.region),
            lists.row.eq(self.row),
            lists.hold.eq(self.hold),
            lists.grant.eq(self.grant),
            self.pending.eq(lists.pending),
        ]

    def _items(self, m: Module) -> None:
        """Items to the collector, or with their column to this group's PEs."""
        config, moves = self._config, ~self.hold
        m.submodules.position = position = self.position
        reading = Signal(reading_layout(config))
        with m.If(self.lists.header & moves):
            m.d.sync += reading.eq(self.row.reading)
        item = position.item
        m.d.comb += [
            position.element.eq(self.lists.element),
            position.reading.eq(reading),
            position.hold.eq(self.hold),
            self.item.eq(Mux(reading.local, 0, item)),
        ]
        own = Signal(cast_layout(config))
        with m.If(moves):
            m.d.sync += [
                own.valid.eq(item.valid & reading.local),
                own.column.eq(reading.column + item.place),
                own.base.eq(item.base),
                own.value.eq(item.value),
            ]
        late = delayed(
            m,
            own,
            cycles=config.collector_levels,
            name="own",
            reset_less=False,
            enable=moves,
        )
        m.d.comb += self.own.eq(late)

    def _drains(self, m: Module) -> None:
        """The control of the drains, and their path through the PEs."""
        control, pipeline = self.control, self.pipeline
        m.submodules.control, m.submodules.pipeline = control, pipeline
        m.d.comb += [
            control.layer.eq(self.layer),
            control.begin.eq(self.begin),
            *(control.ended[slot].eq(pe.ended) for slot, pe in enumerate(self.pes)),
            self.over.eq(control.over),
            pipeline.step.eq(control.step),
            pipeline.layer.eq(self.layer),
            pipeline.wipe.eq(control.wipe),
            pipeline.wipe_address.eq(control.wipe_address),
            pipeline.bias.eq(self.columns.bias),
            *(pipeline.results[slot].eq(pe.sum) for slot, pe in enumerate(self.pes)),
        ]

    def _columns(self, m: Module, valid: Signal, word: data.View) -> None:
        """The column memory: broadcasts to pointers, steps to biases; its load port."""
        columns, config = self.columns, self._config
        select = LoadSelect(config=config, target=LoadTarget.COLUMN, unit=self._number)
        m.submodules.columns, m.submodules.load_column = columns, select
        own = delayed(
            m,
            self.own,
            cycles=max(0, config.broadcast_stages - 1),
            name="far",
            reset_less=False,
            enable=~self.hold,
        )
        cast = Signal(cast_layout(config))
        m.d.comb += [
            cast.eq(Mux(own.valid, own, self.broadcast)),
            columns.broadcast.valid.eq(cast.valid | cast.token),
            columns.broadcast.column.eq(cast.column),
            columns.broadcast.value.eq(cast.value),
            columns.hold.eq(self.hold),
            columns.bias_read.eq(self.pipeline.bias_read),
            columns.bias_address.eq(self.pipeline.bias_address),
            select.valid.eq(valid),
            select.word.eq(word),
        ]
        connect(m, select.write, columns.write)
        # Beside the memory, as the activation goes.
        beside = Cat(cast.token, cast.base, cast.state)
        if config.broadcast_stages:
            read = Signal(len(beside), name="beside_read", reset_less=True)
            with m.If(~self.hold):
                m.d.sync += read.eq(beside)
            beside = read
        late = Signal(len(beside), name="beside_late", reset_less=True)
        m.d.sync += late.eq(beside)
        shape = self.broadcast.shape().members
        base_end = 1 + shape["base"].width
        for pe in self.pes:
            m.d.comb += [
                pe.beside.token.eq(late[0]),
                pe.beside.base.eq(late[1:base_end].as_signed()),
                pe.beside.state.eq(data.View(shape["state"], late[base_end:])),
            ]

    def _pes(self, m: Module, valid: Signal, word: data.View) -> None:
        """The PEs and their status."""
        step, pipeline = self.control.step, self.pipeline
        for slot, pe in enumerate(self.pes):
            m.submodules[f"pe{slot}"] = pe
            m.d.comb += [
                pe.arriving.eq(self.columns.valid),
                pe.pointer.eq(self.columns.pointers[slot]),
                pe.value.eq(self.columns.value),
                pe.phase.eq(self.layer),
                pe.layer.eq(self.number),
                pe.drained.eq(self.control.drained),
                pe.steal.eq(step.valid & (step.slot == slot)),
                pe.add.eq(pipeline.to_add[slot]),
                pe.totals.eq(pipeline.totals),
                pe.load_valid.eq(valid),
                pe.load_word.eq(word),
                self.starving[slot].eq(~pe.entry.issuing & ~pe.steal),
            ]
        m.d.comb += self.near_full.eq(Cat(pe.near_full for pe in self.pes).any())
