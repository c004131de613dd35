"""Drain of a PE group: sum, bias, requantise; the result is the group's next activation."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import drain_layout, requantise_layout
from rtl.operations.requantiser import Requantiser
from rtl.prim.adder import SelectAdder
from rtl.prim.delay import delayed


class DrainUnit(wiring.Component):
    """One output activation a cycle, from the group's PEs in turn.

    step: the drain step; its sum and its bias are read in this cycle. sums: each PE's sum, one
    cycle later. bias: one cycle later. settings: of the layer. valid, index, value: the activation,
    `LATENCY` cycles after its step.
    """

    LATENCY = 2 + Requantiser.LATENCY

    step: data.View
    sums: data.View
    bias: Signal
    settings: data.View
    valid: Signal
    index: Signal
    value: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        super().__init__(
            {
                "step": In(drain_layout(config)),
                "sums": In(data.ArrayLayout(signed(config.acc_width), size)),
                "bias": In(signed(config.acc_width)),
                "settings": In(requantise_layout(config)),
                "valid": Out(1),
                "index": Out(config.index_width),
                "value": Out(signed(config.act_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Cycle 1: select the PE's sum, add the bias. 2 to 4: requantise."""
        m = Module()
        width = self._config.acc_width
        m.submodules.requantiser = requantiser = Requantiser(config=self._config)
        m.submodules.adder = adder = SelectAdder(width=width)
        slot = Signal.like(self.step.slot)
        # The adder chooses between two; of more PEs, the first half is chosen from before that.
        half = 1 << max(0, (self._size - 1).bit_length() - 1)
        sums = [self.sums[number] for number in range(self._size)]
        low, high = Signal(signed(width)), Signal(signed(width))
        total = Signal(signed(width), reset_less=True)
        m.d.sync += [slot.eq(self.step.slot), total.eq(adder.sum)]
        select = slot[: max(0, (half - 1).bit_length())]
        m.d.comb += [
            low.eq(_choose(sums[:half], select)),
            high.eq(_choose(sums[half:] or sums[:1], select)),
            adder.addend.eq(self.bias),
            adder.base.eq(low),
            adder.other.eq(high),
            adder.select.eq(slot >= half),
            requantiser.total.eq(total),
            requantiser.settings.eq(self.settings),
            self.value.eq(requantiser.activation),
            self.valid.eq(self._late(m, self.step.valid, "valid", reset_less=False)),
            self.index.eq(self._late(m, self.step.index, "index")),
        ]
        return m

    def _late(self, m: Module, value: Signal, name: str, *, reset_less: bool = True) -> Signal:
        """A part of the step as it was when the activation's sum was read."""
        return delayed(m, value, cycles=self.LATENCY, name=name, reset_less=reset_less)


def _choose(values: list[Value], select: Value) -> Value:
    """The value of number `select`; any of them where there is none of that number."""
    if len(values) == 1:
        return values[0]
    half = 1 << ((len(values) - 1).bit_length() - 1)
    top = half.bit_length() - 1
    return Mux(select[top], _choose(values[half:], select[:top]), _choose(values[:half], select))
