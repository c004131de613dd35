"""Quantisers: valid codes, consistent values, least error over a scan of scales."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from elsie.compress.quantise.codes import largest_frac
from elsie.compress.quantise.quantise import quantise
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig, MacKind
from golden.format.alphabets import decode

CONFIGS = {
    MacKind.CODEBOOK: EngineConfig(),
    MacKind.FIXED: EngineConfig(mac=MacKind.FIXED, code_width=8, weight_width=8),
    MacKind.LOG: EngineConfig(mac=MacKind.LOG, code_width=4),
    MacKind.LOG_SQRT2: EngineConfig(mac=MacKind.LOG_SQRT2, code_width=4),
    MacKind.TERNARY: EngineConfig(mac=MacKind.TERNARY, code_width=1, weight_width=2),
}
WEIGHTS = arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    elements=st.one_of(st.just(0.0), st.floats(-3, 3, allow_subnormal=False)),
)


def best_error(weight: np.ndarray, levels: np.ndarray) -> float:
    """Least squared error over scales 2**-40..2**40 of the integer `levels`, zero included."""
    errors = []
    for frac in range(-40, 41):
        values = np.append(levels, 0) * 2.0**-frac
        errors.append(np.min((weight.reshape(-1, 1) - values) ** 2, axis=1).sum())
    return float(min(errors))


@pytest.mark.parametrize("kind", MacKind)
@given(weight=WEIGHTS)
def test_codes_and_values_agree(kind: MacKind, weight: np.ndarray) -> None:
    config = CONFIGS[kind]
    result = quantise(config, weight)
    assert ((result.codes >= 0) & (result.codes < 1 << config.code_width)).all()
    assert not result.stored[weight == 0].any()
    integers = decode(config, result.codes, result.codebook)
    least = np.abs(decode(config, np.arange(1 << config.code_width), result.codebook)).min()
    assert (np.abs(integers[~result.stored]) == least).all()
    assert (integers[result.stored] != 0).all()
    expected = np.where(result.stored, integers * 2.0**-result.weight_frac, 0)
    assert (result.values == expected).all()
    assert result.codebook.shape == ((16,) if kind is MacKind.CODEBOOK else (0,))


@pytest.mark.parametrize("kind", MacKind)
def test_all_zero_matrix(kind: MacKind) -> None:
    result = quantise(CONFIGS[kind], np.zeros((3, 2)))
    assert not result.stored.any()
    assert (result.values == 0).all()


@pytest.mark.parametrize("kind", MacKind)
@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e9])
def test_extreme_scales(kind: MacKind, scale: float) -> None:
    weight = np.random.default_rng(1).normal(size=(9, 9)) * scale
    result = quantise(CONFIGS[kind], weight)
    # Of normally distributed weights all +-1 loses 1 - 2 / pi, and at most a ninth of the
    # rest if the scale is a power of two.
    most = 0.5 if kind is MacKind.TERNARY else 0.1
    assert np.mean((result.values - weight) ** 2) < most * np.mean(weight**2)


def test_codebook_uses_the_whole_width() -> None:
    result = quantise(CONFIGS[MacKind.CODEBOOK], np.random.default_rng(2).normal(size=(20, 20)))
    assert 1 << 14 <= np.abs(result.codebook).max() <= 1 << 15


def test_codebook_is_exact_for_few_values() -> None:
    weight = np.array([[0.5, -0.25, 0.0], [1.0, 0.5, -0.25]])
    result = quantise(CONFIGS[MacKind.CODEBOOK], weight)
    assert (result.values == weight).all()
    assert result.weight_frac == 14  # 1.0 x 2**15 does not fit 16 bits


def test_codebook_entries_that_round_to_zero_are_dropped() -> None:
    config = EngineConfig(weight_width=4)
    result = quantise(config, np.array([[1.0, 1e-4, -0.5]]))
    assert result.stored.tolist() == [[True, False, True]]


def test_codebook_goes_to_the_nearest_shared_weight() -> None:
    weight = np.random.default_rng(3).normal(size=(30, 30))
    result = quantise(CONFIGS[MacKind.CODEBOOK], weight)
    shared = result.codebook * 2.0**-result.weight_frac
    nearest = np.abs(weight[..., None] - shared).min(axis=-1)
    assert np.abs(result.values - weight) == pytest.approx(nearest, abs=1e-12)


@given(weight=WEIGHTS)
def test_fixed_has_the_least_error(weight: np.ndarray) -> None:
    result = quantise(CONFIGS[MacKind.FIXED], weight, max_frac=40)
    error = float(np.sum((result.values - weight) ** 2))
    assert error <= best_error(weight, np.arange(-128, 128)) * (1 + 1e-9) + 1e-30


@given(weight=WEIGHTS)
def test_log_has_the_least_error(weight: np.ndarray) -> None:
    powers = 2 ** np.arange(8)
    result = quantise(CONFIGS[MacKind.LOG], weight, max_frac=40)
    error = float(np.sum((result.values - weight) ** 2))
    assert error <= best_error(weight, np.concatenate([powers, -powers])) * (1 + 1e-9) + 1e-30


@given(weight=WEIGHTS)
def test_log_sqrt2_has_the_least_error(weight: np.ndarray) -> None:
    steps = np.array([32, 45, 64, 90, 128, 180, 256, 360])
    result = quantise(CONFIGS[MacKind.LOG_SQRT2], weight, max_frac=48)
    error = float(np.sum((result.values - weight) ** 2))
    assert error <= best_error(weight, np.concatenate([steps, -steps])) * (1 + 1e-9) + 1e-30


def test_log_rounds_in_the_value_domain() -> None:
    weight = np.array([[1.0, 1.49, 1.51, -2.0, 64.0, 128.0, 0.49, 0.51]])
    result = quantise(CONFIGS[MacKind.LOG], weight)
    assert result.weight_frac == 0
    assert result.values.tolist() == [[1.0, 1.0, 2.0, -2.0, 64.0, 128.0, 0.0, 1.0]]


@pytest.mark.parametrize("kind", MacKind)
def test_max_frac_is_kept(kind: MacKind) -> None:
    result = quantise(CONFIGS[kind], np.array([[1e-6, 2e-6]]), max_frac=5)
    assert result.weight_frac == 5
    assert not result.stored.any()


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=5),
    st.integers(4, 24),
)
def test_largest_frac(values: list[float], width: int) -> None:
    x, limit = np.array(values), 1 << (width - 1)

    def fits(frac: int) -> bool:
        scaled = np.rint(x * 2.0**frac)
        return bool(scaled.min() >= -limit and scaled.max() < limit)

    frac = largest_frac(x, width=width)
    assert fits(frac)
    assert frac == 60 or not fits(frac + 1) or not x.any()


def test_ternary_by_hand() -> None:
    """The mean magnitude is 0.3, and of 1/4 and 1/2 the first is nearer."""
    result = quantise(CONFIGS[MacKind.TERNARY], np.array([[0.5, -0.3, 0.0], [-0.1, 0.3, 0.0]]))
    assert result.weight_frac == 2
    assert result.stored.tolist() == [[True, True, False], [True, True, False]]
    assert result.codes.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert result.values.tolist() == [[0.25, -0.25, 0.0], [-0.25, 0.25, 0.0]]


@pytest.mark.parametrize(("mean", "frac"), [(1.49, 0), (1.51, -1), (0.76, 0), (0.74, 1), (3.1, -2)])
def test_ternary_takes_the_nearer_power_of_two(mean: float, frac: int) -> None:
    weight = mean * np.array([[0.5, -1.5, 1.0]])
    assert quantise(CONFIGS[MacKind.TERNARY], weight).weight_frac == frac


@given(weight=WEIGHTS)
def test_ternary_has_the_least_error_of_all_powers_of_two(weight: np.ndarray) -> None:
    result = quantise(CONFIGS[MacKind.TERNARY], weight, max_frac=40)
    present = np.abs(weight[weight != 0])
    if (present < 2.0**-40).any():
        return
    assert np.array_equal(result.stored, weight != 0)
    errors = [float(np.sum((present - 2.0**-frac) ** 2)) for frac in range(-40, 41)]
    error = float(np.sum((result.values - weight) ** 2))
    assert error <= min(errors) * (1 + 1e-9) + 1e-30


def test_a_coarser_scale_than_the_best_drops_what_is_nearer_to_0() -> None:
    weight = np.array([[0.5, 0.1, -0.13]])  # the best is 1/4
    result = quantise(CONFIGS[MacKind.TERNARY], weight, max_frac=1)
    assert result.values.tolist() == [[0.5, 0.0, 0.0]]
    assert quantise(CONFIGS[MacKind.TERNARY], weight).stored.all()


def test_ternary_keeps_what_exceeds_seven_tenths_of_the_mean_magnitude() -> None:
    keep = QUANTISERS[MacKind.TERNARY].keep
    weight = np.array([[1.0, -0.69, 0.71], [1.6, 1.0, -1.0]])  # the mean is 1
    assert keep(weight).tolist() == [[1.0, 0.0, 0.71], [1.6, 1.0, -1.0]]
    assert keep(np.array([[0.7, 1.3, 1.0]])).tolist() == [[0.0, 1.3, 1.0]]  # as much is not more
    assert not keep(np.zeros((2, 2))).any()


@pytest.mark.parametrize("kind", set(MacKind) - {MacKind.TERNARY})
def test_other_kinds_keep_every_weight(kind: MacKind) -> None:
    weight = np.array([[1.0, -1e-9, 0.0]])
    assert QUANTISERS[kind].keep(weight).tolist() == weight.tolist()


def scheme(name: str, bits: int = 1) -> Scheme:
    return Scheme(name=name, bits=bits)


BY_HAND = np.array([[0.5, -0.25, 0.0], [-1.0, 0.75, 0.0]])


@pytest.mark.parametrize(
    ("name", "values"),
    [("binary", (-0.625, 0.625)), ("twn", (-0.625, 0.625)), ("ttq", (-0.625, 0.625))],
)
def test_one_and_two_scales_by_hand(name: str, values: tuple[float, float]) -> None:
    """Means: of all magnitudes 5/8, of each sign 5/8 too; then two more weights."""
    config = EngineConfig(code_width=1)
    result = quantise(config, BY_HAND, scheme=scheme(name))
    low, high = values
    assert result.values.tolist() == [[high, low, 0.0], [low, high, 0.0]]
    assert result.codes.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert (result.codebook * 2.0**-result.weight_frac).tolist() == [low, high]
    more = np.append(BY_HAND, [[1.0, 1.0, 0.0]], axis=0)  # now 3/4 of all; 5/8 and 13/16
    low, high = (-0.625, 0.8125) if name == "ttq" else (-0.75, 0.75)
    assert quantise(config, more, scheme=scheme(name)).grid.tolist() == [low, high]


@pytest.mark.parametrize("name", ["binary", "twn", "ttq"])
def test_weights_of_one_sign(name: str) -> None:
    result = quantise(EngineConfig(code_width=1), np.array([[2.0, 4.0, 0.0]]), scheme=scheme(name))
    assert result.values.tolist() == [[3.0, 3.0, 0.0]]


@pytest.mark.parametrize("name", ["twn", "ttq"])
@given(weight=arrays(np.float64, (2, 3), elements=st.integers(-9, 9).map(float)))
def test_what_is_kept_has_the_least_error(name: str, weight: np.ndarray) -> None:
    """Of all thresholds, each sign's own for two scales."""

    def error(kept: np.ndarray) -> float:
        signs = (kept < 0, kept > 0) if name == "ttq" else (kept != 0,)
        made = np.zeros_like(kept)
        for here in signs:
            made[here] = np.sign(kept[here]) * (np.abs(kept[here]).mean() if here.any() else 0.0)
        return float(np.sum((made - weight) ** 2))

    magnitude = np.append(np.abs(weight).reshape(-1), np.inf)
    cuts = [(a, b) for a in magnitude for b in (magnitude if name == "ttq" else [a])]
    every = [np.where((weight <= -low) | (weight >= high), weight, 0.0) for low, high in cuts]
    found = QUANTISERS[name].keep(weight)
    assert np.isin(found, [0.0, *weight.reshape(-1)]).all()
    assert error(found) <= min(map(error, every)) * (1 + 1e-9) + 1e-30


SHARED = [("fixed", 2), ("fixed", 4), ("log", 3), ("log", 4), ("log-sqrt2", 4), ("ternary", 1)]


@pytest.mark.parametrize(("name", "bits"), SHARED)
def test_a_codebook_holds_every_alphabet(name: str, bits: int) -> None:
    """The same integers at the same scale as in an engine of its own."""
    weight = np.random.default_rng(6).normal(size=(12, 9))
    weight[0] = 1e-6  # some become 0
    kind = MacKind(name)
    width = {"weight_width": bits} if kind is MacKind.FIXED else {}
    own = CONFIGS[kind].replace(**{"code_width": bits, **width})
    one, other = quantise(own, weight), quantise(EngineConfig(), weight, scheme=scheme(name, bits))
    assert other.weight_frac == one.weight_frac
    assert np.array_equal(other.stored, one.stored)
    assert np.array_equal(other.values, one.values)
    assert np.array_equal(other.grid, one.grid)
    assert other.codebook.shape == (16,)
    integers = decode(EngineConfig(), other.codes, other.codebook)
    assert np.array_equal(integers[other.stored] * 2.0**-other.weight_frac, one.values[one.stored])


def test_a_codebook_of_fewer_values_in_a_wider_one() -> None:
    weight = np.random.default_rng(7).normal(size=(12, 9))
    narrow = quantise(EngineConfig(code_width=2), weight)
    wide = quantise(EngineConfig(), weight, scheme=scheme("codebook", 2))
    assert np.array_equal(narrow.values, wide.values)
    assert wide.codebook.tolist() == [*narrow.codebook.tolist(), *[0] * 12]


def test_a_place_for_0_where_all_codes_are_taken() -> None:
    weight = np.array([[1.0, 2.0, 3.5, 5.0, 0.0]])
    config = EngineConfig(code_width=2)
    assert (quantise(config, weight).codebook != 0).all()
    result = quantise(config, weight, zero=True)
    assert sorted((result.codebook * 2.0**-result.weight_frac).tolist()) == [0.0, 1.5, 3.5, 5.0]
    assert decode(config, result.codes, result.codebook)[0, 4] == 0
    # A wider codebook has one anyway.
    wide = quantise(EngineConfig(), weight, scheme=scheme("codebook", 2), zero=True)
    assert wide.values.tolist() == weight.tolist()
    assert wide.codebook[wide.codes[0, 4]] == 0
