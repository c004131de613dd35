"""ONNX operators with a slope on each side of 0, out of Relus."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from onnx import NodeProto

from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes, describe
from elsie.compress.onnx.operators.dense import clip, function
from elsie.compress.onnx.operators.elementwise import scale, spread
from elsie.compress.onnx.values import UNIT, Affine, Data, Reals


def leaky(importer: Importer, node: NodeProto, data: Data) -> Data:
    """LeakyRelu, of the node's alpha."""
    slope = attributes(node).get("alpha", 0.01)
    return _slopes(importer, node, data, np.array(slope, dtype=np.float64))


def _parametric(importer: Importer, node: NodeProto, data: Data) -> Data:
    if not isinstance(importer.value(node, node.input[0]), Data):
        importer.refuse(node, "has slopes that are data; export it with trained slopes")
    return _slopes(importer, node, data, importer.constant(node, 1, "slope"))


def _absolute(importer: Importer, node: NodeProto, data: Data) -> Data:
    return _slopes(importer, node, data, -UNIT)


def _slopes(importer: Importer, node: NodeProto, data: Data, slope: Reals) -> Data:
    """X where x >= 0, and slope * x below: relu(x) - slope * relu(-x), with two rows a value.

    The slope is shared out between the layers before and behind, by its root, so that neither has
    weights far smaller than its others, which few bits would round to 0.
    """
    data, slope = spread(importer, node, data, slope, "slope")
    if not slope.any():
        return function(importer, node, data, "relu")
    if np.all(slope == 1):
        return data
    width = importer.width(data.stage) or data.affine.n
    if width is None:
        importer.refuse(
            node,
            "comes before the first Gemm or MatMul, and the file does not say how many features "
            "the input has; export it with their number",
        )
    if data.affine.matrix is None:
        importer.own_layer(node)
    importer.check_room(node, data, width)
    rows, offset = data.affine.rows(width)
    slope = np.broadcast_to(slope, len(rows))
    root, leaks = np.sqrt(np.abs(slope)), slope != 0
    below, low = -root[:, None] * rows, -root * offset
    both = Affine(
        sizes=data.affine.sizes,
        matrix=np.concatenate((rows, below[leaks])),
        offset=np.concatenate((offset, low[leaks])),
        node=data.affine.node or node,
    )
    importer.notes.append(
        f"{describe(node)} is computed by Relus: its layer has {len(both.offset)} rows for "
        f"{len(rows)} values"
    )
    after = importer.close(node, replace(data, affine=both), "relu")
    outputs, _ = after.affine.rows(importer.layers[after.stage - 1].n_out)
    join = np.concatenate((np.eye(len(rows)), -np.diag(np.sign(slope) * root)[:, leaks]), axis=1)
    return replace(after, affine=Affine(sizes=both.sizes, matrix=join @ outputs, folds=True))


def _hard_sigmoid(importer: Importer, node: NodeProto, data: Data) -> Data:
    """max(0, min(1, alpha * x + beta))."""
    given = attributes(node)
    factor, plus = (np.array(given.get(n, d)) for n, d in (("alpha", 0.2), ("beta", 0.5)))
    data = scale(importer, node, data, factor=factor, plus=plus, what="factor")
    return clip(importer, node, data, np.float64(0), np.float64(1))


SLOPES: Mapping[str, Handler] = {
    "LeakyRelu": leaky,
    "PRelu": _parametric,
    "Abs": _absolute,
    "HardSigmoid": _hard_sigmoid,
}
"""By operator name."""
