"""Branches of the same functions, side by side: rows of the same layers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

node = helper.make_node


def build(nodes: list[Any], arrays: dict[str, Any], n: int = 5) -> Any:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["s", n])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def load(proto: Any, folder: Path) -> Any:
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return load_onnx(path)


def agrees(proto: Any, model: Any, n: int = 5) -> None:
    x = np.random.default_rng(2).normal(size=(20, n)).astype(np.float32)
    found: Any = ReferenceEvaluator(proto).run(None, {"x": x})
    assert np.abs(model.predict(x) - found[0].reshape(20, -1)).max() < 1e-5


@pytest.mark.parametrize("seed", range(20))
def test_random_branches(tmp_path: Path, seed: int) -> None:
    """Of one depth, joined at once or one after the other, with more layers behind."""
    random = np.random.default_rng(seed)
    kinds = [str(random.choice(["Relu", "Tanh", "Sigmoid", "LeakyRelu"])) for _ in range(2)]
    nodes, arrays, ends = [], {}, []
    same = int(random.integers(2, 5))
    for branch in range(int(random.integers(2, 4))):
        name, width = "x", 5
        for depth, kind in enumerate(kinds[: int(seed % 2) + 1]):
            tag, last = f"{branch}{depth}", depth == seed % 2
            out = same if last else int(random.integers(1, 6))
            arrays[f"w{tag}"] = random.normal(size=(width, out))
            arrays[f"b{tag}"] = random.normal(size=out)
            nodes.append(node("Gemm", [name, f"w{tag}", f"b{tag}"], [f"a{tag}"]))
            nodes.append(node(kind, [f"a{tag}"], [f"f{tag}"], name=f"f{tag}"))
            name, width = f"f{tag}", out
        ends.append(name)
    join = str(random.choice(["Concat", "Sum", "Mean"]))
    attributes: dict[str, Any] = {"axis": 1} if join == "Concat" else {}
    nodes.append(node(join, ends, ["y" if seed % 3 else "joined"], **attributes))
    if seed % 3 == 0:
        arrays["v"] = random.normal(size=(same * (len(ends) if join == "Concat" else 1), 3))
        nodes.append(node("MatMul", ["joined", "v"], ["y"]))
    proto = build(nodes, arrays)
    model = load(proto, tmp_path)
    agrees(proto, model)
    # LeakyRelu's two rows are joined by what follows; a join alone is a layer, unless it is Concat.
    leaky = "LeakyRelu" in kinds[: seed % 2 + 1]
    assert len(model.layers) <= seed % 2 + 1 + (seed % 3 == 0 or join != "Concat" or leaky)


def test_a_value_that_was_used_before_stays_what_it_is(tmp_path: Path) -> None:
    """Its layer gets more rows after two others took it: by itself, moved, and summed."""
    random = np.random.default_rng(4)
    nodes = [
        node("Gemm", ["x", "w"], ["a"]),
        node("Relu", ["a"], ["r"]),
        node("Neg", ["r"], ["m"]),
        node("Add", ["r", "m2"], ["p"]),
        node("Gemm", ["x", "u"], ["b"]),
        node("Relu", ["b"], ["q"]),
        node("Concat", ["r", "m", "p", "q"], ["c"], axis=1),
        node("Gemm", ["c", "v"], ["y"]),
    ]
    arrays = {"w": random.normal(size=(5, 3)), "u": random.normal(size=(5, 2))}
    arrays |= {"v": random.normal(size=(11, 2)), "m2": random.normal(size=3)}
    proto = build(nodes, arrays)
    model = load(proto, tmp_path)
    assert [(layer.n_in, layer.n_out) for layer in model.layers] == [(5, 5), (5, 2)]
    agrees(proto, model)


OTHERS = {
    "another function": [
        node("Relu", ["x"], ["a"], name="r"),
        node("Tanh", ["x"], ["b"], name="t"),
        node("Concat", ["a", "b"], ["y"], axis=1),
    ],
    "another depth": [
        node("Relu", ["x"], ["a"]),
        node("Tanh", ["a"], ["b"]),
        node("Relu", ["x"], ["c"]),
        node("Concat", ["b", "c"], ["y"], axis=1),
    ],
    "round the layer": [node("Relu", ["x"], ["a"]), node("Add", ["x", "a"], ["y"])],
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_branches_are_refused(tmp_path: Path, case: str) -> None:
    with pytest.raises(ElsieError, match="the graph branches"):
        load(build(OTHERS[case], {}), tmp_path)
