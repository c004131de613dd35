"""The activation queue: jobs waiting at a PE (EIE, section 4, "Activation Queue")."""

from amaranth.hdl import Assert, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.errors import ElsieError
from rtl.prim.ram import LutRam


class Queue(wiring.Component):
    """First-in first-out queue that is told what to take and reports early that it fills up.

    push, push_data: take this element; never when full (asserted), so whoever pushes must heed
    `near_full`. valid, head: the oldest element, from the cycle after its push. pop: drop it; only
    with `valid` (asserted). near_full: at least `threshold` elements were held one cycle ago.
    """

    push: Signal
    push_data: data.View
    valid: Signal
    head: data.View
    pop: Signal
    near_full: Signal

    def __init__(self, *, shape: data.StructLayout, depth: int, threshold: int) -> None:
        """`depth` elements of `shape`; 1 <= threshold <= depth."""
        if not 1 <= threshold <= depth:
            raise ElsieError(f"queue: threshold must be 1..{depth}, not {threshold}")
        self._shape, self._depth, self._threshold = shape, depth, threshold
        super().__init__(
            {
                "push": In(1),
                "push_data": In(shape),
                "valid": Out(1),
                "head": Out(shape),
                "pop": In(1),
                "near_full": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A memory, two addresses that wrap at any depth, and a level."""
        m = Module()
        m.submodules.ram = ram = LutRam(width=self._shape.size, depth=self._depth)
        level = Signal(range(self._depth + 1))
        write, read = Signal(range(self._depth)), Signal(range(self._depth))
        m.d.comb += [
            ram.w_en.eq(self.push),
            ram.w_addr.eq(write),
            ram.w_data.eq(self.push_data.as_value()),
            ram.r_addr.eq(read),
            self.head.as_value().eq(ram.r_data),
        ]
        m.d.sync += [
            Assert(~(self.push & (level == self._depth)), "a full queue is pushed"),
            Assert(~(self.pop & ~self.valid), "an empty queue is popped"),
        ]
        m.d.sync += level.eq(level + self.push - self.pop)
        # A register, because the pop depends on it.
        m.d.sync += self.valid.eq(self.push | (level > 1) | (self.valid & ~self.pop))
        m.d.sync += self.near_full.eq(level >= self._threshold)
        for enable, address in ((self.push, write), (self.pop, read)):
            with m.If(enable):
                m.d.sync += address.eq(address + 1)
                with m.If(address == self._depth - 1):
                    m.d.sync += address.eq(0)
        return m
