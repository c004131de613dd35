"""Cell memory of a PE: states, and gates between operations."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import CELL_WIDTH
from rtl.prim.ram import BlockRam


class CellMemory(wiring.Component):
    """Words of two halves; reads take a whole word, writes one half.

    read: read a word.
    address: its address.
    left: its left half, one cycle later, until the next read.
    right: its right half.
    write: one bit for each half, left first: written at the end of this cycle.
    write_address: to this word, never the one that is read (asserted).
    value: what is written.
    """

    LATENCY = 1

    read: Signal
    address: Signal
    left: Signal
    right: Signal
    write: Signal
    write_address: Signal
    value: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Depth comes from `config`."""
        # Full powers of two, because between operations the addresses are arbitrary.
        self._depth = 1 << config.cell_width
        super().__init__(
            {
                "read": In(1),
                "address": In(config.cell_width),
                "left": Out(signed(CELL_WIDTH)),
                "right": Out(signed(CELL_WIDTH)),
                "write": In(2),
                "write_address": In(config.cell_width),
                "value": In(signed(CELL_WIDTH)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One memory for each half."""
        m = Module()
        for number, half in enumerate((self.left, self.right)):
            name = ("left", "right")[number]
            m.submodules[name] = ram = BlockRam(width=CELL_WIDTH, depth=self._depth)
            m.d.comb += [
                ram.r_en.eq(self.read),
                ram.r_addr.eq(self.address),
                half.eq(ram.r_data),
                ram.w_en.eq(self.write[number]),
                ram.w_addr.eq(self.write_address),
                ram.w_data.eq(self.value),
            ]
        return m
