"""iCE40 UP5K's large RAM: 16,384 words of 16 bits, one port."""

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out


class Spram(wiring.Component):
    """Reads or writes one word a cycle. Its contents are undefined until they are written.

    en: read or write in this cycle.
    write: write.
    addr: the word's address.
    w_data: the word to write.
    r_data: the word, one cycle after a read.
    """

    DEPTH = 1 << 14

    en: Signal
    write: Signal
    addr: Signal
    w_data: Signal
    r_data: Signal

    def __init__(self) -> None:
        """Its size is fixed."""
        super().__init__(
            {"en": In(1), "write": In(1), "addr": In(14), "w_data": In(16), "r_data": Out(16)}
        )

    def elaborate(self, platform: object) -> Module:
        """SB_SPRAM256KA, else a memory that behaves like it."""
        m = Module()
        if getattr(platform, "device", "") == "iCE40UP5K":
            m.submodules.cell = Instance(
                "SB_SPRAM256KA",
                i_CLOCK=ClockSignal(),
                i_ADDRESS=self.addr,
                i_DATAIN=self.w_data,
                i_MASKWREN=Const(0b1111, 4),
                i_WREN=self.write,
                i_CHIPSELECT=self.en,
                i_STANDBY=0,
                i_SLEEP=0,
                i_POWEROFF=Const(1, 1),
                o_DATAOUT=self.r_data,
            )
            return m
        m.submodules.memory = ram = memory.Memory(shape=16, depth=self.DEPTH, init=[])
        write = ram.write_port()
        read = ram.read_port()
        m.d.comb += [
            write.en.eq(self.en & self.write),
            write.addr.eq(self.addr),
            write.data.eq(self.w_data),
            read.en.eq(self.en & ~self.write),
            read.addr.eq(self.addr),
            self.r_data.eq(read.data),
        ]
        return m
