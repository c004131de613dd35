"""Layer arithmetic against fractions, plain integers, and the float layer within a bound."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.arithmetic.integers import round_half_even, saturate
from golden.arithmetic.layers import dense_weights
from golden.arithmetic.run import Runner, predict
from golden.arithmetic.sequences import quantise_input
from golden.errors import ElsieError
from golden.format.activations import ACTIVATIONS
from golden.format.network import Network
from golden.proof import accumulator_bound
from tests.golden.arithmetic.slow_powers import slow_levels, slow_terms
from tests.golden.timing.slow import slow_activate
from tests.networks import random_input, random_network, small_config


@pytest.mark.parametrize("shift", range(9))
def test_rounding_of_all_narrow_values(shift: int) -> None:
    values = range(-600, 600)
    expected = [round(Fraction(value, 1 << shift)) for value in values]
    assert round_half_even(list(values), shift).tolist() == expected


@given(st.integers(-(1 << 52), 1 << 52), st.integers(0, 52))
def test_rounding_of_wide_values(value: int, shift: int) -> None:
    assert int(round_half_even(value, shift)) == round(Fraction(value, 1 << shift))


@given(st.integers(-(1 << 20), 1 << 20), st.integers(1, 30), st.sampled_from([-1, 0, 1]))
def test_rounding_at_ties(odd: int, shift: int, beside: int) -> None:
    value = (2 * odd + 1) * (1 << (shift - 1)) + beside
    assert int(round_half_even(value, shift)) == round(Fraction(value, 1 << shift))


@pytest.mark.parametrize("width", range(1, 8))
def test_saturation_of_all_narrow_values(width: int) -> None:
    limit = 1 << (width - 1)
    got = saturate(list(range(-300, 300)), width).tolist()
    assert got == [min(max(value, -limit), limit - 1) for value in range(-300, 300)]


@st.composite
def networks(draw: st.DrawFn) -> tuple[Network, np.ndarray]:
    sizes = draw(st.lists(st.integers(1, 12), min_size=2, max_size=4))
    functions = draw(st.booleans())
    code = "linear" if functions else draw(st.sampled_from(["linear", "log"]))
    config = small_config(
        sizes,
        mac=draw(st.sampled_from(["codebook", "fixed", "log"])),
        act_width=16 if functions else draw(st.sampled_from([6, 8, 16])),
        functions=functions,
        act_code=code,
        **({"input_terms": draw(st.integers(1, 3))} if code == "log" else {}),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shift = draw(st.sampled_from([0, 4, 9, 14] if functions else [0, 4, 9]))
    names = [draw(st.sampled_from(sorted(ACTIVATIONS))) for _ in sizes[1:]] if functions else None
    network = random_network(rng, config, sizes, density=0.6, shift=shift, activations=names)
    return network, random_input(rng, network, 2)


def every_layer(network: Network, x: np.ndarray) -> list[np.ndarray]:
    """Integer outputs of every layer, each (samples, n_out)."""
    run = Runner(network, len(x))
    last = run.step(x)
    assert np.array_equal(last, run.outputs[-1])
    return run.outputs


@settings(max_examples=80)
@given(networks())
def test_all_layers_against_plain_integers(case: tuple[Network, np.ndarray]) -> None:
    network, x = case
    got = every_layer(network, x)
    for sample in range(len(x)):
        values = [int(value) for value in x[sample]]
        if network.config.act_code == "log":
            values = [sum(slow_terms(network.config, value)) for value in values]
        for number, layer in enumerate(network.layers):
            weights = layer.weights(network.config)
            sums = [int(bias) for bias in layer.bias]
            for column in range(layer.n_in):
                for nth in range(int(layer.indptr[column]), int(layer.indptr[column + 1])):
                    sums[layer.rows[nth]] += int(weights[nth]) * values[column]
            values = [slow_activate(s, layer, network) for s in sums]
            assert got[number][sample].tolist() == values


def real_layers(network: Network, x: np.ndarray) -> list[np.ndarray]:
    """The layers in real numbers, with the quantised weights, which stand for exact values."""
    outputs = [x]
    for layer in network.layers:
        weights = dense_weights(layer, network) * 2.0**-layer.weight_frac
        bias = layer.bias * 2.0 ** -(layer.weight_frac + layer.in_frac)
        y = outputs[-1] @ weights + bias
        outputs.append(np.maximum(y, 0) if layer.activation == "relu" else y)
    return outputs


def scaled(network: Network, fracs: list[int]) -> Network:
    """The same integers, standing for other real values: `fracs` of input, layer 1, ..."""
    layers = [
        dataclasses.replace(
            layer, in_frac=fracs[n], out_frac=fracs[n + 1],
            weight_frac=layer.shift - fracs[n] + fracs[n + 1],
        )
        for n, layer in enumerate(network.layers)
    ]  # fmt: skip
    return dataclasses.replace(network, layers=tuple(layers))


@pytest.mark.parametrize("seed", range(8))
def test_golden_is_within_half_a_bit_a_layer_of_real_numbers(seed: int) -> None:
    """|golden - real| <= E_n, where nothing saturates.

    Weights and biases are exact, so a layer only rounds: half an output LSB. An error e of its
    inputs grows at most by the row's sum of |weights|, and ReLU never makes it larger:
    E_0 = half an input LSB, E_n = E_(n-1) * max row sum |w| + 2**-out_frac / 2.
    """
    rng = np.random.default_rng(seed)
    sizes = [10, 9, 8, 6]
    config = small_config(sizes, act_width=16, weight_width=6, acc_width=40)
    network = scaled(random_network(rng, config, sizes, density=0.5, shift=5), [7, 6, 5, 4])
    x = rng.uniform(-3, 3, (20, 10))
    integers = quantise_input(network, x)
    got = every_layer(network, integers)
    limit = (1 << 15) - 1
    assert max(np.abs(values).max() for values in (integers, *got)) < limit, (
        "saturated: no bound holds"
    )
    bound, used = 0.5 * 2.0**-7, []
    for layer, values, real in zip(network.layers, got, real_layers(network, x)[1:], strict=True):
        weights = np.abs(dense_weights(layer, network)) * 2.0**-layer.weight_frac
        bound = bound * weights.sum(axis=0).max() + 0.5 * 2.0**-layer.out_frac
        error = np.abs(values * 2.0**-layer.out_frac - real).max()
        assert error <= bound + 1e-9
        used.append(error / bound)
    assert max(used) > 0.05, "a bound that nothing comes near proves little"
    assert np.array_equal(predict(network, x), np.ldexp(got[-1].astype(float), -4))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
def test_coded_activations_are_as_near_to_real_numbers_as_powers_can_be(
    code: str, seed: int
) -> None:
    """|golden - real| <= E_n, where nothing saturates.

    Hidden activations are at most R of their magnitude from a power, or half the least power where
    they are below it; R is 1/3 in base 2, and 19/109 in base sqrt 2. So with the error e of its
    inputs a hidden layer has E_n = e + max(R (largest real output + e), least / 2), where e =
    E_(n-1) * max row sum |w|; the last one rounds to an integer: E_n = e + 2**-out_frac / 2.
    """
    rng = np.random.default_rng(seed)
    sizes = [10, 9, 8, 6]
    config = small_config(sizes, act_width=16, weight_width=6, acc_width=44, act_code=code)
    network = scaled(random_network(rng, config, sizes, density=0.5, shift=5), [7, 6, 5, 4])
    integers = rng.choice(config.act_levels[:8], (20, 10)) * rng.choice([-1, 0, 1], (20, 10))
    got = every_layer(network, integers)
    share = 1 / 3 if code == "log" else 19 / 109
    bound, used = 0.0, []  # inputs are powers
    x = integers * 2.0 ** -network.layers[0].in_frac
    for layer, values, real in zip(network.layers, got, real_layers(network, x)[1:], strict=True):
        weights = np.abs(dense_weights(layer, network)) * 2.0**-layer.weight_frac
        step, last = 2.0**-layer.out_frac, layer is network.layers[-1]
        assert np.abs(values).max() < (1 << 15) - 1 if last else config.act_levels[-1]
        bound *= weights.sum(axis=0).max()
        largest = np.abs(real).max() + bound
        bound += step / 2 if last else max(share * largest, config.act_levels[0] / 2 * step)
        error = np.abs(values * step - real).max()
        assert error <= bound + 1e-9
        used.append(error / bound)
    assert max(used) > 0.05, "a bound that nothing comes near proves little"


def test_inputs_are_rounded_half_to_even_and_saturated() -> None:
    config = small_config([6, 2], act_width=8)
    network = random_network(np.random.default_rng(1), config, [6, 2])
    network = scaled(network, [2, 2])
    x = [[0.125, 0.375, -0.125, -0.625, 1e9, -1e9]]
    assert quantise_input(network, x).tolist() == [[0, 2, 0, -2, 127, -128]]


def test_inputs_of_engines_with_codes_are_rounded_to_powers_at_once() -> None:
    """2.6 is nearer to 2 than to 4, but 3, its integer, is not."""
    config = small_config([6, 2], act_width=8, act_code="log", input_terms=1)
    network = random_network(np.random.default_rng(1), config, [6, 2])
    network = scaled(network, [2, 2])
    x = [[0.65, -0.65, 0.75, -0.75, 1e300, -1e300]]
    assert quantise_input(network, x).tolist() == [[2, -2, 4, -2, 64, -64]]
    network = dataclasses.replace(network, config=config.replace(input_terms=2))
    assert quantise_input(network, x).tolist() == [[3, -3, 3, -3, 127, -128]], "integers"


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.zeros(6), r"input has shape \(6,\), but network random takes \(samples, 6\)"),
        (np.zeros((2, 5)), r"input has shape \(2, 5\)"),
        ([[0, 1, 2, 3, 4, math.nan]], "NaN or infinite; remove them first"),
        ([[0, 1, 2, 3, 4, -math.inf]], "NaN or infinite; remove them first"),
    ],
)
def test_inputs_that_are_refused(x: object, text: str) -> None:
    network = random_network(np.random.default_rng(1), small_config([6, 2]), [6, 2])
    with pytest.raises(ElsieError, match=text):
        quantise_input(network, x)  # pyright: ignore[reportArgumentType]


@settings(max_examples=30)
@given(networks(), st.booleans())
def test_the_overflow_bound_is_reached_and_not_exceeded(
    case: tuple[Network, np.ndarray], signed_input: bool
) -> None:
    """The worst input, row by row, by hand: each activation at the rail of its weight's sign."""
    network, _ = case
    layer, top = network.layers[0], 1 << (network.config.act_width - 1)
    dense = dense_weights(layer, network)
    high, most = top - 1, top if signed_input else top - 1
    if network.config.act_code == "log":
        high = most = slow_levels(network.config)[-1] * (1 + (network.config.input_terms > 1))
    low = -most if signed_input else 0
    worst = 0
    for row in range(layer.n_out):
        for sign in (1, -1):
            x = np.where(sign * dense[:, row] > 0, high, low)
            worst = max(worst, abs(int(dense[:, row] @ x + layer.bias[row])))
    bound = accumulator_bound(layer, network, signed_input=signed_input)
    assert worst <= bound
    magnitudes = np.abs(dense).sum(axis=0) * most
    # A row that no output has is held where a sigmoid is 0.
    idle = 32767 << layer.shift if layer.activation == "sigmoid" else 0
    assert bound == max(idle, int((magnitudes + np.abs(layer.bias)).max()))
