"""LSTM and GRU steps against plain Python, written from docs/format.md; and what is refused."""

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from golden.arithmetic.functions import SIGMOID_ERROR, TANH_ERROR, sigmoid, tanh
from golden.arithmetic.layers import LAYERS
from golden.arithmetic.run import Runner, forward
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.layer import Layer
from golden.format.network import Network
from golden.timing.model import TimingModel
from tests.cells import cell_config, cell_layer, cell_network, random_steps


def rounded(value: int, shift: int) -> int:
    """Value / 2**shift, half to even, as 16 bits; Python rounds a Fraction that way."""
    return max(-(1 << 15), min((1 << 15) - 1, round(Fraction(value, 1 << shift))))


def sig(value: int) -> int:
    return int(sigmoid(np.array(value)))


def tan(value: int) -> int:
    return int(tanh(np.array(value)))


def lstm(sums: list[int], c: int, look: list[int], shift: int, frac: int) -> tuple[int, int]:
    """Output and state of one cell; sums of i, f, g, o with their biases."""
    i = sig(rounded(sums[0] + look[0] * c, shift + 1))
    f = sig(rounded(sums[1] + look[1] * c, shift + 1))
    g = rounded(tan(rounded(sums[2], shift)), 14 - frac)
    new = rounded(f * c + i * g, 14)
    o = sig(rounded(sums[3] + look[2] * new, shift + 1))
    argument = max(-(1 << 15), min((1 << 15) - 1, new * 2 ** (12 - frac)))
    return rounded(o * tan(argument), 14), new


def gru(sums: list[int], h: int, shift: int) -> int:
    """Output of one cell; sums of z, r, n from the input, n from the state."""
    z, r = sig(rounded(sums[0], shift + 1)), sig(rounded(sums[1], shift + 1))
    n = tan(rounded(r * rounded(sums[3], shift) + rounded(sums[2], shift) * (1 << 14), 14))
    return rounded(z * h + ((1 << 14) - z) * n, 14)


def one_layer(kind: str, **changes: Any) -> Network:
    rng = np.random.default_rng(len(kind))
    config = cell_config(**changes)
    layer = cell_layer(rng, config, kind, 6, 9, peepholes=kind == "lstm")
    return Network(name="n", config=config, layers=(layer,))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("state_frac", [8, 11, 12])
def test_a_step_in_plain_python(kind: str, state_frac: int) -> None:
    network = one_layer(kind, state_frac=state_frac)
    layer, n = network.layers[0], 9
    rng = np.random.default_rng(state_frac)
    # Small sums, where rounding shows, and large ones, that saturate.
    sums = rng.integers(-(1 << 25), 1 << 25, (60, 4 * n)) >> rng.integers(0, 20, (60, 1))
    state = rng.integers(-(1 << 15), 1 << 15, (60, n)) >> rng.integers(0, 12, (60, 1))
    out, new = LAYERS[layer.kind].outputs(layer, network, sums, state)
    looks = layer.decode(network.config, layer.peephole) if kind == "lstm" else None
    for sample in range(60):
        for cell in range(n):
            mine = [int(sums[sample, g * n + cell] + layer.bias[g * n + cell]) for g in range(4)]
            before = int(state[sample, cell])
            if looks is not None:
                look = [int(value) for value in looks[cell]]
                expected = lstm(mine, before, look, layer.shift, state_frac)
            else:
                expected = (gru(mine, before, layer.shift),) * 2
            assert (int(out[sample, cell]), int(new[sample, cell])) == expected


def test_an_lstm_step_is_close_to_real_numbers() -> None:
    """Every rounding and both tables at their bounds; the state's own error counts once."""
    network = one_layer("lstm")
    layer, n, frac = network.layers[0], 9, network.config.state_frac
    rng = np.random.default_rng(1)
    scale = 2.0 ** -(layer.weight_frac + layer.in_frac)
    sums = rng.integers(-(1 << 24), 1 << 24, (200, 4 * n))
    state = rng.integers(-(1 << 14), 1 << 14, (200, n))
    out, new = LAYERS[layer.kind].outputs(layer, network, sums, state)
    total = ((sums + layer.bias) * scale).reshape(200, 4, n)
    looks = layer.decode(network.config, layer.peephole).T * scale * 2.0**frac
    c = state * 2.0**-frac
    i = 1 / (1 + np.exp(-(total[:, 0] + looks[0] * c)))
    f = 1 / (1 + np.exp(-(total[:, 1] + looks[1] * c)))
    real = f * c + i * np.tanh(total[:, 2])
    # A gate: its argument is off by half of 2**-11 at a slope of 1/4, or of 2**-12 at 1.
    gate, cell_input = SIGMOID_ERROR + 2**-14, TANH_ERROR + 2**-13 + 2.0 ** -(frac + 1)
    bound = gate * (np.abs(c) + 1) + cell_input + 2.0 ** -(frac + 1)
    assert (np.abs(new * 2.0**-frac - real) <= bound).all()
    o = 1 / (1 + np.exp(-(total[:, 3] + looks[2] * real)))
    slope = 1 + np.abs(looks[2]) / 4
    bound_h = gate + TANH_ERROR + slope * bound + 2**-15
    assert (np.abs(out * 2.0**-14 - o * np.tanh(real)) <= bound_h).all()


def test_a_gru_step_is_close_to_real_numbers() -> None:
    network = one_layer("gru")
    layer, n = network.layers[0], 9
    rng = np.random.default_rng(2)
    scale = 2.0 ** -(layer.weight_frac + layer.in_frac)
    sums = rng.integers(-(1 << 23), 1 << 23, (200, 4 * n))
    state = rng.integers(-(1 << 14), 1 << 14, (200, n))
    out, _ = LAYERS[layer.kind].outputs(layer, network, sums, state)
    total = ((sums + layer.bias) * scale).reshape(200, 4, n)
    h = state * 2.0**-14
    z, r = (1 / (1 + np.exp(-total[:, gate])) for gate in range(2))
    n_x, n_h = total[:, 2], total[:, 3]
    inside = (np.abs(n_x) < 7.5) & (np.abs(n_h) < 7.5)  # what 16 bits hold
    real = z * h + (1 - z) * np.tanh(n_x + r * n_h)
    gate = SIGMOID_ERROR + 2**-14
    candidate = gate * np.abs(n_h) + 3 * 2**-13 + TANH_ERROR
    bound = gate * (np.abs(h) + 1) + candidate + 2**-15
    assert (np.abs(out * 2.0**-14 - real) <= bound)[inside].all()
    assert inside.mean() > 0.5


@pytest.mark.parametrize("delta", [False, True])
@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_operations_compute_the_cells(seed: int, streams: int, delta: bool) -> None:
    """The timing model runs the list of operations, which the formulas know nothing of."""
    if delta and streams > 1:
        pytest.skip("delta has one stream")
    rng = np.random.default_rng(seed)
    config = cell_config(streams=streams, delta=delta, pes=5, group=2)
    network = cell_network(rng, config, peepholes=seed % 2 == 0)
    model, run = TimingModel(encode(network)), Runner(network, streams)
    for number, step in enumerate(random_steps(rng, network, 6)):
        # With delta a sequence ends with its answer.
        reset = (number % 2 == 0,) * streams if delta else step.reset
        run.reset(reset)
        values = run.step(step.x, answer=step.answer)
        output = model.run(step.x, reset=reset, answer=step.answer)[0].events["output"]
        found = np.zeros((streams, config.groups * config.act_depth), dtype=np.int64)
        found[output[:, 3], output[:, 1]] = output[:, 2]
        got = found[:, network.layers[-1].position]
        assert np.array_equal(got, values if step.answer else np.zeros_like(got))


def test_sequences_of_other_lengths_do_not_meet() -> None:
    """Padding behind a sequence, and the others beside it, change nothing."""
    rng = np.random.default_rng(3)
    network = cell_network(rng, cell_config())
    x = rng.integers(-(1 << 14), 1 << 14, (5, 7, network.n_in))
    lengths = np.array([7, 1, 4, 6, 2])
    together = forward(network, x, lengths)
    for sample, length in enumerate(lengths):
        alone = forward(network, x[sample : sample + 1, :length])
        assert np.array_equal(together[sample], alone[0])


# -- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"cells": 0}, "streams, delta and act_lists are for engines with cells"),
        ({"cells": 0, "act_lists": 2, "streams": 2}, "are for engines with cells"),
        ({"act_width": 8}, "act_width must be 16 with LSTM or GRU cells, not 8"),
        ({"shift_low": 14}, "the shifts must go from below 14"),
        ({"shift_high": 13}, "to 14 or more, not from 0 to 13"),
        ({"streams": 5, "act_lists": 9}, "act_lists must be at least 10 for 5 streams, not 9"),
        ({"delta": 1}, "delta must be true or false, not 1"),
        (
            {"streams": 2, "entry_memory": "spram", "mac": "log", "run_width": 4},
            "several streams need entry_memory block",
        ),
    ],
)
def test_configurations(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ElsieError, match=text):
        cell_config(**changes)


def refused(network: Network, number: int, text: str, **changes: Any) -> None:
    """A network with one layer changed is refused."""
    layers = list(network.layers)
    layers[number] = dataclasses.replace(layers[number], **changes)
    with pytest.raises(ElsieError, match=text):
        dataclasses.replace(network, layers=tuple(layers))


def test_layers_of_cells() -> None:
    network = cell_network(np.random.default_rng(4), cell_config())
    first = network.layers[0]
    refused(network, 0, "layer lstm12: activation must be identity", activation="relu")
    refused(network, 0, "layer lstm12: out_frac must be 14", out_frac=13)
    refused(network, 0, "layer lstm12: shift must be weight_frac", shift=11)
    refused(network, 0, "layer lstm12: peephole must be", peephole=first.peephole[:5])
    refused(network, 0, "peephole's weight code is out of range", peephole=first.peephole + 4096)
    refused(network, 0, "layer lstm12: indptr must have 18 elements", indptr=first.indptr[:-1])
    refused(network, 0, "layer lstm12: bias must have 48 elements", bias=first.bias[:12])
    refused(network, 0, "layer lstm12: n_back is 7, but layer lstm12 has 12", projected=False)
    refused(network, 2, "layer gru9: only an LSTM has peepholes", peephole=np.zeros((9, 3), int))
    refused(network, 1, "layer dense7: a dense layer feeds nothing back", peephole=first.peephole)
    narrow = network.config.replace(shift_high=14, shift_low=12)
    shifted = dataclasses.replace(first, shift=14, weight_frac=12)
    with pytest.raises(ElsieError, match="a sigmoid needs shift 15, but the engine has 14"):
        Network(name="n", config=narrow, layers=(shifted, *network.layers[1:]))
    with pytest.raises(ElsieError, match=r"has cells, but the engine has none \(cells is 0\)"):
        dataclasses.replace(
            network, config=network.config.replace(cells=0, act_lists=2, act_depth=128)
        )


def test_where_cells_may_stand() -> None:
    network = cell_network(np.random.default_rng(5), cell_config())
    lstm12, dense7, gru9, dense5 = network.layers
    config = network.config

    def of(*layers: Layer, head: int | None = None) -> Network:
        return Network(name="n", config=config, layers=layers, head=head)

    with pytest.raises(ElsieError, match="it is projected, but no layer follows it"):
        of(lstm12)
    with pytest.raises(ElsieError, match="it is projected, but no layer follows it"):
        of(lstm12, dense7, head=1)
    square = cell_layer(np.random.default_rng(6), config, "gru", 9, 9)
    with pytest.raises(ElsieError, match="the layer after it is not a projection"):
        of(dataclasses.replace(gru9, projected=True), square)
    with pytest.raises(ElsieError, match="cells must run in every step, not in the head"):
        of(lstm12, dense7, gru9, dense5, head=2)
    for head in (0, 4):
        with pytest.raises(ElsieError, match="head must be the number of a layer after the first"):
            of(lstm12, dense7, gru9, dense5, head=head)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"act_lists": 5}, "it needs 6 lists of activations for each of 1 streams"),
        ({"cells": 5}, "layer gru9: the cells up to here need 6 a PE, but the engine has 5"),
        ({"act_depth": 5}, "raise act_depth"),
    ],
)
def test_engines_that_are_too_small(changes: dict[str, Any], text: str) -> None:
    network = cell_network(np.random.default_rng(7), cell_config())
    small: EngineConfig = network.config.replace(**changes)
    with pytest.raises(ElsieError, match=text):
        encode(dataclasses.replace(network, config=small))


def test_peepholes_need_block_ram() -> None:
    config = cell_config(mac="log", run_width=4, entry_memory="spram")
    network = cell_network(np.random.default_rng(8), config, peepholes=True)
    with pytest.raises(ElsieError, match="layer lstm12: peepholes need entry_memory block"):
        encode(network)
