"""Pooling: the largest of each window by the layer before, averages by a layer of equal weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from onnx import NodeProto

from elsie.compress.model.conv import FloatConv
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.maps.convolve import convolve
from elsie.compress.onnx.operators.maps.form import Map, close, is_fixed, outputs
from elsie.compress.onnx.operators.maps.padded import Padded
from elsie.compress.onnx.operators.maps.view import selected, view
from elsie.compress.onnx.operators.maps.window import Line, integers, lines
from elsie.compress.onnx.values import Data

WIDEST = 4
"""Rows or columns of a window of which the largest is taken."""


def _window(
    importer: Importer, node: NodeProto, data: Data
) -> tuple[Map, tuple[Line, ...], list[int]]:
    """The map without pads, the window on each axis behind the channels, and its sizes."""
    inner, pads = (data.inner, data.pads) if isinstance(data, Padded) else (data, None)
    found = view(importer, node, inner)
    kernel = attributes(node)["kernel_shape"]
    sizes = [found.shape[n] for n in found.order[1:]]
    pads = pads or ((0, 0),) * len(found.order)
    if found.order[0] != 0 or len(kernel) != len(sizes) or pads[0] != (0, 0) or min(kernel) < 1:
        importer.refuse(
            node,
            f"has a window of {len(kernel)} axes on a map of rank {len(found.order) + 1}; its "
            f"input must be (samples, channels, rows, columns) or (samples, channels, steps)",
        )
    window = lines(importer, node, sizes, kernel, pads[1:])
    if any(line.dilation > 1 for line in window):
        importer.refuse(node, "has dilations; only windows without gaps are possible")
    if attributes(node).get("ceil_mode", 0) and any(line.rest for line in window):
        importer.refuse(
            node,
            "has ceil_mode=1, and its last windows reach over the end of the map; use "
            "ceil_mode=0, or a size that is a multiple of the stride",
        )
    return found, window, sizes


def _largest(importer: Importer, node: NodeProto, data: Data) -> Data:
    """MaxPool."""
    if len([name for name in node.output if name]) > 1:
        importer.refuse(node, "gives the places of what it takes, which no layer does")
    if isinstance(data, Padded):
        data = data.linear(importer, node)
    found, window, _ = _window(importer, node, data)
    if any(line.begin or line.end for line in window):
        importer.refuse(
            node,
            "has pads, so that windows reach over the map's border; use a size that its windows "
            "divide, without pads",
        )
    if all(line.kernel == 1 for line in window):
        return _every(importer, node, data, window)
    if any(line.kernel != line.stride and line.count > 1 for line in window):
        raw = " x ".join(f"{line.kernel}/{line.stride}" for line in window)
        importer.refuse(
            node,
            f"has windows that overlap or leave gaps (size/stride {raw}); use strides as large as "
            f"the window, or convolve with stride 2",
        )
    if max(line.kernel for line in window) > WIDEST:
        importer.refuse(
            node,
            f"takes the largest of more than {WIDEST} x {WIDEST} places; use smaller windows, or "
            f"an average",
        )
    size = {1: 1, 2: 1}
    for name, line in zip(found.order[1:], window, strict=True):
        size[name] = line.kernel
    return _pooled(importer, node, data, found, (size[1], size[2]))


def _every(importer: Importer, node: NodeProto, data: Data, window: Sequence[Line]) -> Data:
    """A window of one place: with strides, some of the places."""
    if all(line.stride == 1 for line in window):
        return data
    channels = view(importer, node, data).shape[0]
    return convolve(importer, node, data, np.ones((channels, 1, *(1,) * len(window))), channels)


def _pooled(
    importer: Importer, node: NodeProto, data: Data, found: Map, pool: tuple[int, int]
) -> Data:
    """By the layer that gives the map, where no other node takes it; else by one behind it."""
    layer = importer.layers[data.stage - 1] if data.stage and not data.form else None
    if not isinstance(layer, FloatConv) or layer.pool != (1, 1) or not importer.sole(data.stage):
        return close(importer, node, found, pool=pool)
    scale = found.terms[0].source.weight.sum(axis=(1, 2, 3))
    same = found.terms[0].source.groups == len(layer.bias)
    if not same or np.any(scale <= 0) or found.shape[0] != len(layer.bias):
        return close(importer, node, found, pool=pool)
    importer.layers[data.stage - 1] = replace(layer, pool=pool)
    return selected(outputs(importer, data.stage, found.order), scale, found.bias, found.order)


def _average(importer: Importer, node: NodeProto, data: Data) -> Data:
    """AveragePool."""
    found, window, _ = _window(importer, node, data)
    given = data.pads[1:] if isinstance(data, Padded) else ((0, 0),) * len(window)
    own = [(line.begin, line.end) != ends for line, ends in zip(window, given, strict=True)]
    if any(own) and not attributes(node).get("count_include_pad", 0):
        importer.refuse(
            node,
            "has pads that do not count (count_include_pad=0), so that its windows at the border "
            "have other weights; use count_include_pad=1, or no pads",
        )
    if not data.form and found.bias.any() and any(line.begin or line.end for line in window):
        data = close(importer, node, found)  # zeros outside are no part of the shifted map
    return _mean(importer, node, data, found.order, [line.kernel for line in window])


def _mean(
    importer: Importer,
    node: NodeProto,
    data: Data,
    order: tuple[int, ...],
    kernel: Sequence[int],
    *,
    back: tuple[int, ...] | None = None,
) -> Data:
    """Averages: weights of a power of two; the rest goes into what is behind.

    order: of the axes, channels first, and kernel: its size on the others. back: order of the
    result, if it is another.
    """
    factor, plus = np.array(1.0), np.array(0.0)
    if not data.form:  # scales and shifts go through an average
        found = view(importer, node, data)
        factor, plus = found.terms[0].source.weight.sum(axis=(1, 2, 3)), found.bias
        data = found.unscaled()
    channels = view(importer, node, data.inner if isinstance(data, Padded) else data)
    count = int(np.prod(kernel))
    power = round(np.log2(count))
    sizes = tuple(channels.shape[n] for n in order[1:])
    weight = np.full((channels.shape[0], 1, *kernel), 0.5**power)
    given = data if isinstance(data, Padded) else channels.turned(order)
    whole = sizes == tuple(kernel)
    sums = convolve(importer, node, given, weight, channels.shape[0], whole=whole)
    terms = tuple(
        replace(t, source=replace(t.source, fixed=is_fixed(t.source.weight))) for t in sums.terms
    )
    sums = replace(sums, terms=terms, affine=replace(sums.affine, node=node)).turned(back or order)
    factor = np.broadcast_to(factor * 2.0**power / count, channels.shape[0])
    plus = np.broadcast_to(plus, channels.shape[0])
    return selected(close(importer, node, sums), factor, plus, back or order)


def _all(importer: Importer, node: NodeProto, data: Data) -> Data:
    """GlobalAveragePool."""
    found = view(importer, node, data)
    if found.order[0] != 0:
        importer.refuse(node, "takes a map whose channels are not axis 1; export it that way")
    return _mean(importer, node, data, found.order, [found.shape[n] for n in found.order[1:]])


def _reduced(importer: Importer, node: NodeProto, data: Data) -> Data:
    """ReduceMean over rows and columns."""
    found, rank = view(importer, node, data), len(data.axes)
    axes = list(attributes(node).get("axes", []))
    if len(node.input) > 1 and node.input[1]:
        axes = integers(importer, node, 1, "axes")
    if any(not -rank <= axis < rank for axis in axes):
        importer.refuse(node, f"has axes {axes}, but its input has rank {rank}")
    over = sorted(axis % rank for axis in axes)
    names = [found.order[axis - 1] for axis in over if axis]
    if not over or 0 in over or 0 in names or 0 not in found.order:
        importer.refuse(
            node, "averages over more or other axes than rows and columns; average over those"
        )
    order = tuple(sorted(found.order))
    kernel = [found.shape[n] if n in names else 1 for n in order[1:]]
    done = _mean(importer, node, data, order, kernel, back=found.order)
    if attributes(node).get("keepdims", 1):
        return done
    return replace(done, axes=tuple(a for n, a in enumerate(done.axes) if n not in over))


def _global(importer: Importer, node: NodeProto, data: Data) -> Data:
    del data
    importer.refuse(
        node, "takes the largest of a whole map; use GlobalAveragePool, or MaxPool of small windows"
    )


POOLS: Mapping[str, Handler] = {
    **{f"{form}MaxPool": _largest for form in ("", "map ", "padded ")},
    **{f"{form}AveragePool": _average for form in ("", "map ", "padded ")},
    **{f"{form}GlobalAveragePool": _all for form in ("", "map ")},
    "map ReduceMean": _reduced,
    **{f"{form}GlobalMaxPool": _global for form in ("", "map ")},
}
"""By operator name, behind the form of the data that it takes."""
