"""Activation scales and column activity."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from elsie.compress.quantise.calibrate import activation_frac, column_activity, fake_quantise
from golden.kinds import Powers


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=20),
    st.sampled_from([4, 8, 16]),
    st.sampled_from([(), (1,), (32, 45)]),
    st.sampled_from([1, 2, 3]),
)
def test_scale_has_the_least_error(
    values: list[float], act_width: int, mantissas: tuple[int, ...], terms: int
) -> None:
    x = np.array(values).reshape(-1, 1)
    levels = [m << e for e in range(act_width) for m in mantissas]
    levels = tuple(level for level in levels if level < 1 << (act_width - 1))
    grid = {"act_width": act_width, "powers": Powers(levels=levels, terms=terms)}

    def error(frac: int) -> float:
        return float(np.sum((fake_quantise(x, frac, **grid) - x) ** 2))

    chosen = activation_frac(x, **grid)
    assert error(chosen) <= min(error(frac) for frac in range(-20, 61)) * (1 + 1e-12)


def test_rounds_half_to_even_and_saturates() -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 100.0, -100.0])
    assert fake_quantise(x, 0, act_width=4).tolist() == [0, 2, 2, 0, -2, 7, -8]


def test_rounds_to_the_nearest_power_by_value() -> None:
    """2.9 is nearer to 2 than to 4, though not in the logarithm."""
    x = np.array([0.24, 0.25, 2.9, 3.0, -3.0, -3.1, 1e30, -1e30])
    expected = [0, 0.5, 2, 4, -2, -4, 32, -32]
    powers = Powers(levels=(1, 2, 4, 8, 16, 32, 64))
    assert fake_quantise(x, 1, act_width=8, powers=powers).tolist() == expected


def test_a_rare_outlier_is_saturated() -> None:
    x = np.append(np.linspace(-1, 1, 10_000), 1.2)
    assert activation_frac(x, act_width=8) == 7


def test_of_equal_errors_the_one_with_headroom() -> None:
    assert activation_frac(np.array([0.0, 0.5, 1.0]), act_width=8) == 6


def test_max_frac_and_zeros() -> None:
    assert activation_frac(np.array([0.1]), act_width=8, max_frac=3) == 3
    assert activation_frac(np.zeros((2, 2)), act_width=8) == 7
    assert activation_frac(np.zeros((2, 2)), act_width=8, max_frac=-2) == -2


def test_activity_counts_what_the_engine_sees_as_non_zero() -> None:
    x = np.array([[1.0, 0.0, 0.01], [0.5, 0.0, 1.0], [0.0, 0.0, 0.01], [0.0, 0.0, -0.01]])
    assert column_activity(x, 4, act_width=8).tolist() == [0.5, 0.0, 0.25]
