"""Tokens in a PE, and which sums exist in the state that they leave."""

from amaranth.hdl import Assert, Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import local_shape, phase_layout, state_layout
from rtl.pe.decoder import Decoder
from rtl.prim.delay import delayed


class Tokens(wiring.Component):
    """Takes a token when nothing runs and the ring has room for another output row.

    layer: the layer's word.
    valid: the queue's head is a token.
    state: what it carries.
    free: no entry of an earlier job is left after this cycle.
    drained: the group drained output rows a cycle ago.
    row: local row of an entry that has been decoded.
    take: the token is taken.
    ended: output rows that the PE has ended and that are not drained.
    exists: in the state that the entry was issued in, there is a sum for it.
    address: its address.
    """

    layer: data.View
    valid: Signal
    state: data.View
    free: Signal
    drained: Signal
    row: Signal
    take: Signal
    ended: Signal
    exists: Signal
    address: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "layer": In(phase_layout(config)),
                "valid": In(1),
                "state": In(state_layout(config)),
                "free": In(1),
                "drained": In(1),
                "row": In(local_shape(config)),
                "take": Out(1),
                "ended": Out(config.maps.row_bits + 1),
                "exists": Out(1),
                "address": Out(config.sum_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The rows that are ended, and the state."""
        m = Module()
        config, rows = self._config, self._config.maps.rows
        ends = self.state.ends
        room = self.ended + 1 + self.layer.live <= rows
        m.d.comb += self.take.eq(self.valid & self.free & (room | ~ends))
        fewer = self.drained.replicate(len(self.layer.pool_rows)) & self.layer.pool_rows
        m.d.sync += [
            self.ended.eq(self.ended + (self.take & ends) - fewer - self.drained),
            Assert(~self.drained | (self.ended > self.layer.pool_rows), "more is drained than is"),
        ]
        state = Signal(state_layout(config))
        with m.If(self.take):
            m.d.sync += state.eq(self.state)
        m.submodules.borders = borders = Borders(config=config)
        # An entry has been decoded so many cycles after its issue.
        late = config.entry_stages + Decoder.LATENCY
        m.d.comb += [
            borders.layer.eq(self.layer),
            borders.state.eq(delayed(m, state, cycles=late, name="state")),
            borders.row.eq(self.row),
            self.exists.eq(borders.exists),
            self.address.eq(borders.address),
        ]
        return m


class Borders(wiring.Component):
    """From a local row to the sum's address, if there is such a sum; in the same cycle.

    layer: the layer's word.
    state: the PE's.
    row: of an entry.
    exists: there is that sum.
    address: its address.
    """

    layer: data.View
    state: data.View
    row: Signal
    exists: Signal
    address: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "layer": In(phase_layout(config)),
                "state": In(state_layout(config)),
                "row": In(local_shape(config)),
                "exists": Out(1),
                "address": Out(config.sum_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The lower bits are an output row, counted from the state's first."""
        m = Module()
        bits = self._config.maps.row_bits
        number, unit = self.row[:bits], self.row[bits:]
        limit = self.layer.sums
        m.d.comb += [
            # Before the row it is negative, which is a large unsigned number.
            self.exists.eq(
                (unit.as_unsigned() <= limit)
                & (number >= self.state.first)
                & (number <= self.state.last)
            ),
            self.address.eq(Cat((number + self.state.slot)[:bits], unit)),
        ]
        return m


def state_of(job: data.View, config: EngineConfig) -> data.View:
    """A token's state, in the lowest bits of a job."""
    names = [name for name, _ in job.shape() if name != "token"]
    bits = Cat(job[name] for name in names)
    state = state_layout(config)
    return data.View(state, bits[: state.size])
