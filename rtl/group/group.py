"""A PE group: PEs that share column memory, activation memory and drain unit."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig, EntryMemory
from golden.format.image import Image
from rtl.front.activation_memory import ActivationMemory
from rtl.group.column_memory import ColumnMemory
from rtl.group.entry_memory import SharedEntryMemory
from rtl.layouts import broadcast_layout, element_layout, settings_layout
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.operations.drain_control import DrainControl
from rtl.operations.drain_unit import DrainUnit
from rtl.pe.pe import ProcessingElement
from rtl.probe import Events


class Group(wiring.Component):
    """`config.group` PEs (the last group may have fewer), their activations and their drain.

    broadcast, hold: an activation, and whether it does not move on in this cycle. quiet: the
    layer's last broadcast has moved on. layer: its number. near_full: any PE's queue was nearly
    full a cycle ago. swap: the layer ends. pending, grant, element: the activation memory's.
    input_valid, input_index, input_value: an input activation, only between inferences. settings:
    the layer's, for the drain. over: all PEs are drained. starving: one bit for each PE, it waits
    for a job. load_valid, load_word: the load port, which may be a cycle late.
    """

    broadcast: data.View
    hold: Signal
    quiet: Signal
    layer: Signal
    near_full: Signal
    swap: Signal
    pending: Signal
    grant: Signal
    element: data.View
    input_valid: Signal
    input_index: Signal
    input_value: Signal
    settings: data.View
    over: Signal
    starving: Signal
    load_valid: Signal
    load_word: data.View

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """Group `number`, initialised from `image` if there is one."""
        self._config, self._number = config, number
        size = config.group_size(number)
        self.pes = [
            ProcessingElement(config=config, number=number * config.group + slot, image=image)
            for slot in range(size)
        ]
        self.columns = ColumnMemory(
            config=config, init=[] if image is None else image.column_words(number)
        )
        self.drain = DrainUnit(config=config, size=size)
        self.control = DrainControl(config=config, size=size)
        super().__init__(
            {
                "broadcast": In(broadcast_layout(config)),
                "hold": In(1),
                "quiet": In(1),
                "layer": In(config.layer_width),
                "near_full": Out(1),
                "swap": In(1),
                "pending": Out(1),
                "grant": In(1),
                "element": Out(element_layout(config)),
                "input_valid": In(1),
                "input_index": In(config.index_width),
                "input_value": In(signed(config.act_width)),
                "settings": In(settings_layout(config)),
                "over": Out(1),
                "starving": Out(size),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The shared units, and the PEs."""
        m = Module()
        m.submodules.activations = memory = ActivationMemory(config=self._config)
        drain = self.drain
        m.d.comb += [
            memory.write.eq(self.input_valid | drain.valid),
            memory.index.eq(Mux(drain.valid, drain.index, self.input_index)),
            memory.value.eq(Mux(drain.valid, drain.value, self.input_value)),
            memory.swap.eq(self.swap),
            memory.hold.eq(self.hold),
            memory.grant.eq(self.grant),
            self.pending.eq(memory.pending),
            self.element.eq(memory.element),
        ]
        valid, word = load_register(m, self.load_valid, self.load_word)
        self._drain(m)
        self._columns(m, valid, word)
        self._pes(m, valid, word)
        if self._config.entry_memory is EntryMemory.SPRAM:
            share_entries(
                m,
                config=self._config,
                number=self._number,
                pes=self.pes,
                start=self.swap,
                valid=valid,
                word=word,
            )
        return m

    def events(self) -> Events:
        """Signals of the group's own events, for the trace."""
        drain = self.drain
        return {"drain": {"valid": drain.valid, "index": drain.index, "value": drain.value}}

    def _drain(self, m: Module) -> None:
        """The drain's control and its unit."""
        m.submodules.drain, m.submodules.drain_control = drain, control = self.drain, self.control
        m.d.comb += [
            control.ready.eq(Cat(pe.ready for pe in self.pes)),
            control.rows.eq(self.settings.rows),
            control.swap.eq(self.swap),
            self.over.eq(control.over),
            drain.step.eq(control.step),
            drain.settings.shift.eq(self.settings.shift),
            drain.settings.relu.eq(self.settings.relu),
            drain.bias.eq(self.columns.bias),
            *(drain.sums[slot].eq(pe.sum) for slot, pe in enumerate(self.pes)),
        ]

    def _columns(self, m: Module, valid: Signal, word: data.View) -> None:
        """The column memory: broadcasts to pointers, drain steps to biases."""
        step = self.control.step
        wire_columns(
            m,
            self,
            select=LoadSelect(config=self._config, target=LoadTarget.COLUMN, unit=self._number),
            bias_read=step.valid,
            bias_address=self.settings.bias_base + step.index,
            valid=valid,
            word=word,
        )

    def _pes(self, m: Module, valid: Signal, word: data.View) -> None:
        """The PEs and what they tell."""
        closed = Signal()
        m.d.sync += closed.eq(self.quiet & ~self.swap)
        for slot, pe in enumerate(self.pes):
            m.submodules[f"pe{slot}"] = pe
            m.d.comb += [
                pe.arriving.eq(self.columns.valid),
                pe.pointer.eq(self.columns.pointers[slot]),
                pe.value.eq(self.columns.value),
                pe.closed.eq(closed),
                pe.layer.eq(self.layer),
                pe.clear.eq(self.control.clear[slot]),
                pe.clear_row.eq(self.control.step.row),
                pe.load_valid.eq(valid),
                pe.load_word.eq(word),
                self.starving[slot].eq(~pe.entry.issuing & ~pe.finished),
            ]
        m.d.comb += self.near_full.eq(Cat(pe.near_full for pe in self.pes).any())


def load_register(m: Module, valid: Signal, word: data.View) -> tuple[Signal, data.View]:
    """The load port, a cycle later: one register for a group's memories, as it fans out far."""
    word_late = Signal.like(word, name="word", reset_less=True)
    valid_late = Signal(name="valid")
    m.d.sync += [valid_late.eq(valid), word_late.eq(word)]
    return valid_late, word_late


def wire_columns(
    m: Module,
    group: Any,
    *,
    select: LoadSelect,
    bias_read: Value,
    bias_address: Value,
    valid: Signal,
    word: data.View,
) -> None:
    """The column memory of a group: broadcasts to pointers, addresses to biases; the load port."""
    m.submodules.columns, m.submodules.load_column = columns, select = group.columns, select
    m.d.comb += [
        columns.broadcast.eq(group.broadcast),
        columns.hold.eq(group.hold),
        columns.bias_read.eq(bias_read),
        columns.bias_address.eq(bias_address),
        select.valid.eq(valid),
        select.word.eq(word),
    ]
    connect(m, select.write, columns.write)


def share_entries(
    m: Module,
    *,
    config: EngineConfig,
    number: int,
    pes: Sequence[ProcessingElement],
    start: Signal,
    valid: Signal,
    word: data.View,
) -> None:
    """One large RAM for every two PEs of group `number`, which take turns.

    `start` comes a cycle before a layer's first; valid, word: the load port.
    """
    turn = Signal()
    # The layer's first cycle is one before a read of each pair's first PE.
    m.d.sync += turn.eq(~turn)
    with m.If(start):
        m.d.sync += turn.eq(1)
    for first in range(0, len(pes), 2):
        m.submodules[f"entries{first // 2}"] = shared = SharedEntryMemory(config=config)
        for nth, pe in enumerate(pes[first : first + 2]):
            address = (shared.address_0, shared.address_1)[nth]
            write = (shared.write_0, shared.write_1)[nth]
            m.submodules[f"load_entry{first + nth}"] = select = LoadSelect(
                config=config, target=LoadTarget.ENTRY, unit=number * config.group + first + nth
            )
            m.d.comb += [
                select.valid.eq(valid),
                select.word.eq(word),
                shared.fetch[nth].eq(pe.fetch),
                address.eq(pe.fetch_address),
                pe.word.eq(shared.word),
                pe.turn.eq(turn ^ (nth == 0)),
            ]
            connect(m, select.write, write)
