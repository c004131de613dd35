"""The processing element: queue, entry read, decode, multiply, accumulate."""

from amaranth.hdl import Assert, Cat, Module, Mux
from amaranth.lib.wiring import connect

from golden.config import EngineConfig, EntryMemory
from golden.format.image import Image
from golden.kinds import GATE_FRAC
from rtl.layouts import job_layout
from rtl.load import LoadSelect, LoadTarget, MemoryWrite
from rtl.maps.tokens import Tokens, state_of
from rtl.pe.accumulator import Accumulator
from rtl.pe.cell_memory import CellMemory
from rtl.pe.decoder import Decoder
from rtl.pe.entry_reader import EntryReader
from rtl.pe.ports import PePorts, PeState
from rtl.pe.product import Product
from rtl.prim.delay import delayed
from rtl.prim.kept import kept
from rtl.prim.queue import Queue
from rtl.prim.ram import BlockRam
from rtl.probe import Events, fields


class ProcessingElement(PePorts):
    """Owns some rows of every layer: one multiply-accumulate every cycle, or one operation.

    Its ports are in rtl.pe.ports.
    """

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
        self.tokens = Tokens(config=config) if config.maps.rows else None
        super().__init__(config=config)

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
        self._take(m, self.tokens) if self.tokens else self._finish(m)
        self._memories(m)
        self._show_state(m)
        return m

    def events(self) -> Events:
        """Signals of the PE's events, for the trace."""
        sums, push, tokens = self.sums, self.queue.push, self.tokens
        more: Events = {}
        if tokens:
            more["token"] = {"valid": tokens.take, "slot": tokens.state.slot}
            push = push & ~self.queue.push_data.token
        return {
            **more,
            "push": {**fields(self.queue.push_data), "valid": push},
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
        pop, some = entry.pop, queue.valid
        if self.tokens:
            pop, some = pop | self.tokens.take, some & ~queue.head.token
            domain += [
                queue.push_data.base.eq(self.beside.base),
                queue.push_data.token.eq(self.beside.token),
            ]
            with m.If(self.beside.token):
                domain += [
                    queue.push.eq(self.arriving),
                    state_of(queue.push_data, self._config).eq(self.beside.state),
                ]
        m.d.comb += [
            queue.pop.eq(pop),
            self.near_full.eq(queue.near_full),
            entry.job_valid.eq(some),
            entry.job.eq(queue.head),
        ]
        if self._overlap:
            domain += [queue.push_data.odd.eq(self.odd), queue.push_data.layer.eq(self.layer)]
        if self._config.steals:
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
        if self._config.maps.rows:
            m.d.comb += decoder.base.eq(delayed(m, entry.base, cycles=more, name="entry_base"))
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
        real, row = decoder.real, decoder.row
        if self.tokens:
            real, row = real & self.tokens.exists, self.tokens.address
        row = delayed(m, row, cycles=wait, name="row")
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
            sums.real.eq(delayed(m, real, cycles=wait, name="real", reset_less=False)),
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

    def _take(self, m: Module, tokens: Tokens) -> None:
        """Tokens, which are taken in turn with jobs, and the state that they leave."""
        m.submodules.tokens, head = tokens, self.queue.head
        m.d.comb += [
            tokens.layer.eq(self.phase),
            tokens.valid.eq(self.queue.valid & head.token),
            tokens.state.eq(state_of(head, self._config)),
            tokens.free.eq(self.entry.free),
            tokens.drained.eq(self.drained),
            tokens.row.eq(self.decoder.row),
            self.ended.eq(tokens.ended),
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
