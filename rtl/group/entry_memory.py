"""Entries in large single-port RAMs, each for two PEs, which take turns (iCE40 UP5K's SPRAM)."""

from amaranth.hdl import Assert, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig
from rtl.load import LoadSelect, LoadTarget, MemoryWrite, load_layout
from rtl.prim.spram import Spram


class SharedEntryMemory(wiring.Component):
    """A single-port RAM that two PEs read in turn.

    fetch: one bit for each PE: it reads; never both in one cycle (asserted).
    address_0: where the first one reads.
    address_1: where the second one reads.
    word: read one cycle after a fetch, for one cycle.
    write_0: load port of the first one's half; not while a network runs (asserted).
    write_1: load port of the second one's half, with the same data (asserted).
    """

    fetch: Signal
    address_0: Signal
    address_1: Signal
    word: Signal
    write_0: MemoryWrite
    write_1: MemoryWrite

    def __init__(self, *, config: EngineConfig) -> None:
        """Each PE has half of the RAM, starting at 0 or in the middle."""
        address, write = config.start_width, MemoryWrite.Signature(config, LoadTarget.ENTRY)
        super().__init__(
            {
                "fetch": In(2),
                "address_0": In(address),
                "address_1": In(address),
                "word": Out(16),
                "write_0": In(write),
                "write_1": In(write),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The RAM, and whose address it takes."""
        m = Module()
        m.submodules.ram = ram = Spram()
        half = Spram.DEPTH // 2
        second = Signal()
        writing = self.write_0.en | self.write_1.en
        m.d.comb += [
            second.eq(self.fetch[1] | self.write_1.en),
            ram.en.eq(self.fetch.any() | writing),
            ram.write.eq(writing),
            ram.addr.eq(
                Mux(
                    writing,
                    Mux(second, self.write_1.addr, self.write_0.addr),
                    Mux(second, self.address_1, self.address_0),
                )
                | Mux(second, half, 0)
            ),
            ram.w_data.eq(self.write_0.data),
            self.word.eq(ram.r_data),
        ]
        m.d.sync += [
            Assert(~self.fetch.all(), "two PEs read their shared memory in one cycle"),
            Assert(~(self.fetch.any() & writing), "a memory is loaded while a network runs"),
            Assert(
                ~self.write_1.en | (self.write_0.data == self.write_1.data),
                "the halves of a memory are loaded with different data",
            ),
        ]
        return m


class SharedEntries(wiring.Component):
    """The entry memories of a group's PEs, two in a RAM.

    begin: high in the cycle before a phase's first one.
    fetch: one bit for each PE: it reads, in its turn.
    address: where each PE reads.
    words: what each PE has read, a cycle later.
    turns: one bit for each PE: a job that it takes now reads in its turn.
    load_valid: a word of the load port.
    load_word: the word.
    """

    begin: Signal
    fetch: Signal
    address: data.View
    words: data.View
    turns: Signal
    load_valid: Signal
    load_word: data.View

    def __init__(self, *, config: EngineConfig, first: int, size: int) -> None:
        """For `size` PEs, from number `first` on."""
        self._config, self._first, self._size = config, first, size
        super().__init__(
            {
                "begin": In(1),
                "fetch": In(size),
                "address": In(data.ArrayLayout(config.start_width, size)),
                "words": Out(data.ArrayLayout(16, size)),
                "turns": Out(size),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The RAMs, and whose turn it is."""
        m = Module()
        turn = Signal()
        # A phase's first cycle is one before a read of each pair's first PE.
        m.d.sync += turn.eq(~turn)
        with m.If(self.begin):
            m.d.sync += turn.eq(1)
        pairs = [SharedEntryMemory(config=self._config) for _ in range(0, self._size, 2)]
        for number, shared in enumerate(pairs):
            m.submodules[f"pair{number}"] = shared
        for slot in range(self._size):
            shared, nth = pairs[slot // 2], slot % 2
            select = LoadSelect(
                config=self._config, target=LoadTarget.ENTRY, unit=self._first + slot
            )
            m.submodules[f"load{slot}"] = select
            m.d.comb += [
                shared.fetch[nth].eq(self.fetch[slot]),
                (shared.address_1 if nth else shared.address_0).eq(self.address[slot]),
                self.words[slot].eq(shared.word),
                self.turns[slot].eq(turn ^ (nth == 0)),
                select.valid.eq(self.load_valid),
                select.word.eq(self.load_word),
            ]
            connect(m, select.write, shared.write_1 if nth else shared.write_0)
        return m
