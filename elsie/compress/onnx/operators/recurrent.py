"""LSTM and GRU nodes.

Exporters wrap such a layer in transpositions, in shapes computed from the input's, and in zero
states of such shapes; the walk tracks all of these.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.float_cells import FloatCells
from elsie.compress.onnx.file import OnnxGraph, attributes
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.values import BATCH, FEATURES, ONE, STEPS, Data, Sized
from golden.errors import ElsieError
from golden.kinds import LayerKind

_REORDER = {LayerKind.LSTM: [0, 2, 3, 1], LayerKind.GRU: [0, 1, 2]}
"""ONNX has i, o, f, c and z, r, h."""


def input_axes(graph: OnnxGraph) -> tuple[str, ...] | None:
    """Axes of the input of a graph with cells; None for any other.

    Whether samples or steps come first, a transposition before the first layer decides.
    """
    if not any(node.op_type in ("LSTM", "GRU", "RNN") for node in graph.nodes):
        return None
    if graph.shape is not None and len(graph.shape) != 3:
        raise ElsieError(
            f"{graph.path}: the input has rank {len(graph.shape)}, but a recurrent model takes "
            f"(samples, steps, features) or (steps, samples, features)"
        )
    for node in graph.nodes:
        if graph.input in node.input and node.op_type == "Transpose":
            return (BATCH, STEPS, FEATURES)
    return (STEPS, BATCH, FEATURES)


def cells(importer: Importer, node: Any, data: Data) -> None:
    """An LSTM or GRU node."""
    lstm, given = node.op_type == "LSTM", attributes(node)
    _check(importer, node, given, data.axes)
    if data.affine.matrix is not None:
        data = importer.close(node, data, "identity")
    importer.check_stage(node, data)
    kind = LayerKind.LSTM if lstm else LayerKind.GRU
    names = [*node.input, *[""] * (8 - len(node.input))]
    weight = _gates(importer, node, 1, kind)
    recurrent = _gates(importer, node, 2, kind)
    n, gates = weight.shape[1], 4 if lstm else 3
    if recurrent.shape != (gates, n, n):
        raw = importer.constant(node, 2, "weight")
        importer.refuse(
            node,
            f"has a recurrent weight of shape {raw.shape}; it must be (1, {gates * n}, {n})",
        )
    if given.get("hidden_size", n) != n:
        importer.refuse(node, f"has hidden_size {given['hidden_size']}, but weights for {n} cells")
    bias = np.zeros((2, gates, n))
    if names[3]:
        flat = importer.constant(node, 3, "bias")
        if flat.size != 2 * gates * n:
            importer.refuse(
                node, f"has a bias of shape {flat.shape}; it must be (1, {2 * gates * n})"
            )
        bias = flat.reshape(2, gates, n)[:, _REORDER[kind]]
    total, inner = bias.sum(axis=0), None
    if not lstm:
        total[2], inner = bias[0, 2], bias[1, 2]
    peephole = None
    if lstm and names[7]:
        raw = importer.constant(node, 7, "peephole")
        if raw.shape != (1, 3 * n):
            importer.refuse(node, f"has a peephole of shape {raw.shape}; it must be (1, {3 * n})")
        i, o, f = raw.reshape(3, n)
        peephole = np.stack((i, f, o))
    if data.affine.n not in (None, weight.shape[2]):
        importer.refuse(
            node,
            f"takes {weight.shape[2]} features, but its input has {data.affine.n}; export the "
            f"model again",
        )
    # What scales and shifts the inputs goes into the gates.
    width = importer.width(data.stage) or weight.shape[2]
    flat_weight, plus = data.affine.into(weight.reshape(gates * n, -1), width)
    weight, total = flat_weight.reshape(gates, n, -1), total + plus.reshape(gates, n)
    importer.inputs = importer.inputs or weight.shape[2]
    importer.layers.append(
        FloatCells(
            name=importer.free_name(node, node.op_type.lower()),
            kind=kind,
            weight=weight,
            recurrent=recurrent,
            bias=total,
            bias_recurrent=inner,
            peephole=peephole,
        )
    )
    _outputs(importer, node)


def _gates(importer: Importer, node: Any, number: int, kind: LayerKind) -> NDArray[np.float64]:
    """A weight (1, gates x n, columns) as (gates, n, columns) in our order."""
    raw = importer.constant(node, number, "weight")
    gates = len(_REORDER[kind])
    if raw.ndim != 3 or raw.shape[0] != 1 or raw.shape[1] % gates or not raw.size:
        importer.refuse(
            node, f"has a weight of shape {raw.shape}; it must be (1, gates x n, columns)"
        )
    return raw[0].reshape(gates, -1, raw.shape[2])[_REORDER[kind]]


def _outputs(importer: Importer, node: Any) -> None:
    """Which of the outputs is used."""
    names = [*node.output, "", "", ""][:3]
    used = [bool(name) and importer.graph.used(name) for name in names]
    if used[2] or used[:2] == [True, True]:
        importer.refuse(
            node,
            "gives more than one output, or its cell state; only a chain of layers can be used",
        )
    if used[1]:
        importer.values[names[1]] = importer.last(node, importer.after((ONE, BATCH, FEATURES)))
    else:
        importer.values[names[0]] = importer.after((STEPS, ONE, BATCH, FEATURES))


def _check(importer: Importer, node: Any, given: dict[str, Any], axes: tuple[str, ...]) -> None:
    """Refuse attributes that ONNX allows but the engine cannot do."""
    lstm = node.op_type == "LSTM"
    direction = given.get("direction", b"forward").decode()
    if direction != "forward":
        importer.refuse(
            node, f"has direction {direction}; only forward is supported, so train it that way"
        )
    for name in ("clip", "activation_alpha", "activation_beta"):
        if name in given:
            importer.refuse(node, f"has {name}, which is not supported; export it without")
    usual = ["Sigmoid", "Tanh", "Tanh"] if lstm else ["Sigmoid", "Tanh"]
    functions = [name.decode() for name in given.get("activations", [])]
    if functions and functions != usual:
        importer.refuse(
            node,
            f"has activations {', '.join(functions)}; only {', '.join(usual)} are supported",
        )
    if given.get("layout", 0):
        importer.refuse(node, "has layout 1; export it with layout 0, steps first")
    if lstm and given.get("input_forget", 0):
        importer.refuse(node, "has input_forget 1, which is not supported; export it with 0")
    if not lstm and not given.get("linear_before_reset", 0):
        importer.refuse(
            node,
            "has linear_before_reset 0, which is not supported; PyTorch, and Keras with "
            "reset_after=True, export 1",
        )
    if len(node.input) > 4 and node.input[4]:
        importer.refuse(node, "has sequence_lens, which is not supported; give lengths as data")
    for number, what in ((5, "initial_h"), (6, "initial_c")):
        if len(node.input) > number and node.input[number]:
            value = importer.value(node, node.input[number])
            array = value.array if isinstance(value, Sized) else value
            if not isinstance(array, np.ndarray) or array.any():
                importer.refuse(
                    node, f"has an {what} that is not zero; a sequence starts from zero"
                )
    if importer.head is not None:
        importer.refuse(node, "comes after the last step was taken; it needs all steps")
    if axes != (STEPS, BATCH, FEATURES):
        importer.refuse(
            node,
            f"takes axes ({', '.join(axes)}); with layout 0 they must be (steps, batch, features)",
        )


CELLS: Mapping[str, Handler] = {"LSTM": cells, "GRU": cells}
"""By operator name."""
