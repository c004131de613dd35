"""The processing element: pointer read, queue, entry read, decode, multiply, accumulate."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig, MacKind
from golden.image import Image
from rtl.accumulator import Accumulator
from rtl.decoder import Decoder
from rtl.delay import delayed
from rtl.entry_reader import EntryReader
from rtl.layouts import broadcast_layout, job_layout
from rtl.load import LoadSelect, LoadTarget, MemoryWrite, load_layout
from rtl.mac import Product
from rtl.pointer_reader import PointerReader
from rtl.probe import Events, fields
from rtl.queue import Queue


def commit_latency(config: EngineConfig) -> int:
    """Cycles from an entry's read to the commit of its sum."""
    return 1 + Decoder.LATENCY + config.multiplier_stages - 1 + Accumulator.LATENCY


class PeState(enum.Enum, shape=2):
    """What a PE is doing, for waveforms."""

    IDLE = 0
    QUEUED = 1
    RUN = 2
    DRAIN = 3


class ProcessingElement(wiring.Component):
    """Owns some rows of every layer: one multiply-accumulate every cycle.

    broadcast: a non-zero activation and its column. layer: number of the running layer. near_full:
    the queue is nearly full. busy: it has or runs a job; both tell of one cycle ago. clear,
    clear_row, sum: the drain's access to the accumulators. load_valid, load_word: the load port.
    state: for waveforms.
    """

    broadcast: data.View
    layer: Signal
    near_full: Signal
    busy: Signal
    clear: Signal
    clear_row: Signal
    sum: Signal
    load_valid: Signal
    load_word: data.View
    state: Signal

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """PE `number`, its memories initialised from `image` if there is one."""
        self._config, self._number = config, number
        pointers, entries, codebook = _words(number, image)
        self.reader = PointerReader(config=config, init=pointers)
        self.queue = Queue(
            shape=job_layout(config), depth=config.queue_depth, threshold=config.queue_threshold
        )
        self.entry = EntryReader(config=config, init=entries)
        self.decoder = Decoder(config=config, init=codebook)
        self.product = Product(config=config)
        self.sums = Accumulator(config=config)
        super().__init__(
            {
                "broadcast": In(broadcast_layout(config)),
                "layer": In(config.layer_width),
                "near_full": Out(1),
                "busy": Out(1),
                "clear": In(1),
                "clear_row": In(config.row_width),
                "sum": Out(signed(config.acc_width)),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
                "state": Out(PeState),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The stages, one after the other."""
        m = Module()
        reader, queue, entry = self.reader, self.queue, self.entry
        decoder, product, sums = self.decoder, self.product, self.sums
        m.submodules.pointer_reader, m.submodules.queue = reader, queue
        m.submodules.entry_reader, m.submodules.decoder = entry, decoder
        m.submodules.product, m.submodules.accumulator = product, sums
        wait = self._config.multiplier_stages - 1
        m.d.comb += [
            reader.broadcast.eq(self.broadcast),
            queue.push.eq(reader.push),
            queue.push_data.eq(reader.job),
            queue.pop.eq(entry.pop),
            self.near_full.eq(queue.near_full),
            entry.job_valid.eq(queue.valid),
            entry.job.eq(queue.head),
            decoder.valid.eq(entry.valid),
            decoder.first.eq(entry.first),
            decoder.entry.eq(entry.entry),
            decoder.value.eq(entry.value),
            decoder.layer.eq(self.layer),
            product.weight.eq(decoder.weight),
            product.activation.eq(decoder.activation),
            sums.real.eq(delayed(m, decoder.real, cycles=wait, name="real", reset_less=False)),
            sums.row.eq(delayed(m, decoder.row, cycles=wait, name="row")),
            sums.product.eq(product.product),
            sums.clear.eq(self.clear),
            sums.clear_row.eq(self.clear_row),
            self.sum.eq(sums.sum),
        ]
        m.d.sync += self.busy.eq(queue.valid | entry.issuing)
        self._load(m)
        self._show_state(m)
        return m

    def events(self) -> Events:
        """Signals of the PE's events, for the trace."""
        return {
            "push": {"valid": self.reader.push, **fields(self.reader.job)},
            "pop": {"valid": self.entry.pop},
            "issue": {"valid": self.entry.issuing, "address": self.entry.address},
            "commit": {
                "valid": self.sums.commit,
                "row": self.sums.commit_row,
                "value": self.sums.total,
            },
        }

    def _show_state(self, m: Module) -> None:
        """What the PE does, for waveforms; synthesis removes it."""
        with m.If(self.clear):
            m.d.comb += self.state.eq(PeState.DRAIN)
        with m.Elif(self.entry.issuing):
            m.d.comb += self.state.eq(PeState.RUN)
        with m.Elif(self.queue.valid):
            m.d.comb += self.state.eq(PeState.QUEUED)

    def _load(self, m: Module) -> None:
        """The memories' load selects."""
        targets: list[tuple[LoadTarget, MemoryWrite, int | None]] = [
            (LoadTarget.POINTER, self.reader.write, self._number),
            (LoadTarget.ENTRY, self.entry.write, self._number),
        ]
        if self._config.mac is MacKind.CODEBOOK:
            targets.append((LoadTarget.CODEBOOK, self.decoder.write, None))
        for target, write, unit in targets:
            select = LoadSelect(config=self._config, target=target, unit=unit)
            m.submodules[f"load_{target.name.lower()}"] = select
            connect(m, select.write, write)
            m.d.comb += [select.valid.eq(self.load_valid), select.word.eq(self.load_word)]


def _words(number: int, image: Image | None) -> tuple[list[int], list[int], list[int]]:
    """Pointers, entries and codebook words of PE `number`."""
    if image is None:
        return [], [], []
    return (
        [int(word) for word in image.pointers[number]],
        [int(word) for word in image.entries[number]],
        [int(word) for word in image.codebook_words],
    )
