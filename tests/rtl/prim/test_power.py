"""The nearest power: all narrow numbers, as the slow model says."""

from fractions import Fraction

import pytest

from rtl.prim.power import PowerCoder
from tests.golden.arithmetic.slow_powers import slow_levels, slow_nearest, slow_word
from tests.rtl.helpers import clocked, drive, tiny_config


@pytest.mark.parametrize(
    ("code", "act_width"), [("log", 4), ("log", 7), ("log", 8), ("log-sqrt2", 8), ("log-sqrt2", 10)]
)
def test_all_numbers(code: str, act_width: int) -> None:
    config = tiny_config(mac="log", act_code=code, act_width=act_width)
    mask, doubled = (1 << act_width) - 1, range(-(1 << act_width), 1 << act_width)
    rows = [
        {"magnitude": (~number if number < 0 else number) & mask, "negative": int(number < 0)}
        for number in doubled
    ]
    seen = drive(clocked(PowerCoder(config=config)), rows, ["word"])
    # A quarter more is still the same floor.
    for more in (Fraction(0), Fraction(1, 4)):
        numbers = [Fraction(number, 2) + more for number in doubled]
        expected = [slow_word(config, slow_nearest(config, number)) for number in numbers]
        assert [row["word"] for row in seen] == expected


@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
def test_beyond_the_last_level(code: str) -> None:
    config = tiny_config(mac="log", act_code=code)
    top = slow_levels(config)[-1]
    rows = [{"magnitude": n, "negative": s, "beyond": 1} for n in (0, 5, 255) for s in (0, 1)]
    seen = drive(clocked(PowerCoder(config=config)), rows, ["word"])
    assert [row["word"] for row in seen] == [slow_word(config, top), slow_word(config, -top)] * 3
