"""Drain of a PE group: sum or total, bias, requantise, function."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import CELL_WIDTH, GATE_FRAC, PRE_FRAC
from rtl.layouts import requantise_layout
from rtl.operations.function_unit import Function, FunctionUnit
from rtl.operations.requantiser import Requantiser
from rtl.prim.adder import SelectAdder
from rtl.prim.delay import delayed


class DrainUnit(wiring.Component):
    """One result a cycle: (sum + bias) / 2**shift; and with cells its function, later.

    results: of each PE.
    slot: the PE whose result counts.
    bias: its bias, `stages.drain` cycles later.
    settings: the shift, and whether negative values become 0; a cycle after the bias.
    value: the requantised sum, `latency` cycles after the result.
    function: of the value, in its cycle; with functions, or with cells.
    valued: the function's value, `FunctionUnit.LATENCY` cycles after the value.

    With cells:

    with_bias: the bias counts; in its cycle.
    state: the function is of a state, not of a gate; in the value's cycle.
    narrow: round the function to the state's fraction bits; in the value's cycle.
    """

    results: data.View
    slot: Signal
    bias: Signal
    settings: data.View
    value: Signal
    function: Signal
    valued: Signal
    with_bias: Signal
    state: Signal
    narrow: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        self._functions = config.functions or config.cells > 0
        functions = {"function": In(Function), "valued": Out(signed(CELL_WIDTH))}
        cells = {name: In(1) for name in ("with_bias", "state", "narrow")}
        super().__init__(
            {
                "results": In(data.ArrayLayout(signed(config.acc_width), size)),
                "slot": In(range(config.group)),
                "bias": In(signed(config.acc_width)),
                "settings": In(requantise_layout(config)),
                "value": Out(signed(config.act_width)),
                **(functions if self._functions else {}),
                **(cells if config.cells else {}),
            }
        )

    @staticmethod
    def latency(config: EngineConfig) -> int:
        """From a result to its value."""
        return config.stages.drain + 1 + Requantiser.LATENCY

    def elaborate(self, platform: object) -> Module:
        """Choose; add the bias, after a register if there is one; requantise; then the function."""
        m = Module()
        width = self._config.acc_width
        m.submodules.requantiser = requantiser = Requantiser(config=self._config)
        m.submodules.adder = adder = SelectAdder(width=width)
        # The adder chooses between two; with more PEs, one of each half is chosen before that.
        half = 1 << max(0, (self._size - 1).bit_length() - 1)
        results = [self.results[number] for number in range(self._size)]
        low = Signal(signed(width))
        high = Signal(signed(width))
        total = Signal(signed(width), reset_less=True)
        select = self.slot[: max(0, (half - 1).bit_length())]
        cycles = self._config.stages.drain
        m.d.comb += [
            low.eq(_choose(results[:half], select)),
            high.eq(_choose(results[half:] or results[:1], select)),
            adder.addend.eq(Mux(self.with_bias, self.bias, 0) if self._config.cells else self.bias),
            adder.base.eq(delayed(m, low, cycles=cycles, name="low")),
            adder.other.eq(delayed(m, high, cycles=cycles, name="high")),
            adder.select.eq(delayed(m, self.slot >= half, cycles=cycles, name="select")),
            requantiser.total.eq(total),
            requantiser.settings.eq(self.settings),
            self.value.eq(requantiser.activation),
        ]
        m.d.sync += total.eq(adder.sum)
        if self._functions:
            m.submodules.function = function = FunctionUnit()
            cells = self._config.cells > 0
            m.d.comb += [
                function.value.eq(self._argument(m) if cells else self.value),
                function.function.eq(self.function),
                self.valued.eq(self._narrowed(m, function.result) if cells else function.result),
            ]
        return m

    def _argument(self, m: Module) -> Signal:
        """For a state with fewer fraction bits than tanh takes: shifted and saturated."""
        more = PRE_FRAC - self._config.state_frac
        argument = Signal(signed(CELL_WIDTH))
        top = self.value[CELL_WIDTH - 1 - more :]
        m.d.comb += argument.eq(self.value)
        with m.If(self.state):
            with m.If((top == 0) | top.all()):
                m.d.comb += argument.eq(self.value << more)
            with m.Else():
                limit = (1 << (CELL_WIDTH - 1)) - 1
                m.d.comb += argument.eq(Mux(self.value[-1], -limit - 1, limit))
        return argument

    def _narrowed(self, m: Module, value: Signal) -> Signal:
        """Rounded half to even to the state's fraction bits, if requested."""
        less = GATE_FRAC - self._config.state_frac
        rounded = Signal(signed(CELL_WIDTH))
        late = delayed(m, self.narrow, cycles=FunctionUnit.LATENCY, name="narrow")
        odd, half, rest = value[less], value[less - 1], value[: less - 1].any()
        m.d.comb += rounded.eq(Mux(late, (value >> less) + (half & (odd | rest)), value))
        return rounded


def _choose(values: list[Value], select: Value) -> Value:
    """The value number `select`; if there is none, any of them."""
    if len(values) == 1:
        return values[0]
    half = 1 << ((len(values) - 1).bit_length() - 1)
    top = half.bit_length() - 1
    return Mux(select[top], _choose(values[half:], select[:top]), _choose(values[:half], select))
