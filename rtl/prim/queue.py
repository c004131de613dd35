"""The activation queue: jobs waiting at a PE (EIE, section 4, "Activation Queue")."""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.errors import ElsieError
from rtl.prim.ram import LutRam


class Queue(wiring.Component):
    """First-in first-out queue that reports early when it is nearly full.

    push: take an element; never when full (asserted), so whoever pushes must heed `near_full`.
    push_data: the element.
    valid: there is an element.
    head: the oldest one, from the cycle after its push.
    pop: drop it; only with `valid` (asserted).
    near_full: at least `threshold` elements were held one cycle ago.
    """

    _SHIFTED = 6
    """Up to this depth, elements move; above it, addresses do."""

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
        """The elements and how many there are."""
        m = Module()
        m.d.sync += Assert(~(self.pop & ~self.valid), "an empty queue is popped")
        self._shift(m) if self._depth <= self._SHIFTED else self._ring(m)
        return m

    def _shift(self, m: Module) -> None:
        """Registers that move up when the head leaves: no multiplexer to read them."""
        level = Signal(range(self._depth + 1))
        m.d.sync += Assert(~(self.push & (level == self._depth)), "a full queue is pushed")
        with m.If(self.push ^ self.pop):
            # Plus one, or minus one: all ones is -1.
            m.d.sync += level.eq(level + Cat(1, (~self.push).replicate(len(level) - 1)))
        # A register, because the pop depends on it.
        m.d.sync += self.valid.eq(self.push | (level > 1) | (self.valid & ~self.pop))
        m.d.sync += self.near_full.eq(level >= self._threshold)
        width = self._shape.size
        slots = [
            Signal(width, name=f"slot{number}", reset_less=True) for number in range(self._depth)
        ]
        m.d.comb += self.head.as_value().eq(slots[0])
        for number, slot in enumerate(slots):
            behind = slots[number + 1] if number + 1 < self._depth else self.push_data.as_value()
            # Where the new element goes if the head stays, and one below if it leaves.
            here = self.push & (level == number + self.pop)
            with m.If(here):
                m.d.sync += slot.eq(self.push_data.as_value())
            with m.Elif(self.pop):
                m.d.sync += slot.eq(behind)

    def _ring(self, m: Module) -> None:
        """A memory, and two addresses that wrap at any depth.

        The level is a row of ones: the push signal is late, and this form needs only a single LUT
        for it.
        """
        ones = Signal(self._depth)
        m.d.sync += Assert(~(self.push & ones[-1]), "a full queue is pushed")
        with m.If(self.push ^ self.pop):
            m.d.sync += ones.eq(Mux(self.push, Cat(1, ones[:-1]), ones[1:]))
        m.d.sync += self.near_full.eq(ones[self._threshold - 1])
        m.d.comb += self.valid.eq(ones[0])
        m.submodules.ram = ram = LutRam(width=self._shape.size, depth=self._depth)
        write = Signal(range(self._depth))
        read = Signal(range(self._depth))
        m.d.comb += [
            ram.w_en.eq(self.push),
            ram.w_addr.eq(write),
            ram.w_data.eq(self.push_data.as_value()),
            ram.r_addr.eq(read),
            self.head.as_value().eq(ram.r_data),
        ]
        for enable, address in ((self.push, write), (self.pop, read)):
            with m.If(enable):
                m.d.sync += address.eq(address + 1)
                if self._depth & (self._depth - 1):
                    with m.If(address == self._depth - 1):
                        m.d.sync += address.eq(0)
