"""Drain unit of a PE group with cells: total, bias, requantise, function."""

from amaranth.hdl import Array, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import CELL_WIDTH, GATE_FRAC, PRE_FRAC
from rtl.layouts import requantise_layout
from rtl.operations.function_unit import FunctionUnit
from rtl.operations.requantiser import Requantiser
from rtl.prim.adder import SelectAdder
from rtl.prim.delay import delayed


class CellDrain(wiring.Component):
    """One total a cycle: (result + bias) / 2**shift, and its function some cycles later.

    results: of each PE; slot: which counts; bias; with_bias: it counts. settings: a cycle later, of
    this total. value: the requantised total, `LATENCY` cycles after its result. state: with it, the
    function is of a state, not of a gate. function: with it, which. valued: the function's value,
    `FunctionUnit.LATENCY` cycles after `value`. narrow: with it, round it to the state's fraction.
    """

    LATENCY = 1 + Requantiser.LATENCY

    results: data.View
    slot: Signal
    bias: Signal
    with_bias: Signal
    settings: data.View
    value: Signal
    state: Signal
    function: Signal
    valued: Signal
    narrow: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        super().__init__(
            {
                "results": In(data.ArrayLayout(signed(config.acc_width), size)),
                "slot": In(range(config.group)),
                "bias": In(signed(config.acc_width)),
                "with_bias": In(1),
                "settings": In(requantise_layout(config)),
                "value": Out(signed(CELL_WIDTH)),
                "state": In(1),
                "function": In(2),
                "valued": Out(signed(CELL_WIDTH)),
                "narrow": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Cycle 1: choose, add the bias. 2 to 4: requantise. Then the function."""
        m = Module()
        width = self._config.acc_width
        m.submodules.requantiser = requantiser = Requantiser(config=self._config)
        m.submodules.adder = adder = SelectAdder(width=width)
        m.submodules.function = function = FunctionUnit()
        chosen, total = Signal(signed(width)), Signal(signed(width), reset_less=True)
        every = Array(self.results[number] for number in range(self._size))
        m.d.comb += [
            chosen.eq(every[self.slot] if self._size > 1 else self.results[0]),
            adder.addend.eq(Mux(self.with_bias, self.bias, 0)),
            adder.base.eq(chosen),
            adder.other.eq(chosen),
            requantiser.total.eq(total),
            requantiser.settings.eq(self.settings),
            self.value.eq(requantiser.activation),
            function.value.eq(self._argument(m)),
            function.function.eq(self.function),
            self.valued.eq(self._narrowed(m, function.result)),
        ]
        m.d.sync += total.eq(adder.sum)
        return m

    def _argument(self, m: Module) -> Signal:
        """Of a state with fewer fraction bits than tanh takes: shifted, and saturated."""
        more = PRE_FRAC - self._config.state_frac
        argument, top = Signal(signed(CELL_WIDTH)), self.value[CELL_WIDTH - 1 - more :]
        m.d.comb += argument.eq(self.value)
        with m.If(self.state):
            with m.If((top == 0) | top.all()):
                m.d.comb += argument.eq(self.value << more)
            with m.Else():
                limit = (1 << (CELL_WIDTH - 1)) - 1
                m.d.comb += argument.eq(Mux(self.value[-1], -limit - 1, limit))
        return argument

    def _narrowed(self, m: Module, value: Signal) -> Signal:
        """Rounded half to even to the state's fraction bits, if asked for."""
        less = GATE_FRAC - self._config.state_frac
        rounded = Signal(signed(CELL_WIDTH))
        late = delayed(m, self.narrow, cycles=FunctionUnit.LATENCY, name="narrow")
        odd, half, rest = value[less], value[less - 1], value[: less - 1].any()
        m.d.comb += rounded.eq(Mux(late, (value >> less) + (half & (odd | rest)), value))
        return rounded
