"""The two kinds of memory of the engine. Only here do memories touch vendor mapping."""

from collections.abc import Sequence

from amaranth.hdl import Assert, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


def has_lut_ram(platform: object) -> bool:
    """Whether LutRam is a memory there, and not registers."""
    return getattr(platform, "device", "").startswith("LFE5")


class BlockRam(wiring.Component):
    """Memory with one read and one write port, for block RAM.

    Never read and write one address in the same cycle: asserted here, so that the board flow may
    drop the collision logic (about 30 LUT and 42 FF for each memory).

    r_en: read in this cycle.
    r_addr: this address, below `depth`.
    r_data: the word, one cycle later, held until the next read.
    w_en: write at the end of this cycle.
    w_addr: this address, below `depth`.
    w_data: the word.
    """

    r_en: Signal
    r_addr: Signal
    r_data: Signal
    w_en: Signal
    w_addr: Signal
    w_data: Signal

    def __init__(self, *, width: int, depth: int, init: Sequence[int] = ()) -> None:
        """`init` is the first words as unsigned integers; the others are 0."""
        self._width, self._depth, self._init = width, depth, list(init)
        address = max(1, ceil_log2(depth))
        super().__init__(
            {
                "r_en": In(1),
                "r_addr": In(address),
                "r_data": Out(width),
                "w_en": In(1),
                "w_addr": In(address),
                "w_data": In(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The memory and the assertion."""
        m = Module()
        # A depth of 1 would have an address of no bits.
        m.submodules.memory = ram = memory.Memory(
            shape=self._width, depth=max(2, self._depth), init=self._init
        )
        write = ram.write_port()
        read = ram.read_port()
        m.d.comb += [
            read.en.eq(self.r_en),
            read.addr.eq(self.r_addr),
            self.r_data.eq(read.data),
            write.en.eq(self.w_en),
            write.addr.eq(self.w_addr),
            write.data.eq(self.w_data),
        ]
        m.d.sync += Assert(
            ~(self.r_en & self.w_en & (self.r_addr == self.w_addr)),
            "a memory is read and written at one address in the same cycle",
        )
        return m


class LutRam(wiring.Component):
    """Small memory that is read without a clock, for LUT RAM (ECP5) or registers (iCE40).

    r_addr: read address.
    r_data: the word, in the same cycle.
    w_en: write at the end of this cycle.
    w_addr: write address.
    w_data: the word.
    """

    r_addr: Signal
    r_data: Signal
    w_en: Signal
    w_addr: Signal
    w_data: Signal

    def __init__(self, *, width: int, depth: int) -> None:
        """All words start as 0."""
        self._width, self._depth = width, depth
        address = max(1, ceil_log2(depth))
        super().__init__(
            {
                "r_addr": In(address),
                "r_data": Out(width),
                "w_en": In(1),
                "w_addr": In(address),
                "w_data": In(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The memory."""
        m = Module()
        m.submodules.memory = ram = memory.Memory(
            shape=self._width, depth=max(2, self._depth), init=[]
        )
        write = ram.write_port()
        read = ram.read_port(domain="comb")
        m.d.comb += [
            read.addr.eq(self.r_addr),
            self.r_data.eq(read.data),
            write.en.eq(self.w_en),
            write.addr.eq(self.w_addr),
            write.data.eq(self.w_data),
        ]
        return m
