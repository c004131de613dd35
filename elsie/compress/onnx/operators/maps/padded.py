"""Zeros around a map, which the kernel behind it takes over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.onnx.importer import Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.maps.compose import composed
from elsie.compress.onnx.operators.maps.form import Map, close
from elsie.compress.onnx.operators.maps.view import view
from elsie.compress.onnx.operators.maps.window import LARGEST, Line, check, integers, placed
from elsie.compress.onnx.values import BATCH, FEATURES, ONE, Affine, Data


@dataclass(frozen=True, kw_only=True, eq=False)
class Padded(Data):
    """A map with zeros around it; `affine` holds only sizes, and the node."""

    inner: Data
    """Without them: a map, or plain data."""
    pads: tuple[tuple[int, int], ...]
    """Before and behind, for each axis behind the samples."""

    @property
    def form(self) -> str:
        """Until a node on a map takes the pads over."""
        return "padded"

    @property
    def why(self) -> str:
        """Never: it can always become outputs of a layer."""
        return "a map with pads"

    @property
    def stages(self) -> tuple[int, ...]:
        """Layers that it is computed of."""
        return self.inner.stages

    def placed(self, place: NDArray[np.int64]) -> "Padded":
        """The same where input k of the model has become input `place[k]`."""
        return replace(self, inner=self.inner.placed(place))

    def linear(self, importer: Importer, node: NodeProto) -> Data:
        """A layer that writes the zeros: a kernel of one weight, with pads."""
        found = view(importer, node, self.inner)
        pads = dict(zip(found.order, self.pads, strict=True))
        if pads.pop(0, None) != (0, 0):
            importer.refuse(node, "takes a map with channels of zeros around it; export it without")
        if found.bias.any() or not found.folds:
            found = view(importer, node, close(importer, node, found))
        order, natural = found.order, tuple(sorted(found.order))
        found = found.turned(natural)
        window = [
            Line(size=found.shape[n], kernel=1, begin=pads[n][0], end=pads[n][1])
            for n in natural[1:]
        ]
        ones = np.ones((found.shape[0], 1, *(1,) * len(window)))
        kernel, stride, around = placed(ones, window, found)
        check(importer, node, kernel, stride)
        result = composed(node, found, kernel, found.shape[0], stride, around)
        return close(importer, node, result.turned(order))


def pad(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Zeros around a map, for the node behind it."""
    given = attributes(node)
    if given.get("mode", b"constant") != b"constant":
        importer.refuse(
            node, f"has mode {given['mode'].decode(errors='replace')}; only zeros can be put around"
        )
    outside, value = given.get("pads", given.get("paddings")), given.get("value", 0.0)
    rank = len(data.axes)
    if outside is None:
        outside = integers(importer, node, 1, "pads")
        if len(node.input) > 2 and node.input[2]:
            value = importer.constant(node, 2, "value")
    chosen = list(range(rank))
    if len(node.input) > 3 and node.input[3]:
        chosen = [axis % rank for axis in integers(importer, node, 3, "axes")]
    if np.any(np.asarray(value) != 0):
        importer.refuse(node, "puts other values than 0 around a map; only zeros are possible")
    if len(outside) != 2 * len(chosen) or not 0 <= min(outside) <= max(outside) <= LARGEST:
        importer.refuse(
            node,
            f"has pads {list(outside)}; {rank} or as many pairs as it has axes are needed, each "
            f"from 0 to {LARGEST}",
        )
    pads: dict[int, tuple[int, int]] = dict.fromkeys(range(rank), (0, 0))
    for k, axis in enumerate(chosen):
        pads[axis] = (int(outside[k]), int(outside[len(chosen) + k]))
    if pads.pop(0) != (0, 0):
        importer.refuse(node, "puts samples of zeros around the data; export the model without it")
    return padded(importer, node, data, tuple(pads[axis] for axis in range(1, rank)))


def padded(
    importer: Importer, node: NodeProto, data: Data, pads: Sequence[tuple[int, int]]
) -> Data:
    """Data with zeros around them, twice if they have some."""
    if not any(map(any, pads)):
        return data
    inner = data
    if isinstance(data, Padded):
        both = zip(data.pads, pads, strict=True)
        pads = [(a + c, b + d) for (a, b), (c, d) in both]
        inner = data.inner
    elif isinstance(data, Map) and not data.folds:
        inner = close(importer, node, data)
    dims = importer.dims(inner, {BATCH: 1})[1:]
    sizes = tuple(size + sum(ends) for size, ends in zip(dims, pads, strict=True))
    axes = tuple(FEATURES if size > 1 else ONE for size in sizes)
    affine = Affine(sizes=tuple(size for size in sizes if size > 1), node=inner.affine.node)
    return Padded(
        axes=(BATCH, *axes), stage=inner.stage, affine=affine, inner=inner, pads=tuple(pads)
    )
