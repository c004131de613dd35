"""Every operator of onnx: on constants before a Gemm, and in the onnx package's own node tests."""

import warnings
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, defs, helper, numpy_helper
from onnx.backend.test import loader
from onnx.reference import ReferenceEvaluator

from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError


@cache
def cases() -> list[Any]:
    """The node tests of the onnx package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their arithmetic overflows on purpose
        return list(loader.load_node_model_tests())


def imported(proto: Any, path: Path) -> Any:
    """The model, or the sentence that refuses it."""
    path.write_bytes(proto.SerializeToString())
    try:
        return load_onnx(path)
    except ElsieError as error:
        message = str(error)
    assert "\n" not in message
    assert str(path) in message
    return message


def shapes(proto: Any) -> list[Any]:
    return [[d.dim_value for d in v.type.tensor_type.shape.dim] for v in proto.graph.input]


def arrays(case: Any) -> tuple[list[Any], list[Any]]:
    """The first data set of a case: inputs and outputs as arrays."""
    inputs, outputs = case.data_sets[0]

    def plain(value: Any) -> Any:
        if isinstance(value, TensorProto):
            return numpy_helper.to_array(value)
        return value

    return [plain(v) for v in inputs], [plain(v) for v in outputs]


@pytest.mark.long
def test_node_tests(tmp_path: Path) -> None:
    """As they are: with every input but one made a constant, so that one can be data."""
    counts: Counter[str] = Counter()
    for case in cases():
        given, expected = arrays(case)
        names = [value.name for value in case.model.graph.input]
        if len(given) != len(names) or not all(isinstance(v, np.ndarray) for v in given + expected):
            counts["not of tensors"] += 1
            continue
        for live in range(len(names)):
            alone = with_constants(case.model, names, given, live)
            for proto in (alone, with_matmul(alone, expected[0])):
                if proto is None:
                    continue
                model = imported(proto, tmp_path / "net.onnx")
                if isinstance(model, str):
                    counts["refused"] += 1
                    continue
                counts["taken"] += 1
                agrees(case.name, proto, model, given[live], names[live])
    print(dict(counts))
    assert counts["taken"] > 100
    assert counts["refused"] > 500


def evaluated(proto: Any, feed: dict[str, np.ndarray]) -> np.ndarray:
    """The first output, by onnx's reference evaluator."""
    with np.errstate(all="ignore"):
        found: Any = ReferenceEvaluator(proto).run([proto.graph.output[0].name], feed)
    return np.asarray(found[0])


def with_constants(model: Any, names: list[str], given: list[Any], live: int) -> Any:
    """The model with all inputs but one as initialisers."""
    proto = type(model)()
    proto.CopyFrom(model)
    kept = proto.graph.input[live]
    del proto.graph.input[:]
    proto.graph.input.append(kept)
    used = {name for node in proto.graph.node for name in node.input}
    for number, (name, value) in enumerate(zip(names, given, strict=True)):
        if number != live and name in used:
            proto.graph.initializer.append(numpy_helper.from_array(value, name))
    return proto


def with_matmul(alone: Any, first: np.ndarray) -> Any:
    """The first output through a Flatten and a MatMul; None where it cannot be."""
    if first.ndim < 2 or first.dtype != np.float32 or not first.size:
        return None
    proto = type(alone)()
    proto.CopyFrom(alone)
    if not any(given.domain in ("", "ai.onnx") for given in proto.opset_import):
        proto.opset_import.append(helper.make_opsetid("", 21))
    size = int(np.prod(first.shape[1:]))
    weight = np.random.default_rng(size).normal(size=(size, 2)).astype(np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(weight, "matmul_weight"))
    name = proto.graph.output[0].name
    proto.graph.node.append(helper.make_node("Flatten", [name], ["flat"]))
    proto.graph.node.append(helper.make_node("MatMul", ["flat", "matmul_weight"], ["end"]))
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_tensor_value_info("end", TensorProto.FLOAT, None))
    return proto


def agrees(name: str, proto: Any, model: Any, x: np.ndarray, live: str) -> None:
    """The outputs are those of onnx's reference evaluator; or their order is."""
    y = evaluated(proto, {live: x})
    axes = (x.shape[1], x.shape[0]) if model.recurrent else (len(x),)
    fed = np.asarray(x, dtype=np.float64)
    fed = fed.transpose(1, 0, 2) if model.recurrent else fed.reshape(*axes, -1)
    got = model.predict(fed)
    if model.recurrent and model.head is None:
        got = got.transpose(1, 0, 2)
    if any("was dropped" in note for note in model.notes):
        if y.dtype.kind == "f":
            y = y.reshape(len(x), -1).argmax(axis=1)
        assert (got.argmax(axis=1) == y.ravel()).all(), name
        return
    assert got.size == y.size, name
    good = np.isfinite(fed).all(axis=-1).reshape(-1)  # some inputs are NaN on purpose
    got, y = got.reshape(len(good), -1)[good], y.reshape(len(good), -1)[good]
    assert np.allclose(got, y, rtol=1e-4, atol=1e-5), name


def test_operators_on_constants(tmp_path: Path) -> None:
    """Each node test's result, from constants, as the weight of a Gemm: right or refused."""
    counts: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    operators: set[str] = set()
    random = np.random.default_rng(1)
    for case in cases():
        nodes = list(case.model.graph.node)
        kinds = [f"{node.domain}:{node.op_type}" for node in nodes]
        if len(nodes) != 1 or seen[kinds[0]] >= 2:
            continue
        given, expected = arrays(case)
        if not all(isinstance(v, np.ndarray) for v in given):
            continue
        seen[kinds[0]] += 1
        proto = before_a_gemm(case, given, expected)
        if proto is None:
            continue
        operators.add(kinds[0])
        model = imported(proto, tmp_path / "net.onnx")
        if isinstance(model, str):
            counts["refused"] += 1
            assert "branches" not in model, case.name
            continue
        counts["taken"] += 1
        x = random.normal(size=(3, model.n_in)).astype(np.float32)
        y = evaluated(proto, {"live": x})
        assert np.allclose(model.predict(x), y, rtol=1e-4, atol=1e-4), case.name
    print(dict(counts), len(operators), "operators")
    assert counts["taken"] > 100
    assert len(operators) > 130


def before_a_gemm(case: Any, given: list[Any], expected: list[Any]) -> Any:
    """The case on constants, its first output made a matrix and a weight. None if it has none."""
    first = expected[0] if expected else None
    if not isinstance(first, np.ndarray) or not first.size or first.size > 1 << 12:
        return None
    node = case.model.graph.node[0]
    names = [value.name for value in case.model.graph.input]
    if len(names) != len(given) or not node.output[0]:
        return None
    wide = first.shape[-1] if first.ndim else 1
    nodes = [
        node,
        helper.make_node("Cast", [node.output[0]], ["as_float"], to=TensorProto.FLOAT, name="c"),
        helper.make_node("Reshape", ["as_float", "as_matrix"], ["weight"], name="r"),
        helper.make_node("Gemm", ["live", "weight"], ["end"], name="g"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("live", TensorProto.FLOAT, ["n", first.size // wide])],
        [helper.make_tensor_value_info("end", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, n) for n, v in zip(names, given, strict=True)]
        + [numpy_helper.from_array(np.array([-1, wide]), "as_matrix")],
    )
    return helper.make_model(graph, opset_imports=case.model.opset_import)


def test_operators_on_the_data(tmp_path: Path) -> None:
    """Every operator of the standard, alone on the data: never anything but a sentence."""
    counts: Counter[str] = Counter()
    for schema in defs.get_all_schemas():
        inputs = ["x", *["w"] * (max(1, schema.min_input) - 1)]
        node = helper.make_node(
            schema.name,
            inputs if schema.max_input else [],
            [f"y{n}" for n in range(max(1, schema.min_output))],
            domain=schema.domain,
            name="n",
        )
        graph = helper.make_graph(
            [helper.make_node("Gemm", ["in", "w"], ["x"]), node],
            "g",
            [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["s", 4])],
            [helper.make_tensor_value_info("y0", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")],
        )
        model = imported(helper.make_model(graph), tmp_path / "net.onnx")
        counts["refused" if isinstance(model, str) else "taken"] += 1
        if isinstance(model, str):
            assert "branches" not in model, schema.name
            reasons = ("node n", "does not depend", "recurrent", "samples must come first")
            assert any(reason in model for reason in reasons), model
    print(dict(counts))
    assert counts["taken"] >= 10
    assert counts["refused"] >= 100
