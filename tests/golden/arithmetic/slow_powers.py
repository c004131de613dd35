"""Activations as powers, in plain Python, for the tests of golden and of the timing model."""

from fractions import Fraction

from golden.config import EngineConfig


def slow_levels(config: EngineConfig) -> list[int]:
    """0 and the magnitudes: powers of 2, or these from 32 on with 45 / 32 of each."""
    limit, found, power = 1 << (config.act_width - 1), [0], 1
    while power < limit:
        if config.act_code == "log":
            found.append(power)
        elif power >= 32:
            found += [power] + [45 * power // 32] * (45 * power // 32 < limit)
        power *= 2
    return found


def slow_nearest(config: EngineConfig, value: Fraction | int) -> int:
    """Of all levels of either sign the nearest to a value; of two the greater."""
    levels = slow_levels(config)
    signed = [*(-level for level in levels[1:]), *levels]
    return min(signed, key=lambda level: (abs(level - value), -level))


def slow_terms(config: EngineConfig, value: int) -> list[int]:
    """The powers that are sent of an input: each the nearest to what is left, until it is 0."""
    found = []
    while len(found) < config.input_terms and (power := slow_nearest(config, value)):
        found.append(power)
        value -= power
    return found


def slow_word(config: EngineConfig, value: int) -> int:
    """What is sent of a level: its number, and above it the sign."""
    levels = slow_levels(config)
    sign = 1
    while sign < len(levels):
        sign *= 2
    return levels.index(abs(value)) + (sign if value < 0 else 0)
