"""When a group drains an output row, and in which order: steps that steal issue cycles."""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.layouts import operation_layout, phase_layout
from rtl.operations.clearing import clearing


class DrainControl(wiring.Component):
    """A step a cycle while the group drains; in other cycles, whether it begins in the next one.

    After a reset all sums are cleared (rtl.operations.clearing).

    phase: the layer's word; steady while it drains.
    begin: the layer begins; it is known from the next cycle on.
    ended: of each PE, output rows that it has ended and that are not drained.
    operation: the step in this cycle.
    drained: the drain's last step was a cycle ago.
    over: all of the layer is drained, from a cycle after the last step on.
    wipe: all PEs clear the sum at `operation.row`.
    """

    phase: data.View
    begin: Signal
    ended: data.View
    operation: data.View
    drained: Signal
    over: Signal
    wipe: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        count = config.maps.row_bits + 1
        super().__init__(
            {
                "phase": In(phase_layout(config)),
                "begin": In(1),
                "ended": In(data.ArrayLayout(count, size)),
                "operation": Out(operation_layout(config)),
                "drained": Out(1),
                "over": Out(1),
                "wipe": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The choice, and the step's numbers."""
        m = Module()
        config = self._config
        active = Signal()
        ready = Signal()
        left = Signal(bits_for(config.maps.height))
        phase, step = self.phase, self.operation
        pool = phase.pool_rows + 1
        # What is being drained still counts as ended.
        needed = Mux(active | self.drained, pool << 1, pool)
        m.d.sync += [
            ready.eq(Cat(ended >= needed for ended in self._ended()).all()),
            self.drained.eq(active & step.ends),
        ]
        with m.If(active):
            m.d.sync += active.eq(~step.ends)
        with m.Else():
            m.d.sync += active.eq(ready)
        with m.If(self.begin):
            m.d.sync += left.eq(phase.height + 1)
        with m.Elif(active & step.ends):
            m.d.sync += left.eq(left - pool)
        m.d.comb += [self.over.eq(left == 0), step.valid.eq(active)]
        m.d.sync += Assert(~(self.begin & active), "a layer begins while a row is drained")
        self._count(m, active)
        return m

    def _ended(self) -> list[Value]:
        return [self.ended[number] for number in range(self._size)]

    def _count(self, m: Module, active: Signal) -> None:
        """Output by output, PE by PE, and a window's sums row by row."""
        config, layer, step = self._config, self.phase, self.operation
        row = Signal(config.maps.row_bits)  # of the ring
        base = Signal(config.row_width)
        beside = Signal(config.row_width)  # from the window's first column to this one
        dx, dy = Signal.like(layer.pool_columns, name="dx"), Signal.like(layer.pool_rows, name="dy")
        slot = Signal.like(step.slot, name="slot")
        output = Signal(config.row_width)
        units = Signal(config.row_width + 1)
        mask = Signal(config.row_width)
        last = [dx == layer.pool_columns, dy == layer.pool_rows, slot == self._size - 1]
        window = last[0] & last[1]
        final = window & last[2]
        m.d.comb += [
            units.eq(1 << layer.unit_bits),
            mask.eq(Mux(layer.flat, -1, units - 1)),
            step.slot.eq(slot),
            step.cell.eq(output),
            step.unit.eq(output & mask),
            step.row.eq(Mux(layer.flat, output, Cat((row + dy)[: len(row)], base + beside))),
            step.opens.eq((dx == 0) & (dy == 0)),
            step.closes.eq(window),
            step.ends.eq(final & (output == layer.outputs)),
        ]
        wrap = (output & mask) == mask
        with m.If(active):
            m.d.sync += [
                dx.eq(Mux(last[0], 0, dx + 1)),
                beside.eq(Mux(last[0], 0, beside + units)),
            ]
            with m.If(last[0]):
                m.d.sync += dy.eq(Mux(last[1], 0, dy + 1))
            with m.If(window):
                m.d.sync += slot.eq(Mux(last[2], 0, slot + 1))
            with m.If(final):
                # Past the window's other columns, when all units have been at its first.
                more = Mux(wrap, layer.pool_columns << layer.unit_bits, 0)
                m.d.sync += [output.eq(output + 1), base.eq(base + 1 + more)]
            with m.If(step.ends):
                m.d.sync += [output.eq(0), base.eq(0), row.eq(row + layer.pool_rows + 1)]
        with m.If(self.begin):
            m.d.sync += row.eq(0)
        wiping, address, _ = clearing(m, config, again=None)
        m.d.comb += self.wipe.eq(wiping)
        with m.If(wiping):
            m.d.comb += step.row.eq(address)
