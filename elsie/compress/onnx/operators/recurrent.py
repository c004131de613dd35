"""LSTM and GRU nodes.

Exporters wrap such a layer in transpositions, in shapes computed from the input's, and in zero
states of such shapes; the walk tracks all of these.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.model.float_cells import FloatCells
from elsie.compress.onnx.file import OnnxGraph
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes, describe
from elsie.compress.onnx.values import BATCH, FEATURES, ONE, STEPS, Data, Sized, Unusable
from golden.errors import ElsieError
from golden.kinds import LayerKind

_CELLS = ("LSTM", "GRU", "RNN")
_REORDER = {LayerKind.LSTM: [0, 2, 3, 1], LayerKind.GRU: [0, 1, 2]}
"""ONNX has i, o, f, c and z, r, h."""


def input_axes(graph: OnnxGraph) -> tuple[str, ...] | None:
    """Axes of the input of a graph with cells; None for any other.

    Whether samples or steps come first, transpositions before the first cells decide.
    """
    if not any(node.op_type in _CELLS for node in graph.nodes):
        return None
    if graph.shape is not None and len(graph.shape) != 3:
        raise ElsieError(
            f"{graph.path}: the input has rank {len(graph.shape)}, but a recurrent model takes "
            f"(samples, steps, features) or (steps, samples, features); export it with a batch axis"
        )
    return (BATCH, STEPS, FEATURES) if _swapped(graph) else (STEPS, BATCH, FEATURES)


def _swapped(graph: OnnxGraph) -> bool:
    """Samples and steps change places before the first cells."""
    givers = {name: node for node in graph.nodes for name in node.output}
    node = next(node for node in graph.nodes if node.op_type in _CELLS)
    swapped, seen = False, 0
    while node is not None and seen <= len(graph.nodes):
        if node.op_type == "Transpose":
            perm = attributes(node).get("perm", [2, 1, 0])
            swapped ^= perm[:1] == [1]
        # The data come first, but a constant may, in an Add.
        names = [name for name in node.input if name in givers or name == graph.input]
        node, seen = givers.get(names[0]) if names else None, seen + 1
    return swapped


def cells(importer: Importer, node: NodeProto, data: Data) -> None:
    """An LSTM or GRU node."""
    lstm, given = node.op_type == "LSTM", attributes(node)
    _check(importer, node, given, data.axes)
    if data.affine.matrix is not None and not data.affine.folds:
        data = importer.close(node, data, "identity")
    importer.enter(node, data)
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
    _check_states(importer, node, n)
    if given.get("hidden_size", n) != n:
        importer.refuse(
            node,
            f"has hidden_size {given['hidden_size']}, but weights for {n} cells; export it again",
        )
    bias = np.zeros((2, gates, n))
    if names[3]:
        flat = importer.constant(node, 3, "bias")
        if flat.shape != (1, 2 * gates * n):
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


def _gates(
    importer: Importer, node: NodeProto, number: int, kind: LayerKind
) -> NDArray[np.float64]:
    """A weight (1, gates x n, columns) as (gates, n, columns) in our order."""
    raw = importer.constant(node, number, "weight")
    gates = len(_REORDER[kind])
    if raw.ndim != 3 or raw.shape[0] != 1 or raw.shape[1] % gates or not raw.size:
        importer.refuse(
            node, f"has a weight of shape {raw.shape}; it must be (1, gates x n, columns)"
        )
    return raw[0].reshape(gates, -1, raw.shape[2])[_REORDER[kind]]


def _outputs(importer: Importer, node: NodeProto) -> None:
    """Outputs of every step, and after the last; the cell state is in no layer's outputs."""
    names = [*node.output, "", "", ""][:3]
    values = (
        importer.after((STEPS, ONE, BATCH, FEATURES)),
        importer.after((ONE, BATCH, FEATURES)),
        Unusable(
            f"takes the cell state of {describe(node)}; only outputs can be used: out or h_n[-1]"
        ),
    )
    for name, value in zip(names, values, strict=True):
        if name:
            importer.values[name] = value


def _check(
    importer: Importer, node: NodeProto, given: dict[str, Any], axes: tuple[str, ...]
) -> None:
    """Refuse attributes that ONNX allows but the engine cannot do."""
    lstm = node.op_type == "LSTM"
    direction = given.get("direction", b"forward").decode()
    if direction != "forward":
        importer.refuse(
            node, f"has direction {direction}; only forward is supported, so train it that way"
        )
    for name in ("clip", "activation_alpha", "activation_beta"):
        if name in given:
            importer.refuse(
                node, f"has {name}, which is not supported; train and export it without"
            )
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
            "has linear_before_reset 0, and the engine has only the GRU whose reset gate comes "
            "behind the matrix: train it with reset_after=True in Keras, or in PyTorch, whose GRU "
            "is of this kind",
        )
    if len(node.input) > 4 and node.input[4]:
        importer.refuse(node, "has sequence_lens, which is not supported; give lengths as data")
    if axes != (STEPS, BATCH, FEATURES):
        last = "; it comes after the last step was taken" if STEPS not in axes else ""
        importer.refuse(
            node,
            f"takes axes ({', '.join(axes)}); with layout 0 they must be (steps, batch, features)"
            f"{last}",
        )


def _check_states(importer: Importer, node: NodeProto, n: int) -> None:
    """Initial states must be zeros of the shape that the standard gives them."""
    names, batch = ("initial_h", "initial_c"), importer.size(BATCH)
    given = [importer.value(node, name) for name in node.input[5:7]]
    shown = "batch" if importer.sizes.get(BATCH) is None else batch
    for name, value in zip(names, given, strict=False):
        if value is None:
            continue
        array = value.array if isinstance(value, Sized) else value
        if not isinstance(array, np.ndarray) or array.any():
            importer.refuse(node, f"has an {name} that is not zero; a sequence starts from zero")
        if array.shape == (1, batch, n):
            continue
        why = "export the model again, with the samples open or without states"
        if array.ndim == 3 and array.shape[2] != n:
            why = (
                "a projection (PyTorch's proj_size) cannot be exported, because ONNX's LSTM has "
                "none; train without it"
            )
        shape = tuple(shown if size == importer.open[BATCH] else size for size in array.shape)
        importer.refuse(
            node,
            f"has an {name} of shape ({', '.join(map(str, shape))}), but with its {n} cells it "
            f"must be (1, {shown}, {n}): {why}",
        )


CELLS: Mapping[str, Handler] = {"LSTM": cells, "GRU": cells}
"""By operator name."""
