"""Sum to activation: shift right, round half to even, saturate, activation function."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import ActCode
from rtl.layouts import requantise_layout
from rtl.prim.delay import delayed
from rtl.prim.power import PowerCoder


class Requantiser(wiring.Component):
    """activation = f(saturate(round_half_even(total / 2**shift))), `LATENCY` cycles later.

    total: signed, bias included.
    settings: shift less shift_low, and activation function; steady, or with cells each total's own.
    activation: signed; or, if it is sent as a code, the word of the power nearest to
        total / 2**shift.
    """

    LATENCY = 3

    _FINE = 2
    """Bits of the shift that the second stage does."""

    total: Signal
    settings: data.View
    activation: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "total": In(signed(config.acc_width)),
                "settings": In(requantise_layout(config)),
                "activation": Out(signed(config.act_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Coarse shift; fine shift and round; saturate."""
        m = Module()
        config = self._config
        # Below the least shift one bit is kept for the half, one gathers everything below that.
        value, dropped = self._constant(config.shift_low)
        stages = range(config.shift_width if config.shift_top > config.shift_low else 0)
        wide = signed(max(len(value), config.act_width + 2))
        coarse = Signal(wide, reset_less=True)
        sticky = Signal(reset_less=True)
        shift, fine_shift, relu = self._settings(m)
        value, dropped = self._shift(value, dropped, shift, stages[self._FINE :])
        m.d.sync += [coarse.eq(value), sticky.eq(dropped)]
        value, dropped = self._shift(coarse, sticky, fine_shift, stages[: self._FINE])
        fine = Signal(wide)
        below = Signal()
        m.d.comb += [fine.eq(value), below.eq(dropped)]
        # What does not fit before rounding does not fit after it either, or is the least value.
        top = config.act_width - 1
        negative = Signal(reset_less=True)
        fits = Signal(reset_less=True)
        rounded = Signal(signed(config.act_width + 1), reset_less=True)
        floor = fine[1:].as_signed()
        m.d.sync += [
            negative.eq(fine[-1]),
            fits.eq((floor[top:] == 0) | floor[top:].all()),
            rounded.eq(floor[: top + 1].as_signed() + self.round_up(fine[1], fine[0], below)),
        ]
        activation = self._activate(rounded, negative, fits, relu)
        if config.act_code is not ActCode.LINEAR:
            word = self._coded(m, fine, negative, fits, relu)
            activation = Mux(self.settings.coded, word, activation)
        m.d.sync += self.activation.eq(activation)
        return m

    def _coded(
        self, m: Module, fine: Signal, negative: Signal, fits: Signal, relu: Value
    ) -> Signal:
        """The word of the nearest power, beside rounding: `fine` is floor(2 x)."""
        m.submodules.coder = coder = PowerCoder(config=self._config)
        magnitude = Signal(self._config.act_width, reset_less=True)
        word = Signal(self._config.sent_width)
        m.d.sync += magnitude.eq(fine ^ fine[-1].replicate(len(fine)))
        m.d.comb += [
            coder.magnitude.eq(magnitude),
            coder.negative.eq(negative),
            coder.beyond.eq(~fits),
            word.eq(Mux(negative & relu, 0, coder.word)),
        ]
        return word

    def _settings(self, m: Module) -> tuple[Value, Value, Value]:
        """Coarse shift, fine shift and function at their stages."""
        cycles = 1 if self._config.cells else 0
        shift = self.settings.shift
        fine = delayed(m, shift[: self._FINE], cycles=cycles, name="fine_shift")
        return shift, fine, delayed(m, self.settings.relu, cycles=2 * cycles, name="relu")

    def _constant(self, low: int) -> tuple[Value, Value]:
        """The total without the bits that even the least shift drops, and whether any is set."""
        if low == 0:
            return Cat(0, self.total).as_signed(), Value.cast(0)
        return self.total[low - 1 :].as_signed(), self.total[: low - 1].any()

    def round_up(self, odd: Value, half: Value, below: Value) -> Value:
        """Whether to add one: more than half, or exactly half and the result would be odd."""
        return half & (below | odd)

    def _shift(
        self, value: Value, sticky: Value | int, shift: Value, bits: range
    ) -> tuple[Value, Value]:
        """Shift right by the given bits of `shift`; `sticky` gathers the bits that drop out."""
        for bit in reversed(bits):
            amount = min(1 << bit, len(value))
            taken = shift[bit]
            sticky = sticky | (taken & value[:amount].any())
            value = Mux(taken, value >> amount, value)
        return value, Value.cast(sticky)

    def _activate(self, rounded: Signal, negative: Signal, fits: Signal, relu: Value) -> Value:
        """Saturate to the activation's width; ReLU turns negative values into 0."""
        top = self._config.act_width - 1
        inside = fits & (rounded[-1] == rounded[-2])
        limit = Mux(negative, Mux(relu, 0, -(1 << top)), (1 << top) - 1)
        kept = Mux(rounded[-1] & relu, 0, rounded[: top + 1].as_signed())
        return Mux(inside, kept, limit)
