"""The whole compiler: the digits example, odd networks, options and refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boards.registry import find
from elsie.compress.compiler import compile_model
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quantise.kinds import with_weights
from golden.arithmetic.run import predict
from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.format import image, netfile
from golden.format.network import Network, locate
from golden.report import Report

BASE = EngineConfig()


@pytest.mark.parametrize("act_width", [8, 16])
def test_digits_lose_less_than_a_point(digits: Path, act_width: int) -> None:
    dense, pruned = load_onnx(digits / "digits.onnx"), load_onnx(digits / "digits-pruned.onnx")
    with np.load(digits / "calibrate.npz") as calibrate, np.load(digits / "test.npz") as test:
        samples, x, y = calibrate["x"], test["x"], test["y"]
    reference = 100 * np.mean(dense.predict(x).argmax(axis=1) == y)
    net = compile_model(
        pruned,
        samples,
        config=BASE.replace(act_width=act_width),
        evaluate=Evaluation(x=x, labels=y),
    )
    assert reference > 97
    assert net.info.figures["accuracy"]["golden"] >= reference - 1
    golden = 100 * np.mean(predict(net, x).argmax(axis=1) == y)
    assert net.info.figures["accuracy"]["golden"] == pytest.approx(golden, abs=1e-3)
    total = sum(layer.n_in * layer.n_out for layer in net.layers)
    assert 0.10 <= sum(layer.nnz for layer in net.layers) / total <= 0.15


@pytest.mark.parametrize("kind", MacKind)
@pytest.mark.parametrize("board", ["icebreaker", "hx8k", "ulx3s-85f", "orangecrab-85f"])
def test_digits_fit_every_board(digits: Path, board: str, kind: MacKind) -> None:
    preset = find(board).preset
    with np.load(digits / "calibrate.npz") as calibrate:
        net = compile_model(
            load_onnx(digits / "digits-sparse.onnx"),
            calibrate["x"],
            config=with_weights(preset.base, kind),
            options=CompileOptions(preset=preset),
        )
    used = image.encode(net).used
    per_pe = np.sum([layer.entries_per_pe for layer in net.info.layers], axis=0)
    assert used["entries"] == per_pe.max() <= net.config.entry_depth
    assert used["pointers"] <= net.config.column_depth <= used["pointers"] + 1
    assert used["biases"] == net.config.bias_depth
    assert net.config.mac is kind


@pytest.mark.parametrize(("density", "stored"), [(None, (3962, 4303, 367)), (0.6, None)])
def test_ternary_keeps_what_was_asked_for_or_chooses(
    density: float | None, stored: tuple[int, ...] | None
) -> None:
    """Without a density by TWN's threshold; with one every weight that pruning left is +-1."""
    examples = Path(__file__).parents[3] / "examples/digits"
    model = load_onnx(examples / "digits.onnx")
    with np.load(examples / "calibrate.npz") as data:
        x = data["x"]
    options = CompileOptions(density=density, effort="none")
    net = compile_model(model, x, config=with_weights(BASE, "ternary"), options=options)
    size = [layer.n_in * layer.n_out for layer in net.layers]
    assert tuple(layer.nnz for layer in net.layers) == (
        stored or tuple(round(0.6 * weights) for weights in size)
    )
    weights = np.concatenate([layer.weights(net.config) for layer in net.layers])
    assert set(weights.tolist()) == {-1, 1}
    layer = np.abs(model.layers[0].parts()[0].matrices[0])
    if density is None:
        assert stored is not None
        assert np.count_nonzero(layer > 0.7 * layer.mean()) == stored[0]


@pytest.mark.parametrize("density", [None, 0.5])
def test_mse_is_over_the_weights_that_are_left(
    random_model: Callable[..., Model], density: float | None
) -> None:
    """Against the weights of the network itself, at their scale."""
    model = random_model(9, 7, 4, density=0.8)
    samples = np.random.default_rng(2).normal(size=(20, 9))
    options = CompileOptions(density=density, effort="none")
    net = compile_model(model, samples, config=WIDE, options=options)
    for before, layer, row in zip(model.layers, net.layers, net.info.layers, strict=True):
        assert isinstance(before, FloatDense)
        weight = before.weight
        kept = np.zeros_like(weight)
        kept[layer.rows, layer.columns] = np.ldexp(layer.weights(net.config), -layer.weight_frac)
        left = kept != 0  # 12 bits lose none of these
        assert np.count_nonzero(left) == row.nnz
        error = np.mean((kept - weight)[left] ** 2)
        assert row.mse == float(f"{error:.4g}") > 0


def check(net: Network, model: Model, samples: np.ndarray) -> None:
    """The image fits, and the integer arithmetic is near the float network."""
    image.encode(net)
    expected = model.predict(samples)
    got = predict(net, samples)
    assert np.sqrt(np.mean((got - expected) ** 2)) < 0.02 * np.sqrt(np.mean(expected**2)) + 1e-9


WIDE = BASE.replace(mac=MacKind.FIXED, code_width=12, weight_width=12)


@pytest.mark.parametrize(
    ("pes", "group", "widths"),
    [
        (1, 1, (5, 7, 3)),
        (1, 4, (1, 1)),
        (16, 4, (5, 3, 2)),
        (7, 3, (9, 20, 11, 4, 6, 2)),
        (5, 2, (33, 1, 40)),
    ],
)
def test_odd_shapes(
    random_model: Callable[..., Model], pes: int, group: int, widths: tuple[int, ...]
) -> None:
    model = random_model(*widths, density=0.7)
    samples = np.random.default_rng(2).normal(size=(50, widths[0]))
    base = WIDE.replace(pes=pes, group=group, queue_depth=16, act_depth=1024)
    for strategy in ("lpt", "row_mod_n"):
        net = compile_model(model, samples, config=base, options=CompileOptions(strategy=strategy))
        check(net, model, samples)
        for layer in net.layers:
            pe, _ = locate(net.config, layer.position)
            assert np.bincount(pe).max() <= -(-layer.n_out // pes)


@pytest.mark.parametrize("kind", MacKind)
def test_zero_rows_columns_and_layers(kind: MacKind) -> None:
    weight = np.random.default_rng(3).normal(size=(6, 5))
    weight[2] = weight[:, 3] = 0
    layers = (
        FloatDense(name="a", weight=weight, bias=np.zeros(6), activation="relu"),
        FloatDense(name="none", weight=np.zeros((4, 6)), bias=np.ones(4), activation="relu"),
        FloatDense(name="c", weight=np.eye(4), bias=np.zeros(4), activation="identity"),
    )
    model, samples = Model(name="m", layers=layers), np.ones((1, 5))
    net = compile_model(model, samples, config=with_weights(BASE, kind))
    check(net, model, samples)
    assert net.info.layers[1].nnz == 0


@pytest.mark.parametrize("kind", MacKind)
@pytest.mark.parametrize("weight", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("bias", [0.0, 1e-9, 1.0, 1e9])
@pytest.mark.parametrize("samples", [0.0, 1e-6, 1e6])
def test_extreme_scales(kind: MacKind, weight: float, bias: float, samples: float) -> None:
    """Every combination compiles: scales give way before the accumulator overflows."""
    random = np.random.default_rng(4)
    floats = tuple(
        FloatDense(
            name=name,
            weight=weight * random.normal(size=(4, 4)),
            bias=np.full(4, bias),
            activation="relu",
        )
        for name in "ab"
    )
    x = samples * random.random((3, 4))
    net = compile_model(Model(name="m", layers=floats), x, config=with_weights(BASE, kind))
    image.encode(net)
    predict(net, x)


def test_equal_inputs_give_equal_files(random_model: Callable[..., Model], tmp_path: Path) -> None:
    samples = np.random.default_rng(5).normal(size=(20, 8))
    for name in ("one", "two"):
        net = compile_model(random_model(8, 12, 4), samples, config=BASE)
        netfile.save(net, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_info_and_progress(random_model: Callable[..., Model]) -> None:
    model = random_model(8, 12, 4, density=1.0)
    samples = np.random.default_rng(6).normal(size=(20, 8))
    labels = model.predict(samples).argmax(axis=1)
    said: list[str] = []
    net = compile_model(
        model,
        samples,
        config=with_weights(BASE, "fixed"),
        options=CompileOptions(density={"fc0": 0.25}),
        evaluate=Evaluation(x=samples, labels=labels),
        progress=said.append,
    )
    assert Report.from_dict(json.loads(json.dumps(net.info.to_dict())), "info") == net.info
    first, second = net.info.layers
    assert (first.nnz, first.density) == (24, 0.25)
    assert second.density > 0.9
    assert first.entries == first.nnz + first.padding == sum(first.entries_per_pe)
    assert net.info.size_bits.dense == 32 * (8 * 12 + 12 + 12 * 4 + 4)
    assert list(net.info.figures["accuracy"]) == ["float", "pruned", "quantised", "golden"]
    assert net.info.figures["accuracy"]["float"] == 100
    assert (net.config.code_width, net.config.weight_width) == (8, 8)
    assert len(said) == 5


def test_stored_bits(random_model: Callable[..., Model]) -> None:
    net = compile_model(random_model(8, 12, 4), np.ones((1, 8)), config=BASE)
    entries = sum(layer.entries for layer in net.info.layers)
    pointer = net.config.start_width + net.config.count_width
    expected = (
        entries * (4 + net.config.run_width)
        + 4 * (8 + 12) * pointer
        + 2 * 16 * 16
        + (12 + 4) * net.config.acc_width
    )
    assert net.info.size_bits.stored == expected


def test_stored_bits_in_spram(random_model: Callable[..., Model]) -> None:
    base = BASE.replace(entry_memory="spram", run_width=2)
    net = compile_model(random_model(8, 12, 4), np.ones((1, 8)), config=base)
    encoded = image.encode(net)
    words = sum(int((-(-image.unpack_layer(encoded, n)[0].count // 2)).sum()) for n in (0, 1))
    pointer = net.config.start_width + net.config.count_width
    expected = 16 * words + 4 * (8 + 12) * pointer + 2 * 16 * 16 + (12 + 4) * net.config.acc_width
    assert net.info.size_bits.stored == expected


def test_widths_given_by_the_base_are_kept(random_model: Callable[..., Model]) -> None:
    net = compile_model(
        random_model(4, 4),
        np.ones((1, 4)),
        config=with_weights(WIDE, "fixed"),
        options=CompileOptions(run_width=6, acc_width=40),
    )
    config = net.config
    assert (config.code_width, config.run_width, config.acc_width) == (12, 6, 40)
    net = compile_model(random_model(4, 4), np.ones((1, 4)), config=with_weights(BASE, "log"))
    assert net.config.code_width == 4


def test_refusals(random_model: Callable[..., Model]) -> None:
    model, x = random_model(4, 6, 3), np.ones((2, 4))

    def refused(match: str, samples: Any = x, **options: Any) -> None:
        with pytest.raises(ElsieError, match=match):
            compile_model(model, samples, config=BASE, options=CompileOptions(**options))

    def unusable(match: str, x: Any, labels: Any, **more: Any) -> None:
        data = Evaluation(x=x, labels=labels, **more)
        with pytest.raises(ElsieError, match=match):
            compile_model(model, np.ones((2, 4)), config=BASE, evaluate=data)

    refused(
        r"calibration data has shape \(2, 5\), but model random takes \(samples, 4\)",
        np.ones((2, 5)),
    )
    refused("calibration data has no samples", np.ones((0, 4)))
    refused("calibration data has values that are NaN", np.full((2, 4), np.nan))
    refused("calibration data must be real numbers, not <U1", np.full((2, 4), "a"))
    refused("calibration data has values beyond", np.full((2, 4), 1e13))
    refused("density must be above 0", density=0.0)
    refused("density must be above 0", density={"fc0": 2.0})
    refused("density names layer 'fc9', but model random has fc0, fc1", density={"fc9": 0.5})
    with pytest.raises(ElsieError, match="no kind of weights 'nosuch'; there are codebook, fixed"):
        with_weights(BASE, "nosuch")
    refused("no row assignment 'best'", strategy="best")
    refused("acc_width must be at least 32, the width of one product, not 31", acc_width=31)
    refused("run_width must be an integer from 2 to 16", run_width=1)
    unusable(r"evaluation data has shape \(1, 3\)", np.ones((1, 3)), [0])
    unusable("evaluation data: labels y must be 2 integer class numbers", x, [0])
    unusable("labels y must be integer class numbers, not float64", x, [0.0, 1.0])
    unusable("leave out lengths$", x, [0, 1], lengths=[1, 1])
    refused("it has no LSTM or GRU layers; leave out delta", delta=(0.1, 0.1))
    unusable(r"labels y are 0\.\.3, but model random has classes 0\.\.2", x, [0, 3])
    narrow, wide = CompileOptions(acc_width=32), random_model(40, 3, density=1.0)
    with pytest.raises(
        ElsieError, match=r"layer fc0: its sums reach \d+ .* they have 32; raise acc"
    ):
        compile_model(wide, np.ones((2, 40)), config=BASE, options=narrow)
    huge = FloatDense(name="big", weight=np.full((3, 4), 1e13), bias=np.zeros(3), activation="relu")
    with pytest.raises(ElsieError, match="layer big: weights or biases are beyond 1e\\+12"):
        compile_model(Model(name="m", layers=(huge,)), x, config=BASE)


def test_too_large_for_the_board(random_model: Callable[..., Model]) -> None:
    preset = find("icebreaker").preset
    with pytest.raises(ElsieError, match="network random is too large for board icebreaker"):
        compile_model(
            random_model(200, 200, 10),
            np.ones((1, 200)),
            config=preset.base,
            options=CompileOptions(preset=preset),
        )
