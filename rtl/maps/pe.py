"""The processing element of an engine with maps: jobs and tokens, entries, sums in a ring."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig
from golden.format import layout
from golden.format.image import Image
from rtl.layouts import job_layout, sent_shape, struct, total_layout
from rtl.load import LoadSelect, LoadTarget, MemoryWrite, load_layout
from rtl.maps.layouts import state_layout
from rtl.maps.tokens import Borders, Tokens
from rtl.pe.accumulator import Accumulator
from rtl.pe.decoder import Decoder
from rtl.pe.entry_reader import EntryReader
from rtl.pe.product import Product
from rtl.prim.delay import delayed
from rtl.prim.kept import kept
from rtl.prim.queue import Queue
from rtl.prim.ram import BlockRam
from rtl.probe import Events, fields


class MapElement(wiring.Component):
    """As rtl.pe.pe, with tokens between the jobs, and sums that drains take at any time.

    arriving: a broadcast has been looked up.
    token: it is a token.
    pointer: its column's entries in this PE.
    base: what their rows are counted from.
    value: the activation.
    state: what the token carries.
    layer: the layer's word.
    number: the layer's number.
    near_full: the queue was nearly full a cycle ago.
    ended: output rows that this PE has ended and that are not drained.
    drained: the group drained output rows a cycle ago.
    steal: a drain takes this cycle.
    add: an operation is due in the accumulator.
    totals: what it does.
    sum: what it took.
    load_valid: a word of the load port.
    load_word: the word.
    """

    arriving: Signal
    token: Signal
    pointer: data.View
    base: Signal
    value: Signal
    state: data.View
    layer: data.View
    number: Signal
    near_full: Signal
    ended: Signal
    drained: Signal
    steal: Signal
    add: Signal
    totals: data.View
    sum: Signal
    load_valid: Signal
    load_word: data.View

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """PE `number`, its memories initialised from `image` if there is one."""
        self._config, self._number = config, number
        codebook = [] if image is None else [int(word) for word in image.codebook_words]
        self._entries = [] if image is None else [int(word) for word in image.entry_words[number]]
        job = job_layout(config)
        self.queue = Queue(shape=job, depth=config.queue_depth, threshold=config.queue_threshold)
        self.entry, self.tokens = EntryReader(config=config), Tokens(config=config)
        self.decoder = Decoder(config=config, init=codebook)
        self.product, self.sums = Product(config=config), Accumulator(config=config)
        super().__init__(
            {
                "arriving": In(1),
                "token": In(1),
                "pointer": In(struct(layout.pointer(config))),
                "base": In(job.members["base"]),
                "value": In(sent_shape(config)),
                "state": In(state_layout(config)),
                "layer": In(struct(layout.map_descriptor(config))),
                "number": In(config.layer_width),
                "near_full": Out(1),
                "ended": Out(config.maps.row_bits + 1),
                "drained": In(1),
                "steal": In(1),
                "add": In(1),
                "totals": In(total_layout(config)),
                "sum": Out(signed(config.acc_width)),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The stages, one after the other."""
        m = Module()
        m.submodules.queue, m.submodules.entry_reader = self.queue, self.entry
        m.submodules.tokens, m.submodules.decoder = self.tokens, self.decoder
        m.submodules.product, m.submodules.accumulator = self.product, self.sums
        self._queue(m)
        self._take(m)
        self._decode(m)
        self._sum(m)
        self._memories(m)
        return m

    def events(self) -> Events:
        """Signals of the PE's events, for the trace."""
        queue, tokens = self.queue, self.tokens
        return {
            "push": {**fields(queue.push_data), "valid": queue.push & ~queue.push_data.token},
            "pop": {"valid": self.entry.pop},
            "token": {"valid": tokens.take, "slot": tokens.state.slot},
            "issue": {"valid": self.entry.issuing, "address": self.entry.address},
            "commit": {
                "valid": self.sums.commit,
                "row": self.sums.commit_row,
                "value": self.sums.total,
            },
        }

    def _queue(self, m: Module) -> None:
        """Columns that are not empty become jobs; a state has the place of a job's fields."""
        queue = self.queue
        job = Signal(job_layout(self._config), name="job")
        domain = m.d.sync if self._config.stages.push else m.d.comb
        m.d.comb += [
            job.start.eq(self.pointer.start),
            job.count.eq(self.pointer.count),
            job.value.eq(self.value),
            job.base.eq(self.base),
            job.token.eq(self.token),
        ]
        with m.If(self.token):
            m.d.comb += _state_of(job, self._config).eq(self.state)
        domain += [
            queue.push.eq(self.arriving & (self.token | (self.pointer.count != 0))),
            queue.push_data.eq(job),
        ]
        m.d.comb += self.near_full.eq(queue.near_full)

    def _take(self, m: Module) -> None:
        """The queue's head is a job, or a token."""
        queue, entry, tokens = self.queue, self.entry, self.tokens
        token = queue.valid & queue.head.token
        m.d.comb += [
            queue.pop.eq(entry.pop | tokens.take),
            entry.turn.eq(1),
            entry.job_valid.eq(queue.valid & ~queue.head.token),
            entry.job.eq(queue.head),
            entry.steal.eq(self.steal),
            tokens.layer.eq(self.layer),
            tokens.valid.eq(token),
            tokens.state.eq(_state_of(queue.head, self._config)),
            tokens.free.eq(entry.free),
            tokens.drained.eq(self.drained),
            self.ended.eq(tokens.ended),
        ]

    def _decode(self, m: Module) -> None:
        """Entries to the decoder, with a register between if there are two stages."""
        entry, decoder, more = self.entry, self.decoder, self._config.entry_stages - 1
        late = delayed(m, entry.valid, cycles=more, name="entry_valid", reset_less=False)
        m.d.comb += [
            decoder.valid.eq(late),
            decoder.first.eq(delayed(m, entry.first, cycles=more, name="entry_first")),
            decoder.entry.eq(delayed(m, entry.entry, cycles=more, name="entry_word")),
            decoder.value.eq(delayed(m, entry.value, cycles=more, name="entry_value")),
            decoder.base.eq(delayed(m, entry.base, cycles=more, name="entry_base")),
            decoder.layer.eq(self.number),
        ]

    def _sum(self, m: Module) -> None:
        """Multiply and add, where there is a sum; drains' access to the sums."""
        decoder, product, sums, config = self.decoder, self.product, self.sums, self._config
        m.submodules.borders = borders = Borders(config=config)
        wait = config.multiplier_stages - 2
        # The state as it was when the row was counted, a cycle before it is there.
        state = delayed(m, self.tokens.now, cycles=1, name="state")
        real = decoder.real & borders.exists
        add, totals = self.add, self.totals
        if config.stages.clear:
            add = kept(m, add, shape=1, name="add_here")
            totals = kept(m, totals, shape=totals.shape(), name="totals_here")
        m.d.comb += [
            borders.layer.eq(self.layer),
            borders.state.eq(state),
            borders.row.eq(decoder.row),
            product.weight.eq(decoder.weight),
            product.activation.eq(decoder.activation),
            sums.real.eq(delayed(m, real, cycles=wait, name="real", reset_less=False)),
            sums.row.eq(delayed(m, borders.address, cycles=wait, name="row")),
            sums.product.eq(product.product),
            sums.operate.eq(add),
            sums.totals.eq(totals),
            self.sum.eq(sums.result),
        ]

    def _memories(self, m: Module) -> None:
        """The entry memory, and the load selects."""
        entry = self.entry
        m.submodules.entries = ram = BlockRam(
            width=len(entry.word), depth=self._config.entry_depth, init=self._entries
        )
        m.d.comb += [
            ram.r_en.eq(entry.fetch),
            ram.r_addr.eq(entry.fetch_address),
            entry.word.eq(ram.r_data),
        ]
        write = self._select(m, LoadTarget.ENTRY, self._number)
        m.d.comb += [
            ram.w_en.eq(write.en),
            ram.w_addr.eq(write.addr),
            ram.w_data.eq(write.data),
        ]
        if self._config.alphabet.codebook:
            connect(m, self._select(m, LoadTarget.CODEBOOK, None), self.decoder.write)

    def _select(self, m: Module, target: LoadTarget, unit: int | None) -> MemoryWrite:
        """The write side of one memory."""
        select = LoadSelect(config=self._config, target=target, unit=unit)
        m.submodules[f"load_{target.name.lower()}"] = select
        m.d.comb += [select.valid.eq(self.load_valid), select.word.eq(self.load_word)]
        return select.write


def _state_of(job: data.View, config: EngineConfig) -> data.View:
    """A token's state, in the lowest bits of a job."""
    names = [name for name, _ in job.shape() if name != "token"]
    bits = Cat(job[name] for name in names)
    state = state_layout(config)
    return data.View(state, bits[: state.size])
