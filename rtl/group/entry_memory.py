"""Where the entries are stored: a block RAM for each PE, or a large RAM for two."""

from amaranth.hdl import Assert, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.load import LoadTarget, MemoryWrite
from rtl.prim.spram import Spram


class SharedEntryMemory(wiring.Component):
    """A single-port RAM that two PEs read in turns.

    fetch, address: of each PE; never of both in one cycle (asserted). word: read one cycle after a
    fetch, for one cycle. write: load port of each PE's half, with the same data on both (asserted);
    not while a network runs (asserted).
    """

    fetch: Signal
    address_0: Signal
    address_1: Signal
    word: Signal
    write_0: MemoryWrite
    write_1: MemoryWrite

    def __init__(self, *, config: EngineConfig) -> None:
        """Each PE has half of the RAM, from 0 or from the middle on."""
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
