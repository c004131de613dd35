"""Powers: rounding of all narrow numbers against fractions, borders, and codes."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.arithmetic.powers import decode, doubled, encode, nearest, rounded, split
from golden.config import EngineConfig
from golden.kinds import ActCode
from tests.golden.arithmetic.slow_powers import (
    slow_levels,
    slow_nearest,
    slow_terms,
    slow_word,
)

CODED = [code for code in ActCode if code is not ActCode.LINEAR]
WIDTHS = [("log", 4), ("log", 8), ("log", 13), ("log-sqrt2", 8), ("log-sqrt2", 12)]


def config_of(code: str, act_width: int) -> EngineConfig:
    changes: dict[str, Any] = {"act_code": code, "act_width": act_width}
    return EngineConfig(mac="log", acc_width=53, **changes)  # pyright: ignore[reportArgumentType]


def test_by_hand() -> None:
    levels = config_of("log", 8).act_levels
    assert levels == (1, 2, 4, 8, 16, 32, 64)
    x = [0, 0.49, 0.5, 1.49, 1.5, 2.99, 3, 5.99, 6, 47, 48, 95, 127, 1e6]
    assert nearest(np.floor(2 * np.array(x)), levels).tolist() == [
        *(0, 0, 1, 1, 2, 2, 4, 4, 8, 32, 64, 64, 64, 64)
    ]
    x = [-0.5, -0.51, -1.5, -1.51, -3, -3.01, -47, -48, -48.5, -128, -1e6]
    assert nearest(np.floor(2 * np.array(x)), levels).tolist() == [
        *(0, -1, -1, -2, -2, -4, -32, -32, -64, -64, -64)
    ]


def test_sqrt2_by_hand() -> None:
    levels = config_of("log-sqrt2", 10).act_levels
    assert levels == (32, 45, 64, 90, 128, 180, 256, 360)
    x = [15.9, 16, 38, 38.5, 54, 54.5, 76.9, 77, 109, 308, 1000, -16, -16.1, -38.5, -39]
    assert nearest(np.floor(2 * np.array(x)), levels).tolist() == [
        *(0, 32, 32, 45, 45, 64, 64, 90, 128, 360, 360, 0, -32, -32, -45)
    ]


@pytest.mark.parametrize(("code", "act_width"), WIDTHS)
def test_levels_are_all_that_fit(code: str, act_width: int) -> None:
    config = config_of(code, act_width)
    assert [0, *config.act_levels] == slow_levels(config)


@pytest.mark.parametrize(("code", "act_width"), WIDTHS)
@pytest.mark.parametrize("shift", [0, 1, 2, 5])
def test_rounding_of_all_narrow_values(code: str, act_width: int, shift: int) -> None:
    config = config_of(code, act_width)
    values = range(-1500, 1500)
    expected = [slow_nearest(config, Fraction(value, 1 << shift)) for value in values]
    assert nearest(doubled(list(values), shift), config.act_levels).tolist() == expected


@given(
    st.sampled_from(WIDTHS),
    st.integers(0, 40),
    st.integers(0, 24),
    st.integers(-2, 2),
    st.booleans(),
)
def test_rounding_at_borders(
    kind: tuple[str, int], shift: int, number: int, beside: int, negative: bool
) -> None:
    config = config_of(*kind)
    levels = slow_levels(config)
    number = 1 + number % (len(levels) - 1)
    border = Fraction(levels[number] + levels[number - 1], 2) * (1 << shift)
    value = int(border) + beside
    value = -value if negative else value
    expected = slow_nearest(config, Fraction(value, 1 << shift))
    assert int(nearest(doubled(value, shift), config.act_levels)) == expected


@pytest.mark.parametrize("terms", [1, 2, 3, 4])
@pytest.mark.parametrize(("code", "act_width"), WIDTHS)
def test_sums_of_powers(code: str, act_width: int, terms: int) -> None:
    """All integers; no partial sum is beyond the engine's, which the overflow proof relies on."""
    config = config_of(code, act_width).replace(input_terms=terms)
    top = 1 << (act_width - 1)
    values = np.arange(-top, top)
    found = split(values, config.input_powers)
    assert found.shape == (terms, len(values))
    for value, powers in zip(values[:: act_width // 4], found.T[:: act_width // 4], strict=True):
        expected = slow_terms(config, int(value))
        assert powers.tolist() == expected + [0] * (terms - len(expected))
    sums = np.cumsum(found, axis=0)
    last = config.act_levels[-1]
    assert np.abs(sums).max() <= (top if terms > 1 else last)
    assert np.array_equal(rounded(values, config.input_powers), sums[-1])
    left = np.abs(values - sums)
    assert (np.diff(left, axis=0) <= 0).all(), "a further power never makes it worse"


def test_sums_of_powers_by_hand() -> None:
    powers = config_of("log", 8).input_powers
    assert powers.terms == 2
    assert split([11, 13, -7, 64, 0], powers).tolist() == [[8, 16, -8, 64, 0], [4, -2, 1, 0, 0]]
    x = [2.6, 1.5, -2.6]  # 3, 2 and -3, and these are 4 - 1, 2 and -2 - 1
    assert rounded(x, powers).tolist() == [3, 2, -3]


@pytest.mark.parametrize(("code", "act_width"), WIDTHS)
def test_codes_there_and_back(code: str, act_width: int) -> None:
    config = config_of(code, act_width)
    values = [sign * level for level in slow_levels(config) for sign in (1, -1)]
    words = encode(values, config.act_levels)
    assert words.tolist() == [slow_word(config, value) for value in values]
    assert words.max() < 1 << config.sent_width <= 1 << (act_width - 1)
    assert decode(words, config.act_levels).tolist() == values


def test_sizes_of_codes() -> None:
    sent = {kind: config_of(*kind).sent_width for kind in [*WIDTHS, ("log", 16), ("linear", 16)]}
    assert list(sent.values()) == [3, 4, 5, 4, 5, 5, 16]
