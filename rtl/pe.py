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
from rtl.probe import pe_layout
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
    probe, state: for traces and waveforms.
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
    probe: data.View
    state: Signal

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """PE `number`, its memories initialised from `image` if there is one."""
        self._config, self._number, self._image = config, number, image
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
                "probe": Out(pe_layout(config)),
                "state": Out(PeState),
            }
        )

    def _init(self) -> tuple[list[int], list[int], list[int]]:
        """Pointers, entries and codebook words."""
        if self._image is None:
            return [], [], []
        mask = (1 << self._config.weight_width) - 1
        return (
            [int(word) for word in self._image.pointers[self._number]],
            [int(word) for word in self._image.entries[self._number]],
            [int(word) & mask for word in self._image.codebook],
        )

    def elaborate(self, platform: object) -> Module:
        """The stages, one after the other."""
        m = Module()
        config = self._config
        pointers, entries, codebook = self._init()
        m.submodules.pointer_reader = reader = PointerReader(config=config, init=pointers)
        m.submodules.queue = queue = Queue(
            shape=job_layout(config), depth=config.queue_depth, threshold=config.queue_threshold
        )
        m.submodules.entry_reader = entry = EntryReader(config=config, init=entries)
        m.submodules.decoder = decoder = Decoder(config=config, init=codebook)
        m.submodules.product = product = Product(config=config)
        m.submodules.accumulator = sums = Accumulator(config=config)
        wait = config.multiplier_stages - 1
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
        self._load(m, reader, entry, decoder)
        self._observe(m, reader, entry, sums)
        with m.If(self.clear):
            m.d.comb += self.state.eq(PeState.DRAIN)
        with m.Elif(entry.issuing):
            m.d.comb += self.state.eq(PeState.RUN)
        with m.Elif(queue.valid):
            m.d.comb += self.state.eq(PeState.QUEUED)
        return m

    def _load(self, m: Module, reader: PointerReader, entry: EntryReader, decoder: Decoder) -> None:
        """The three memories' load selects."""
        targets: list[tuple[LoadTarget, MemoryWrite, int | None]] = [
            (LoadTarget.POINTER, reader.write, self._number),
            (LoadTarget.ENTRY, entry.write, self._number),
        ]
        if self._config.mac is MacKind.CODEBOOK:
            targets.append((LoadTarget.CODEBOOK, decoder.write, None))
        for target, write, unit in targets:
            select = LoadSelect(config=self._config, target=target, unit=unit)
            m.submodules[f"load_{target.name.lower()}"] = select
            connect(m, select.write, write)
            m.d.comb += [select.valid.eq(self.load_valid), select.word.eq(self.load_word)]

    def _observe(
        self, m: Module, reader: PointerReader, entry: EntryReader, sums: Accumulator
    ) -> None:
        """Events for the trace; costs nothing where nobody looks."""
        probe = self.probe
        m.d.comb += [
            probe.push.valid.eq(reader.push),
            probe.push.start.eq(reader.job.start),
            probe.push.count.eq(reader.job.count),
            probe.push.value.eq(reader.job.value),
            probe.pop.valid.eq(entry.pop),
            probe.issue.valid.eq(entry.issuing),
            probe.issue.address.eq(entry.address),
            probe.commit.valid.eq(sums.commit),
            probe.commit.row.eq(sums.commit_row),
            probe.commit.value.eq(sums.total),
        ]
