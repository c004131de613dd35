"""Which sum a PE group drains when: PE after PE, each as soon as it has nothing left to add."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import drain_layout


class DrainControl(wiring.Component):
    """One drain step a cycle; in a cycle without one it chooses the lowest PE that is ready.

    ready: of each PE, from when on it may be drained, up to the layer's end. rows: rows per PE,
    less one; steady in a layer. swap: the layer ends. step: the sum that is read in this cycle.
    clear: of each PE, read the sum of row `step.row` and set it to zero. over: all PEs are drained;
    from the cycle after the last step to the swap.

    After a reset all sums are cleared, which takes `clear_cycles`.
    """

    ready: Signal
    rows: Signal
    swap: Signal
    step: data.View
    clear: Signal
    over: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        super().__init__(
            {
                "ready": In(size),
                "rows": In(config.row_width),
                "swap": In(1),
                "step": Out(drain_layout(config)),
                "clear": Out(size),
                "over": Out(1),
            }
        )

    @staticmethod
    def clear_cycles(config: EngineConfig) -> int:
        """Cycles after a reset until all sums are zero and those of before it are gone."""
        return config.row_depth + config.multiplier_stages + 1

    def elaborate(self, platform: object) -> Module:
        """The choice, and the counters of the running drain."""
        m = Module()
        step = self.step
        drained, slot = Signal(self._size), Signal(self._size)
        waiting, active, wiping = Signal(self._size), Signal(), Signal()
        lowest = waiting & (~waiting + 1)
        last = step.row == self.rows
        m.d.comb += [
            waiting.eq(self.ready & ~drained),
            step.valid.eq(active),
            step.slot.eq(_number(slot)),
            self.clear.eq((slot & active.replicate(self._size)) | wiping.replicate(self._size)),
        ]
        self._index(m, active, slot)
        with m.If(active | wiping):
            m.d.sync += step.row.eq(step.row + 1)
        with m.Else():
            m.d.sync += step.row.eq(0)
        with m.If(active):
            m.d.sync += [active.eq(~last), self.over.eq(last & drained.all())]
        with m.Elif(waiting.any()):
            m.d.sync += [active.eq(1), slot.eq(lowest), drained.eq(drained | lowest)]
        with m.If(self.swap):
            m.d.sync += [drained.eq(0), self.over.eq(0)]
        self._wipe(m, wiping)
        return m

    def _index(self, m: Module, active: Signal, slot: Signal) -> None:
        """The output's index: row x group + slot."""
        group, step = self._config.group, self.step
        if group & (group - 1) == 0:
            m.d.comb += step.index.eq(Cat(step.slot, step.row))
            return
        base = Signal.like(step.index)
        with m.If(active):
            m.d.sync += base.eq(base + group)
        with m.Else():
            m.d.sync += base.eq(0)
        m.d.comb += step.index.eq(base + step.slot)

    def _wipe(self, m: Module, wiping: Signal) -> None:
        """After a reset: wait until the multiplier is empty, then clear row after row."""
        wait, started = Signal(range(self._config.multiplier_stages + 2)), Signal()
        with m.If(~started):
            m.d.sync += wait.eq(wait + 1)
            with m.If(wait == self._config.multiplier_stages):
                m.d.sync += [started.eq(1), wiping.eq(1)]
        with m.If(wiping & (self.step.row == self._config.row_depth - 1)):
            m.d.sync += wiping.eq(0)


def _number(one_hot: Value) -> Value:
    """Number of the only bit that is set."""
    bits = range((len(one_hot) - 1).bit_length())
    return Cat(Cat(one_hot[n] for n in range(len(one_hot)) if n >> bit & 1).any() for bit in bits)
