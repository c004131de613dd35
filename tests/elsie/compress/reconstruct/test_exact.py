"""Weights of quantised models end on their own grid, where an alphabet holds it, or a note says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import elsie
from elsie.compress.kinds.decoded import decoded
from elsie.compress.reconstruct.exact import Integers
from golden.format.network import Network

DOMAIN = "qonnx.custom_op.general"
RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(80, 12)).astype(np.float32)
V = RANDOM.normal(size=(10, 3)).astype(np.float32)


def integers(low: int, high: int, shape: tuple[int, int] = (12, 10)) -> np.ndarray:
    found = np.random.default_rng(7).integers(low, high + 1, size=shape)
    found[0, :2] = low, high
    return found


def save(path: Path, q: np.ndarray, scale: Any, how: str) -> None:
    """x -> Gemm with weights q * scale -> Relu -> Gemm, as QONNX or as QDQ writes it."""
    node, bits = helper.make_node, 8.0 if abs(q).max() > 8 else 4.0
    scale = np.asarray(scale, dtype=np.float32)
    arrays = {"v": V, "s": scale, "zero": np.zeros_like(scale), "bits": np.float32(bits)}
    if how == "qonnx":  # float weights that Quant rounds
        arrays["w"] = (q * scale + RANDOM.uniform(-0.4, 0.4, q.shape) * scale).astype(np.float32)
        nodes = [node("Quant", ["w", "s", "zero", "bits"], ["d"], domain=DOMAIN)]
    else:
        arrays["q"] = q.astype(np.int8)
        axis: dict[str, Any] = {"axis": 1} if scale.ndim else {}
        nodes = [node("DequantizeLinear", ["q", "s"], ["d"], **axis)]
    nodes += [
        node("Gemm", ["x", "d"], ["a"], name="g"),
        node("Relu", ["a"], ["r"]),
        node("Gemm", ["r", "v"], ["y"], name="h"),
    ]
    used = {name for one in nodes for name in one.input}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 12])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in arrays.items() if n in used],
    )
    opsets = [helper.make_opsetid("", 19), helper.make_opsetid(DOMAIN, 1)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())


def compiled(folder: Path, q: np.ndarray, scale: Any, how: str, weights: str, **given) -> Network:
    save(folder / "net.onnx", q, scale, how)
    bits = given.pop("code_width")
    engine = elsie.EngineOptions(code_width=bits)
    return elsie.compile(
        folder / "net.onnx", calibration=X, weights=weights, engine=engine, **given
    )


def first(network: Network) -> np.ndarray:
    return decoded(network).layers[0].parts()[0].matrices[0][0].T


def note(network: Network) -> str:
    (found,) = (said for said in network.info.notes if said.startswith("layer g: "))
    return found.removeprefix("layer g: ")


@pytest.mark.parametrize("how", ["qonnx", "qdq"])
@pytest.mark.parametrize(("low", "high", "width"), [(-8, 7, 4), (-7, 7, 4), (-128, 127, 8)])
def test_powers_of_two_are_exact(tmp_path: Path, how: str, low: int, high: int, width: int) -> None:
    q = integers(low, high)
    network = compiled(tmp_path, q, 2.0**-6, how, "fixed", code_width=width)
    assert np.array_equal(first(network), q * 2.0**-6)
    assert note(network) == (
        f"its weights stay on their grid, integers from {low} to {high} times 0.015625"
    )


@pytest.mark.parametrize("how", ["qonnx", "qdq"])
@pytest.mark.parametrize(("low", "high", "width"), [(-8, 7, 4), (-128, 127, 8)])
def test_a_codebook_holds_any_scale(
    tmp_path: Path, how: str, low: int, high: int, width: int
) -> None:
    """Each integer has a value of its own, as near as 16 bits bring it."""
    q, scale = integers(low, high), float(np.float32(0.07))
    network = compiled(tmp_path, q, scale, how, "codebook", code_width=width)
    found, step = first(network), 2.0 ** -network.layers[0].weight_frac
    assert np.abs(found - q * scale).max() <= step / 2
    assert step < scale * np.abs(q).max() * 2.0**-14
    for value in np.unique(q):
        assert len(np.unique(found[q == value])) == 1
    assert "its weights stay on their grid, integers from" in note(network)
    assert note(network).endswith("times 0.07, each value rounded to 16 bits")


def test_what_no_alphabet_of_the_engine_holds_is_said(tmp_path: Path) -> None:
    q = integers(-8, 7)
    network = compiled(tmp_path, q, 0.07, "qdq", "fixed", code_width=8)
    assert note(network) == (
        "its weights leave their grid, integers from -8 to 7 times 0.07; "
        "codebook weights of 4 bits hold it"
    )
    network = compiled(tmp_path, q, 0.25, "qdq", "fixed", code_width=3)
    assert note(network).endswith("times 0.25; fixed weights of 4 bits hold it")
    each = compiled(tmp_path, q, RANDOM.uniform(0.05, 0.1, 10), "qdq", "codebook", code_width=4)
    assert note(each) == (
        "its weights have no grid in common, so they are quantised like any others"
    )
    pruned = compiled(tmp_path, q, 0.25, "qdq", "fixed", code_width=4, density={"g": 0.5})
    assert note(pruned).endswith("times 0.25, because they are pruned")


def test_scales_of_powers_of_two_for_each_output(tmp_path: Path) -> None:
    """One fixed grid holds them all, if it is wide enough."""
    q, scales = integers(-8, 7), 2.0 ** -np.arange(2, 12).clip(max=5)
    network = compiled(tmp_path, q, scales, "qdq", "fixed", code_width=8)
    assert np.array_equal(first(network), q * scales)


def test_grids_are_found() -> None:
    found = Integers.of(float(np.float32(0.07)) * np.array([[0.0, 3, -5], [2, 7, 0]]))
    assert found is not None
    assert (found.low, found.high, found.count) == (-5, 7, 4)
    assert found.step == pytest.approx(0.07, rel=1e-6)
    assert Integers.of(RANDOM.normal(size=(5, 5))) is None
    assert Integers.of(np.zeros((2, 2))) is None
    wide = Integers.of(0.07 * np.arange(1.0, 600).astype(np.float64))
    assert wide is not None
    assert wide.alphabet is None
