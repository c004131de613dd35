"""What the inputs of a node are: looked up, and refused where they are not what they should be."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.onnx.constants import unlike
from elsie.compress.onnx.file import OnnxGraph
from elsie.compress.onnx.layers import Layers
from elsie.compress.onnx.values import (
    BATCH,
    FEATURES,
    ONE,
    STEPS,
    TOGETHER,
    Data,
    Sized,
    Unusable,
)


class Values(Layers):
    """The values known so far, and their sizes."""

    def __init__(self, graph: OnnxGraph) -> None:
        super().__init__(graph)
        free = unlike(graph.shape, graph.constants)
        self.open: dict[str, int] = {axis: next(free) for axis in (BATCH, STEPS, FEATURES)}
        """Stand-ins for sizes that the file leaves open."""

    def value(self, node: NodeProto, name: str) -> Any:
        """What an input is: an array, Sized, Data, or None if it is left out."""
        if name and name not in self.values:
            self.refuse(
                node, f"takes {name}, which no node before it gives; export the model again"
            )
        found = self.values[name] if name else None
        if isinstance(found, Unusable):
            self.refuse(node, found.why)
        return found

    def constant(self, node: NodeProto, number: int, what: str) -> NDArray[np.float64]:
        """Input `number` of a node, which must be a finite constant."""
        name = node.input[number]
        raw = self.value(node, name)
        if isinstance(raw, Data | Sized):
            why = "is computed from the data" if isinstance(raw, Data) else "depends on open sizes"
            self.refuse(
                node,
                f"needs a constant {what}, but its input {name} {why}; "
                f"only a chain of layers with fixed weights can be used",
            )
        try:
            value = np.asarray(raw, dtype=np.float64)
        except (TypeError, ValueError):
            kind = getattr(raw, "dtype", type(raw).__name__)
            self.refuse(node, f"has a {what} of type {kind}; it must be numbers")
        if not np.isfinite(value).all():
            self.refuse(
                node,
                f"uses initialiser {name}, which has values that are NaN or "
                f"infinite; train or export the model again",
            )
        return value

    def size(self, axis: str) -> int:
        """Of an axis of samples or steps: the file's, or the stand-in."""
        return self.sizes.get(axis) or self.open[axis]

    def dims(self, data: Data, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape of the data, given the sizes of samples and steps."""
        features = iter(data.affine.sizes or [self.open[FEATURES]] * len(data.axes))
        known = {**sizes, ONE: 1}
        return tuple(
            next(features) if a == FEATURES else prod(known[name] for name in a.split(TOGETHER))
            for a in data.axes
        )

    def extent(self, data: Data) -> NDArray[Any]:
        """An array of the data's shape, without memory."""
        sizes = {axis: self.size(axis) for axis in (BATCH, STEPS)}
        return np.broadcast_to(np.float32(0), self.dims(data, sizes))

    def is_open(self, data: Data) -> bool:
        """The file leaves a size of the data open."""
        axes = [axis for axis in (BATCH, STEPS) if data.sized(axis)]
        return data.affine.sizes is None or any(not self.sizes.get(axis) for axis in axes)
