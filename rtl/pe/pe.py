"""The processing element: queue, entry read, decode, multiply, accumulate."""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig, EntryMemory
from golden.format import layout
from golden.format.image import Image
from golden.kinds import GATE_FRAC
from rtl.layouts import access_layout, job_layout, sent_shape, struct, total_layout
from rtl.load import LoadSelect, LoadTarget, MemoryWrite, load_layout
from rtl.pe.accumulator import Accumulator
from rtl.pe.cell_memory import CellMemory
from rtl.pe.decoder import Decoder
from rtl.pe.entry_reader import EntryReader
from rtl.pe.product import Product
from rtl.prim.delay import delayed
from rtl.prim.kept import kept
from rtl.prim.queue import Queue
from rtl.prim.ram import BlockRam
from rtl.probe import Events, fields


class PeState(enum.Enum, shape=2):
    """What a PE is doing, for waveforms."""

    IDLE = 0
    QUEUED = 1
    RUN = 2
    DRAIN = 3


class ProcessingElement(wiring.Component):
    """Owns some rows of every layer: one multiply-accumulate every cycle, or one operation.

    arriving: a broadcast's column arrives; a job, if it is not empty; with `stages.push`, later.
    pointer: that column in this PE.
    value: its activation.
    closed: all jobs of the phase whose operations come next have arrived.
    layer: number of the layer that is broadcast.
    near_full: the queue was nearly full a cycle ago.
    ready: all entries of the phase whose operations come next are issued.
    steal: an operation begins, instead of an entry.
    add: its total is due (rtl.operations.pipeline), with `stages.clear` a cycle later.
    totals: what the accumulator does for it.
    sum: its sum or total, `Accumulator.result_latency` cycles after `add`.
    load_valid: a word of the load port.
    load_word: the word.
    turn: this PE may read the entry memory that it shares, if it does.
    fetch: it reads that memory.
    fetch_address: address of the word.
    word: the word, a cycle later.
    state: for waveforms.

    With cells:

    back_layer: number of the layer whose operations run; where phases overlap.
    odd: which of the PE's two sets of sums the broadcasts are for; where phases overlap.
    back_odd: the same for the phase whose operations run.
    look: the operation that begins takes a peephole, an entry.
    look_address: its address.
    access: of the cell memory, and the operands from there (rtl.layouts.access_layout).
    """

    arriving: Signal
    pointer: data.View
    value: Signal
    closed: Signal
    layer: Signal
    near_full: Signal
    ready: Signal
    steal: Signal
    add: Signal
    totals: data.View
    sum: Signal
    load_valid: Signal
    load_word: data.View
    turn: Signal
    fetch: Signal
    fetch_address: Signal
    word: Signal
    state: Signal
    back_layer: Signal
    odd: Signal
    back_odd: Signal
    look: Signal
    look_address: Signal
    access: data.View

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """PE `number`, its memories initialised from `image` if there is one."""
        self._config, self._number = config, number
        self._shared = config.entry_memory is EntryMemory.SPRAM
        self._overlap = config.streams > 1
        codebook = [] if image is None else [int(word) for word in image.codebook_words]
        self._entries = [] if image is None else [int(word) for word in image.entry_words[number]]
        self.queue = Queue(
            shape=job_layout(config), depth=config.queue_depth, threshold=config.queue_threshold
        )
        self.entry = EntryReader(config=config)
        self.decoder = Decoder(config=config, init=codebook)
        self.product = Product(config=config)
        self.sums = Accumulator(config=config)
        overlap = {"odd": In(1), "back_odd": In(1), "back_layer": In(config.layer_width)}
        cells = {
            "look": In(1),
            "look_address": In(config.entry_address_width),
            "access": In(access_layout(config)),
        }
        super().__init__(
            {
                "arriving": In(1),
                "pointer": In(struct(layout.pointer(config))),
                "value": In(sent_shape(config)),
                "closed": In(1),
                "layer": In(config.layer_width),
                "near_full": Out(1),
                "ready": Out(1),
                "steal": In(1),
                "add": In(1),
                "totals": In(total_layout(config)),
                "sum": Out(signed(config.acc_width)),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
                "turn": In(1),
                "fetch": Out(1),
                "fetch_address": Out(config.start_width),
                "word": In(len(self.entry.word)),
                "state": Out(PeState),
                **(overlap if self._overlap else {}),
                **(cells if config.cells else {}),
            }
        )

    @staticmethod
    def commit_latency(config: EngineConfig) -> int:
        """Cycles from an entry's issue to the commit of its sum."""
        after = Decoder.LATENCY + config.multiplier_stages - 2 + Accumulator.LATENCY
        return config.entry_stages + after

    def elaborate(self, platform: object) -> Module:
        """The stages, one after the other."""
        m = Module()
        m.submodules.queue, m.submodules.entry_reader = self.queue, self.entry
        m.submodules.decoder, m.submodules.product = self.decoder, self.product
        m.submodules.accumulator = self.sums
        self._queue(m)
        self._decode(m)
        self._sum(m)
        if self._config.cells:
            self._operate(m)
        self._finish(m)
        self._memories(m)
        self._show_state(m)
        return m

    def events(self) -> Events:
        """Signals of the PE's events, for the trace."""
        sums = self.sums
        return {
            "push": {"valid": self.queue.push, **fields(self.queue.push_data)},
            "pop": {"valid": self.entry.pop},
            "issue": {"valid": self.entry.issuing, "address": self.entry.address},
            "commit": {"valid": sums.commit, "row": sums.commit_row, "value": sums.total},
        }

    def _queue(self, m: Module) -> None:
        """Columns that are not empty become jobs."""
        queue, entry = self.queue, self.entry
        domain = m.d.sync if self._config.stages.push else m.d.comb
        domain += [
            queue.push.eq(self.arriving & (self.pointer.count != 0)),
            queue.push_data.start.eq(self.pointer.start),
            queue.push_data.count.eq(self.pointer.count),
            queue.push_data.value.eq(self.value),
        ]
        m.d.comb += [
            queue.pop.eq(entry.pop),
            self.near_full.eq(queue.near_full),
            entry.job_valid.eq(queue.valid),
            entry.job.eq(queue.head),
        ]
        if self._overlap:
            domain += [queue.push_data.odd.eq(self.odd), queue.push_data.layer.eq(self.layer)]
            m.d.comb += entry.steal.eq(self.steal)
        else:
            m.d.sync += Assert(~(self.steal & entry.busy), "an operation begins over an entry")

    def _decode(self, m: Module) -> None:
        """Entries to the decoder, with a register between if there are two stages."""
        entry, decoder, more = self.entry, self.decoder, self._config.entry_stages - 1
        late = delayed(m, entry.valid, cycles=more, name="entry_valid", reset_less=False)
        m.d.comb += [
            decoder.valid.eq(late),
            decoder.first.eq(delayed(m, entry.first, cycles=more, name="entry_first")),
            decoder.entry.eq(delayed(m, entry.entry, cycles=more, name="entry_word")),
            decoder.value.eq(delayed(m, entry.value, cycles=more, name="entry_value")),
            decoder.layer.eq(self.layer),
        ]
        if not self._config.cells:
            return
        cycles = self._config.entry_stages
        looks = delayed(m, self.look, cycles=cycles, name="look", reset_less=False)
        m.d.comb += decoder.look.eq(looks)
        if self._overlap:
            # The layer of what is decoded: the running job's, or that of the operation.
            running = delayed(m, entry.running.layer, cycles=cycles, name="layer")
            m.d.comb += decoder.layer.eq(Mux(looks, self.back_layer, running))

    def _sum(self, m: Module) -> None:
        """Multiply and add; operations' access to the sums."""
        decoder, product, sums, config = self.decoder, self.product, self.sums, self._config
        wait = config.multiplier_stages - 2
        row = delayed(m, decoder.row, cycles=wait, name="row")
        if self._overlap:
            late = config.entry_stages + config.multiplier_stages - 1
            row = Cat(row, delayed(m, self.entry.running.odd, cycles=late, name="odd"))
        elif config.delta:
            row = Cat(row, self.layer)
        add, totals = self.add, self.totals
        if config.stages.clear:
            add = kept(m, add, shape=1, name="add_here")
            totals = kept(m, totals, shape=totals.shape(), name="totals_here")
        m.d.comb += [
            product.weight.eq(decoder.weight),
            product.activation.eq(decoder.activation),
            sums.real.eq(delayed(m, decoder.real, cycles=wait, name="real", reset_less=False)),
            sums.row.eq(row),
            sums.product.eq(product.product),
            sums.operate.eq(add),
            sums.totals.eq(totals),
            self.sum.eq(sums.result),
        ]

    def _operate(self, m: Module) -> None:
        """The operations' operands, from the cell memory."""
        product, access = self.product, self.access
        m.submodules.cells = cells = CellMemory(config=self._config)
        m.d.comb += [
            cells.read.eq(access.read),
            cells.address.eq(access.address),
            cells.write.eq(access.write),
            cells.write_address.eq(access.write_address),
            cells.value.eq(access.value),
            product.use_left.eq(access.use_left),
            product.use_right.eq(access.use_right),
            product.left.eq(Mux(access.one, 1 << GATE_FRAC, cells.left)),
            product.right.eq(Mux(access.mask, 0, cells.right)),
        ]

    def _finish(self, m: Module) -> None:
        """Finds out when all entries of the phase whose operations come next are issued."""
        waits, runs = self.queue.valid, self.entry.busy
        if self._overlap:
            waits = waits & (self.queue.head.odd == self.back_odd)
            runs = runs & (self.entry.running.odd == self.back_odd)
        m.d.comb += self.ready.eq(self.closed & ~waits & ~runs)

    def _memories(self, m: Module) -> None:
        """The entry memory, unless it is shared, and the load selects."""
        entry = self.entry
        m.d.comb += [self.fetch.eq(entry.fetch), self.fetch_address.eq(entry.fetch_address)]
        if self._shared:
            m.d.comb += [entry.turn.eq(self.turn), entry.word.eq(self.word)]
        else:
            m.submodules.entries = ram = BlockRam(
                width=len(entry.word), depth=self._config.entry_depth, init=self._entries
            )
            write = self._select(m, LoadTarget.ENTRY, self._number)
            m.d.comb += [
                entry.turn.eq(1),
                ram.r_en.eq(self.fetch),
                ram.r_addr.eq(self.fetch_address),
                entry.word.eq(ram.r_data),
                ram.w_en.eq(write.en),
                ram.w_addr.eq(write.addr),
                ram.w_data.eq(write.data),
            ]
            if self._config.cells:
                with m.If(self.look):
                    m.d.comb += [self.fetch.eq(1), self.fetch_address.eq(self.look_address)]
        if self._config.alphabet.codebook:
            connect(m, self._select(m, LoadTarget.CODEBOOK, None), self.decoder.write)

    def _select(self, m: Module, target: LoadTarget, unit: int | None) -> MemoryWrite:
        """The write side of one memory."""
        select = LoadSelect(config=self._config, target=target, unit=unit)
        m.submodules[f"load_{target.name.lower()}"] = select
        m.d.comb += [select.valid.eq(self.load_valid), select.word.eq(self.load_word)]
        return select.write

    def _show_state(self, m: Module) -> None:
        """What the PE does, for waveforms; synthesis removes it."""
        with m.If(self.steal):
            m.d.comb += self.state.eq(PeState.DRAIN)
        with m.Elif(self.entry.issuing):
            m.d.comb += self.state.eq(PeState.RUN)
        with m.Elif(self.queue.valid):
            m.d.comb += self.state.eq(PeState.QUEUED)
