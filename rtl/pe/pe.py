"""The processing element: queue, entry read, decode, multiply, accumulate."""

from typing import Any

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig, EntryMemory, MacKind
from golden.format import layout
from golden.format.image import Image
from rtl.layouts import job_layout, struct
from rtl.load import LoadSelect, LoadTarget, MemoryWrite, drive, load_layout
from rtl.pe.accumulator import Accumulator
from rtl.pe.decoder import Decoder
from rtl.pe.entry_reader import EntryReader
from rtl.pe.product import Product
from rtl.prim.delay import delayed
from rtl.prim.queue import Queue
from rtl.prim.ram import BlockRam
from rtl.probe import Events, fields


def commit_latency(config: EngineConfig) -> int:
    """Cycles from an entry's issue to the commit of its sum."""
    after = Decoder.LATENCY + config.multiplier_stages - 2 + Accumulator.LATENCY
    return config.entry_stages + after


class PeState(enum.Enum, shape=2):
    """What a PE is doing, for waveforms."""

    IDLE = 0
    QUEUED = 1
    RUN = 2
    DRAIN = 3


class ProcessingElement(wiring.Component):
    """Owns some rows of every layer: one multiply-accumulate every cycle.

    arriving, pointer, value: a broadcast's column in this PE, and its activation; a job if the
    column is not empty. closed: all the layer's jobs have arrived. layer: number of the running
    layer. near_full: the queue was nearly full a cycle ago. finished: all entries of the layer are
    issued. ready: they are added too, so that the PE may be drained. clear, clear_row, sum: the
    drain's access to the sums. load_valid, load_word: the load port. turn, fetch, fetch_address,
    word: the entry memory that is shared with another PE, if it is. state: for waveforms.
    """

    arriving: Signal
    pointer: data.View
    value: Signal
    closed: Signal
    layer: Signal
    near_full: Signal
    finished: Signal
    ready: Signal
    clear: Signal
    clear_row: Signal
    sum: Signal
    load_valid: Signal
    load_word: data.View
    turn: Signal
    fetch: Signal
    fetch_address: Signal
    word: Signal
    state: Signal

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """PE `number`, its memories initialised from `image` if there is one."""
        self._config, self._number = config, number
        self._shared = config.entry_memory is EntryMemory.SPRAM
        codebook = [] if image is None else [int(word) for word in image.codebook_words]
        self._entries = [] if image is None else [int(word) for word in image.entry_words[number]]
        self.queue = Queue(
            shape=job_layout(config), depth=config.queue_depth, threshold=config.queue_threshold
        )
        self.entry = EntryReader(config=config)
        self.decoder = Decoder(config=config, init=codebook)
        self.product, self.sums = self._arithmetic()
        super().__init__(self._ports())

    def _arithmetic(self) -> tuple[Any, Any]:
        """What multiplies, and what adds."""
        return Product(config=self._config), Accumulator(config=self._config)

    def _ports(self) -> dict[str, wiring.Member]:
        """The ports."""
        config = self._config
        return {
            "arriving": In(1),
            "pointer": In(struct(layout.pointer(config))),
            "value": In(signed(config.act_width)),
            "closed": In(1),
            "layer": In(config.layer_width),
            "near_full": Out(1),
            "finished": Out(1),
            "ready": Out(1),
            "clear": In(1),
            "clear_row": In(config.row_width),
            "sum": Out(signed(config.acc_width)),
            "load_valid": In(1),
            "load_word": In(load_layout(config)),
            "turn": In(1),
            "fetch": Out(1),
            "fetch_address": Out(config.start_width),
            "word": In(len(self.entry.word)),
            "state": Out(PeState),
        }

    def elaborate(self, platform: object) -> Module:
        """The stages, one after the other."""
        m = Module()
        queue, entry, decoder = self.queue, self.entry, self.decoder
        m.submodules.queue, m.submodules.entry_reader = queue, entry
        m.submodules.decoder, m.submodules.product = decoder, self.product
        m.submodules.accumulator = self.sums
        m.d.comb += [
            queue.push.eq(self.arriving & (self.pointer.count != 0)),
            queue.push_data.start.eq(self.pointer.start),
            queue.push_data.count.eq(self.pointer.count),
            queue.push_data.value.eq(self.value),
            queue.pop.eq(entry.pop),
            self.near_full.eq(queue.near_full),
            entry.job_valid.eq(queue.valid),
            entry.job.eq(queue.head),
            decoder.layer.eq(self.layer),
        ]
        self._sum(m)
        self._read(m)
        self._finish(m)
        self._memories(m)
        self._show_state(m)
        return m

    def events(self) -> Events:
        """Signals of the PE's events, for the trace."""
        return {
            "push": {"valid": self.queue.push, **fields(self.queue.push_data)},
            "pop": {"valid": self.entry.pop},
            "issue": {"valid": self.entry.issuing, "address": self.entry.address},
            "commit": {
                "valid": self.sums.commit,
                "row": self.sums.commit_row,
                "value": self.sums.total,
            },
        }

    def _read(self, m: Module) -> None:
        """Entries to the decoder, with a register between if there are two stages."""
        entry, decoder, more = self.entry, self.decoder, self._config.entry_stages - 1
        late = delayed(m, entry.valid, cycles=more, name="entry_valid", reset_less=False)
        m.d.comb += [
            decoder.valid.eq(late),
            decoder.first.eq(delayed(m, entry.first, cycles=more, name="entry_first")),
            decoder.entry.eq(delayed(m, entry.entry, cycles=more, name="entry_word")),
            decoder.value.eq(delayed(m, entry.value, cycles=more, name="entry_value")),
        ]

    def _sum(self, m: Module) -> None:
        """Multiply and add; the drain's access to the sums."""
        decoder, product, sums = self.decoder, self.product, self.sums
        wait = self._config.multiplier_stages - 2
        m.d.comb += [
            product.weight.eq(decoder.weight),
            product.activation.eq(decoder.activation),
            sums.real.eq(delayed(m, decoder.real, cycles=wait, name="real", reset_less=False)),
            sums.row.eq(delayed(m, decoder.row, cycles=wait, name="row")),
            sums.product.eq(product.product),
            sums.clear.eq(self.clear),
            sums.clear_row.eq(self.clear_row),
            self.sum.eq(sums.sum),
        ]

    def _finish(self, m: Module) -> None:
        """When all entries are issued, and when the last of them is added."""
        m.d.comb += self.finished.eq(self.closed & ~self.queue.valid & ~self.entry.issuing)
        passed = self.finished
        for stage in range(self._config.entry_stages + self._config.multiplier_stages):
            register = Signal(name=f"finished_{stage}")
            m.d.sync += register.eq(passed & self.closed)
            passed = register
        m.d.comb += self.ready.eq(passed & self.closed)

    def _memories(self, m: Module) -> None:
        """The entry memory, unless it is shared, and the load selects."""
        entry = self.entry
        self._fetch(m)
        if self._shared:
            m.d.comb += [entry.turn.eq(self.turn), entry.word.eq(self.word)]
        else:
            m.submodules.entries = ram = BlockRam(
                width=len(entry.word), depth=self._config.entry_depth, init=self._entries
            )
            m.d.comb += [
                entry.turn.eq(1),
                ram.r_en.eq(self.fetch),
                ram.r_addr.eq(self.fetch_address),
                entry.word.eq(ram.r_data),
            ]
            drive(m, self._select(m, LoadTarget.ENTRY, self._number), ram)
        if self._config.mac is MacKind.CODEBOOK:
            connect(m, self._select(m, LoadTarget.CODEBOOK, None), self.decoder.write)

    def _fetch(self, m: Module) -> None:
        """What is read in the entry memory."""
        entry = self.entry
        m.d.comb += [self.fetch.eq(entry.fetch), self.fetch_address.eq(entry.fetch_address)]

    def _select(self, m: Module, target: LoadTarget, unit: int | None) -> MemoryWrite:
        """The write side of one memory."""
        select = LoadSelect(config=self._config, target=target, unit=unit)
        m.submodules[f"load_{target.name.lower()}"] = select
        m.d.comb += [select.valid.eq(self.load_valid), select.word.eq(self.load_word)]
        return select.write

    def _show_state(self, m: Module) -> None:
        """What the PE does, for waveforms; synthesis removes it."""
        with m.If(self._drained()):
            m.d.comb += self.state.eq(PeState.DRAIN)
        with m.Elif(self.entry.issuing):
            m.d.comb += self.state.eq(PeState.RUN)
        with m.Elif(self.queue.valid):
            m.d.comb += self.state.eq(PeState.QUEUED)

    def _drained(self) -> Signal:
        """Its sums are being taken."""
        return self.clear
