"""Requantiser: every narrow value at every shift against fractions; wide ones against golden."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.arithmetic.integers import round_half_even, saturate
from golden.config import EngineConfig
from rtl.operations.requantiser import Requantiser
from sim.harness import simulate
from tests.cases import halved
from tests.golden.arithmetic.slow_powers import slow_nearest, slow_word
from tests.rtl.helpers import tiny_config


def run(
    config: EngineConfig, settings: list[tuple[int, int]], totals: list[int], **more: int
) -> list[int]:
    """Activations of all totals, one a cycle, for each (shift, relu) in turn.

    The unit is told how far the shift is above the least; and `more` settings.
    """
    dut, seen = Requantiser(config=config), []

    async def bench(ctx) -> None:
        for shift, relu in settings:
            ctx.set(dut.settings, {"shift": shift - config.shift_low, "relu": relu, **more})
            for cycle in range(len(totals) + dut.LATENCY):
                if cycle < len(totals):
                    ctx.set(dut.total, totals[cycle])
                if cycle >= dut.LATENCY:
                    seen.append(ctx.get(dut.activation))
                await ctx.tick()

    simulate(dut, bench, max_cycles=len(settings) * (len(totals) + 4))
    return seen


@pytest.mark.parametrize(
    ("ends", "relu"),
    halved([(0, 52), (1, 52), (3, 6), (4, 4), (0, 0), (9, 9), (5, 52)], [0, 1]),
    ids=str,
)
def test_all_narrow_values_at_all_shifts(ends: tuple[int, int], relu: int) -> None:
    low, high = ends
    config = tiny_config(act_width=6, weight_width=2, acc_width=10, shift_low=low, shift_high=high)
    totals, shifts = list(range(-512, 512)), range(low, min(high, 9) + 1)
    got = run(config, [(shift, relu) for shift in shifts], totals)
    expected = []
    for shift in shifts:
        for total in totals:
            # Python rounds a Fraction half to even; that is the whole specification.
            value = max(-32, min(31, round(Fraction(total, 2**shift))))
            expected.append(max(0, value) if relu else value)
    assert got == expected


@settings(max_examples=25)
@given(st.integers(24, 53), st.integers(4, 16), st.data())
def test_wide_values(acc_width: int, act_width: int, draw: st.DataObject) -> None:
    low = draw.draw(st.integers(0, acc_width - 1))
    high = draw.draw(st.integers(low, 52))
    config = tiny_config(
        acc_width=acc_width, act_width=act_width, weight_width=8, shift_low=low, shift_high=high
    )
    shift = draw.draw(st.integers(low, min(high, acc_width - 1)))
    limit = 1 << (acc_width - 1)
    rng = np.random.default_rng(draw.draw(st.integers(0, 2**32 - 1)))
    # Near the saturation and on ties, where the faults are; then anywhere.
    edge = rng.integers(-4, 5, 40) << max(0, shift - 1)
    edge = edge + rng.integers(-1, 2, 40)
    rail = rng.choice([-1, 1], 40) * (1 << min(acc_width - 2, act_width - 1 + shift)) + edge
    anywhere = rng.integers(-limit, limit, 40)
    totals = np.clip(np.concatenate([edge, rail, anywhere, [-limit, limit - 1]]), -limit, limit - 1)
    expected = saturate(round_half_even(totals, shift), act_width)
    for relu in (0, 1):
        got = run(config, [(shift, relu)], [int(total) for total in totals])
        assert got == [int(v) for v in (np.maximum(expected, 0) if relu else expected)]


@pytest.mark.parametrize("relu", [0, 1])
@pytest.mark.parametrize(
    ("ends", "coding"), halved([(0, 52), (3, 6), (4, 4)], [("log", 6), ("log-sqrt2", 8)]), ids=str
)
def test_powers_at_all_shifts(ends: tuple[int, int], coding: tuple[str, int], relu: int) -> None:
    (low, high), (code, act_width) = ends, coding
    config = tiny_config(
        mac="ternary", act_code=code, act_width=act_width, acc_width=12, shift_low=low,
        shift_high=high,
    )  # fmt: skip
    totals, shifts = list(range(-2048, 2048, 3)), range(low, min(high, 6) + 1)
    pairs = [(shift, relu) for shift in shifts]
    expected = []
    for shift in shifts:
        for total in totals:
            value = slow_nearest(config, Fraction(total, 2**shift))
            expected.append(slow_word(config, max(0, value) if relu else value))
    assert run(config, pairs, totals, coded=1) == expected
    limit = 1 << (act_width - 1)
    rounded = [
        max(-limit, min(limit - 1, round(Fraction(t, 2**shift))))
        for shift in shifts
        for t in totals
    ]
    assert run(config, pairs, totals, coded=0) == [max(0, v) if relu else v for v in rounded]
