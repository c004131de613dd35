"""Mutants of ONNX files: attributes, shapes, constants, states, lengths and edges are changed."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Rng = np.random.Generator
INTEGERS = (-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 12, 1 << 31, (1 << 63) - 1)
STRINGS = (b"forward", b"reverse", b"bidirectional", b"Sigmoid", b"Tanh", b"Relu", b"HardSigmoid")
MOVES = ("Identity", "Relu", "Tanh", "Transpose", "Squeeze", "Unsqueeze", "Softmax", "Flatten")
FORBIDDEN: dict[str, Any] = {
    "clip": 0.5,
    "direction": "reverse",
    "input_forget": 1,
    "layout": 1,
    "linear_before_reset": 0,
    "activations": ["Tanh", "Sigmoid", "Tanh"],
    "activation_alpha": [0.5],
}
"""Attributes that change what cells compute; the evaluator knows only some of them."""


def mutant(proto: onnx.ModelProto, rng: Rng) -> onnx.ModelProto:
    """A copy that differs in one to three places."""
    found = copy.deepcopy(proto)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        KINDS[rng.integers(len(KINDS))](found.graph, rng)
    return found


def _pick(items: Any, rng: Rng) -> Any:
    return items[int(rng.integers(len(items)))]


def _change_attribute(graph: Any, rng: Rng) -> None:
    attribute = _pick([a for n in graph.node for a in n.attribute] or [None], rng)
    if attribute is None:
        return
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i = _pick(INTEGERS, rng)
    elif attribute.type == onnx.AttributeProto.INTS and attribute.ints:
        values = list(attribute.ints)
        values[int(rng.integers(len(values)))] = _pick(INTEGERS, rng)
        attribute.ints[:] = _pick([values, rng.permutation(attribute.ints).tolist()], rng)
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = _pick((0.0, 0.5, -1.0, 2.0), rng)
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = _pick(STRINGS, rng)
    elif attribute.type == onnx.AttributeProto.STRINGS and attribute.strings:
        attribute.strings[int(rng.integers(len(attribute.strings)))] = _pick(STRINGS, rng)
    elif attribute.type == onnx.AttributeProto.TENSOR:
        _change(attribute.t, rng)


def _drop_attribute(graph: Any, rng: Rng) -> None:
    node = _pick(graph.node, rng)
    if node.attribute:
        del node.attribute[int(rng.integers(len(node.attribute)))]


def _forbid(graph: Any, rng: Rng) -> None:
    node = _pick(_cells(graph) or graph.node, rng)
    name = _pick(list(FORBIDDEN), rng)
    for attribute in [a for a in node.attribute if a.name == name]:
        node.attribute.remove(attribute)
    node.attribute.append(helper.make_attribute(name, FORBIDDEN[name]))


def _change(tensor: Any, rng: Rng) -> None:
    """Values or the shape of a constant."""
    old = numpy_helper.to_array(tensor)
    value = old.copy()
    how = int(rng.integers(6))
    if how == 0 and value.ndim:
        value = np.swapaxes(value, 0, -1)
    elif how == 1:
        value = value[None] if rng.random() < 0.5 else value[..., None]
    elif how == 2 and value.ndim and value.shape[0] == 1:
        value = value[0]
    elif how == 3 and value.ndim:
        axis = int(rng.integers(value.ndim))
        twice = np.concatenate((value, value), axis)
        size = value.shape[axis] + _pick((-1, 1, value.shape[axis]), rng)
        value = np.take(twice, range(size), axis)
    elif value.size and np.issubdtype(value.dtype, np.integer):
        limits = np.iinfo(value.dtype)
        new = min(max(_pick(INTEGERS, rng), limits.min), limits.max)
        value.flat[int(rng.integers(value.size))] = new
    elif value.size:
        value = np.asarray(value * 0 if rng.random() < 0.5 else value + value.dtype.type(1))
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), tensor.name))


def _change_constant(graph: Any, rng: Rng) -> None:
    if graph.initializer:
        _change(_pick(graph.initializer, rng), rng)


def _cells(graph: Any) -> list[Any]:
    return [node for node in graph.node if node.op_type in ("LSTM", "GRU")]


def _state(graph: Any, rng: Rng) -> None:
    """Lengths, a state or peepholes, of a size that may be right, and all 0 or not."""
    node = _pick(_cells(graph) or [None], rng)
    if node is None:
        return
    n = next((min(a.i, 9) for a in node.attribute if a.name == "hidden_size"), 3)
    number = int(rng.integers(4, 8))
    batch, width = _pick((1, 2, 3), rng), max(0, n + _pick((0, 0, 0, 1, -1), rng))
    shape = (batch,) if number == 4 else (1, 3 * width) if number == 7 else (1, batch, width)
    fill = np.zeros if rng.random() < 0.5 else np.ones
    name = f"state{len(graph.initializer)}"
    kind = np.int32 if number == 4 else np.float32
    graph.initializer.append(numpy_helper.from_array(fill(shape, kind), name))
    node.input.extend([""] * (number + 1 - len(node.input)))
    node.input[number] = name


def _blank(graph: Any, rng: Rng) -> None:
    node = _pick(graph.node, rng)
    if node.input:
        node.input[int(rng.integers(len(node.input)))] = ""


def _rewire(graph: Any, rng: Rng) -> None:
    """An input is taken from elsewhere before it."""
    number = int(rng.integers(len(graph.node)))
    node = graph.node[number]
    known = [v for n in graph.node[:number] for v in n.output if v] + [graph.input[0].name]
    known += [tensor.name for tensor in graph.initializer]
    if node.input:
        node.input[int(rng.integers(len(node.input)))] = _pick(known, rng)


def _drop_node(graph: Any, rng: Rng) -> None:
    node = _pick(graph.node, rng)
    if len(graph.node) > 1 and node.input:
        for other in graph.node:
            other.input[:] = [node.input[0] if v in node.output else v for v in other.input]
        if graph.output[0].name in node.output:
            graph.output[0].name = node.input[0]
        graph.node.remove(node)


def _insert(graph: Any, rng: Rng) -> None:
    """A node that moves or changes a value."""
    number = int(rng.integers(len(graph.node)))
    node, kind = graph.node[number], _pick(MOVES, rng)
    value = _pick(list(node.output), rng)
    if not value:
        return
    given, options = [value], {}
    if kind in ("Squeeze", "Unsqueeze"):
        name = f"axes{len(graph.initializer)}"
        axes = np.array([_pick((-2, -1, 0, 1, 2), rng)])
        graph.initializer.append(numpy_helper.from_array(axes, name))
        given.append(name)
    elif kind == "Transpose":
        options["perm"] = rng.permutation(_pick((2, 3, 4), rng)).tolist()
    elif kind in ("Softmax", "Flatten"):
        options["axis"] = _pick((-1, 0, 1, 2), rng)
    new = f"{value}_new{len(graph.node)}"
    for other in graph.node[number + 1 :]:
        other.input[:] = [new if v == value else v for v in other.input]
    if graph.output[0].name == value:
        graph.output[0].name = new
    graph.node.insert(number + 1, helper.make_node(kind, given, [new], **options))


def _change_operator(graph: Any, rng: Rng) -> None:
    _pick(graph.node, rng).op_type = _pick((*MOVES, "LSTM", "GRU", "Gather", "Add", "Mul"), rng)


def _change_input(graph: Any, rng: Rng) -> None:
    dims = graph.input[0].type.tensor_type.shape.dim
    axis = _pick(dims, rng)
    if rng.random() < 0.3:
        axis.dim_param = "open"
    else:
        axis.dim_value = _pick((1, 2, 3, 4, 5, 6), rng)


def _change_output(graph: Any, rng: Rng) -> None:
    graph.output[0].name = _pick([v for n in graph.node for v in n.output if v], rng)


KINDS: tuple[Callable[[Any, Rng], None], ...] = (
    _change_attribute,
    _change_attribute,
    _drop_attribute,
    _forbid,
    _change_constant,
    _change_constant,
    _change_constant,
    _state,
    _state,
    _blank,
    _rewire,
    _rewire,
    _drop_node,
    _insert,
    _insert,
    _change_operator,
    _change_input,
    _change_output,
)
