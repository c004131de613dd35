"""The product of a weight and an activation that is a power (LogNet, section 3)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed

from golden.config import EngineConfig, MacKind
from golden.kinds import ActCode
from rtl.prim.delay import delayed

_ODD = 45
"""Times a power of 2, between 32 and 64 times it: base sqrt 2."""


@dataclass(frozen=True, kw_only=True)
class _Factor:
    """A sign, and one of two constants times 2**exponent."""

    negative: Value
    exponent: Value
    even: int = 1
    odd: int = 1
    is_odd: Value = field(default_factory=lambda: Const(0))


def power_product(m: Module, config: EngineConfig, weight: Value, word: Value) -> Signal:
    """The exponents are added, and a constant, or the weight, is shifted by the sum.

    `weight` and latency as of rtl.pe.product.Product; `word` is the activation's.
    """
    activation, factor = _activation(config, word), _WEIGHTS.get(config.mac)
    if factor is None:
        value, exponent = _scaled(m, activation, weight), activation.exponent
    else:
        other = factor(weight)
        value = _constant(activation, other)
        exponent = activation.exponent + other.exponent
    return _shifted(m, config, Mux(word[:-1].any(), value, 0), exponent)


def _activation(config: EngineConfig, word: Value) -> _Factor:
    """Twice the activation: code k is 2**(k - 1), or 32, 45, 64, 90, ... from 1 on."""
    if config.act_code is ActCode.LOG:
        return _Factor(negative=word[-1], exponent=word[:-1])
    # 32 is 64 / 2: so all have the exponent k // 2.
    return _Factor(negative=word[-1], exponent=word[1:-1], even=64, odd=_ODD, is_odd=~word[0])


_WEIGHTS: dict[MacKind, Callable[[Value], _Factor]] = {
    MacKind.LOG: lambda code: _Factor(negative=code[-1], exponent=code[:-1]),
    MacKind.LOG_SQRT2: lambda code: _Factor(
        negative=code[-1], exponent=code[1:-1], even=32, odd=_ODD, is_odd=code[0]
    ),
    MacKind.TERNARY: lambda code: _Factor(negative=code[-1], exponent=Const(0)),
}
"""Codes of weights that are constants times powers; others are shifted themselves."""


def _constant(one: _Factor, other: _Factor) -> Value:
    """The product of two factors' constants, with its sign."""
    even, odd = (
        Mux(one.is_odd, one.odd * constant, one.even * constant)
        for constant in (other.even, other.odd)
    )
    value = Mux(other.is_odd, odd, even)
    return Mux(one.negative ^ other.negative, -value, value)


def _scaled(m: Module, one: _Factor, weight: Value) -> Value:
    """The weight times a factor's constant, with its sign; 45 = 48 - 3 takes two additions."""
    value = Mux(one.negative, -weight, weight)
    if one.even == 1:
        return value
    three = Signal(signed(len(value) + 2))
    m.d.comb += three.eq(value + (value << 1))
    return Mux(one.is_odd, (three << 4) - three, value << 6)


def _shifted(m: Module, config: EngineConfig, value: Value, exponent: Value) -> Signal:
    """Half of what is shifted. The registers before the shift can be retimed."""
    before = config.multiplier_stages - 1
    mantissa = Signal(signed(len(value)))
    exponents = Signal(len(exponent))
    m.d.comb += [mantissa.eq(value), exponents.eq(exponent)]
    late = delayed(m, mantissa, cycles=before, name="mantissa_late")
    by = delayed(m, exponents, cycles=before, name="exponents_late")
    shifted = Signal(signed(config.product_width), reset_less=True)
    m.d.sync += shifted.eq((late << by) >> 1)
    return shifted
