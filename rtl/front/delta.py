"""Differences of activations (Neil et al., Delta Networks, 2017): what moved, and by how much."""

from amaranth.hdl import Assert, Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.prim.delay import delayed
from rtl.prim.ram import BlockRam


class DeltaStage(wiring.Component):
    """Turns an activation into its difference from what was sent last, `LATENCY` cycles later.

    No index of a place may come twice in three cycles (asserted).

    write: an activation arrives.
    index: its index within the group.
    value: its value.
    place: the list that it belongs to.
    threshold: in the cycle of the result: send it if it has moved by more.
    plain: in the cycle of the result: send it unchanged, and remember nothing.
    sent: a difference is sent.
    sent_index: its index.
    sent_value: the difference, saturated.
    reset: forget everything, in `clear_cycles`; nothing may arrive meanwhile.
    """

    LATENCY = 2

    write: Signal
    index: Signal
    value: Signal
    place: Signal
    threshold: Signal
    plain: Signal
    sent: Signal
    sent_index: Signal
    sent_value: Signal
    reset: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Depth and widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "write": In(1),
                "index": In(config.index_width),
                "value": In(signed(config.act_width)),
                "place": In(config.list_width),
                "threshold": In(config.act_width - 1),
                "plain": In(1),
                "sent": Out(1),
                "sent_index": Out(config.index_width),
                "sent_value": Out(signed(config.act_width)),
                "reset": In(1),
            }
        )

    @staticmethod
    def clear_cycles(config: EngineConfig) -> int:
        """Cycles from a reset until everything is forgotten."""
        return config.act_lists * config.list_depth + DeltaStage.LATENCY + 2

    def elaborate(self, platform: object) -> Module:
        """Read; subtract and saturate; compare, and write what is sent now."""
        m = Module()
        width, depth = self._config.act_width, self._config.act_lists * self._config.list_depth
        m.submodules.known = known = BlockRam(width=width, depth=depth)
        bits = bits_for(self._config.list_depth - 1)
        address = Cat(self.index[:bits], Const(0, max(0, bits - len(self.index))), self.place)
        came = delayed(m, self.write, cycles=1, name="came", reset_less=False)
        valid = delayed(m, came, cycles=1, name="valid", reset_less=False)
        index = delayed(m, self.index, cycles=2, name="index")
        value = delayed(m, self.value, cycles=1, name="value")
        recent = delayed(m, address, cycles=1, name="address")
        late = delayed(m, recent, cycles=1, name="late")
        before = Signal(signed(width))
        moved = Signal(signed(width), reset_less=True)
        difference = Signal(signed(width + 1))
        old = Signal(signed(width), reset_less=True)
        top = 1 << (width - 1)
        m.d.comb += [
            known.r_en.eq(self.write),
            known.r_addr.eq(address),
            before.eq(known.r_data),
            difference.eq(value - before),
            self.sent.eq(valid & (self.plain | (abs(moved) > self.threshold))),
            self.sent_index.eq(index),
            self.sent_value.eq(Mux(self.plain, delayed(m, value, cycles=1, name="plain"), moved)),
        ]
        again = (came & (address == recent)) | (valid & (address == late))
        m.d.sync += Assert(~(self.write & again), "an activation comes again too soon")
        fits = difference[-1] == difference[-2]
        limit = Mux(difference[-1], -top, top - 1)
        m.d.sync += [moved.eq(Mux(fits, difference, limit)), old.eq(before)]
        wiping = Signal()
        cell = Signal(range(depth))
        m.d.comb += [
            known.w_en.eq(wiping | (self.sent & ~self.plain)),
            known.w_addr.eq(Mux(wiping, cell, late)),
            known.w_data.eq(Mux(wiping, 0, old + moved)),
        ]
        with m.If(self.reset):
            m.d.sync += [wiping.eq(1), cell.eq(0)]
        with m.Elif(wiping):
            m.d.sync += [cell.eq(cell + 1), wiping.eq(cell != depth - 1)]
        return m
