"""The data's path through an ONNX graph between layers: axes are moved, added and removed."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from elsie.compress.onnx.file import attributes
from elsie.compress.onnx.values import BATCH, FEATURES, ONE, STEPS, Data, Shape, ShapeFollower


class DataFollower(ShapeFollower):
    """Follows the data through nodes that only move it."""

    def transpose(self, node: Any, axes: tuple[str, ...]) -> None:
        """The same axes in another order."""
        order = attributes(node).get("perm", list(range(len(axes)))[::-1])
        self._set(node, Data(tuple(axes[n] for n in order)))

    def squeeze(self, node: Any, axes: tuple[str, ...]) -> None:
        """Removes axes of size 1."""
        which = attributes(node).get("axes")
        if which is None and len(node.input) > 1:
            which = np.ravel(self.constant(node, 1, "list of axes")).astype(int).tolist()
        gone = [n for n, axis in enumerate(axes) if axis == ONE] if which is None else which
        gone = [n % len(axes) for n in gone]
        if any(axes[n] != ONE for n in gone):
            self.refuse(node, "removes an axis that is not of size 1; export the model again")
        self._set(node, Data(tuple(axis for n, axis in enumerate(axes) if n not in gone)))

    def reshape_data(self, node: Any, axes: tuple[str, ...]) -> None:
        """Only axes of size 1 may be added or removed."""
        shape = self._value(node, node.input[1])
        sizes = shape.sizes if isinstance(shape, Shape) else tuple(np.ravel(shape).tolist())
        wanted = [axes[n] if size == 0 and n < len(axes) else size for n, size in enumerate(sizes)]
        wanted = [self._size(w) if w in (STEPS, BATCH, FEATURES, ONE) else w for w in wanted]
        kept = [axis for axis in axes if axis != ONE]
        left = list(kept)
        found: list[str] = []
        for size in wanted:
            if size == 1:
                found.append(ONE)
            elif left and size in (-1, self._size(left[0])):
                found.append(left.pop(0))
            else:
                left = ["wrong"]
                break
        if left:
            self.refuse(node, f"has shape {list(sizes)}, which mixes samples, steps and features")
        self._set(node, Data(tuple(found)))

    def flatten_data(self, node: Any, axes: tuple[str, ...]) -> None:
        """Does nothing if there are only samples and features."""
        if axes != (BATCH, FEATURES) or attributes(node).get("axis", 1) not in (1, -1):
            self.refuse(node, "mixes samples, steps and features; export the model without it")
        self._set(node, Data(axes))

    def largest(self, node: Any, axes: tuple[str, ...]) -> None:
        """A Softmax or its like at the end, over the features."""
        old = -1 if self.graph.opset >= 13 else 1
        axis = attributes(node).get("axis", 0 if node.op_type == "ArgMax" else old)
        if axes[axis % len(axes)] != FEATURES:
            self.refuse(node, f"has axis {axis}, which mixes samples or steps; use axis -1")
        self.drop(node)
        self._set(node, Data(axes))

    def gather(self, node: Any, axes: tuple[str, ...]) -> None:
        """One step, which must be the last; or the only direction."""
        axis = attributes(node).get("axis", 0) % len(axes)
        index = np.ravel(self.constant(node, 1, "index"))
        scalar = np.ndim(self._value(node, node.input[1])) == 0
        if len(index) == 1 and (axes[axis], int(index[0])) == (STEPS, -1):
            self.last(node)
        elif len(index) != 1 or axes[axis] != ONE or int(index[0]) not in (0, -1):
            self.refuse(node, "takes steps other than the last; only the last, or all, can be used")
        rest = () if scalar else (ONE,)
        self._set(node, Data((*axes[:axis], *rest, *axes[axis + 1 :])))

    def slice(self, node: Any, axes: tuple[str, ...]) -> None:
        """The last step, as an axis of size 1."""
        parts = [np.ravel(self.constant(node, n, "bound")) for n in range(1, len(node.input))]
        start, end = int(parts[0][0]), int(parts[1][0])
        axis = int(parts[2][0]) % len(axes) if len(parts) > 2 else 0
        single = len(parts[0]) == 1 and (len(parts) < 4 or int(parts[3][0]) == 1)
        if not single or axes[axis] != STEPS or start != -1 or end < 1 << 30:
            self.refuse(node, "takes steps other than the last; only the last, or all, can be used")
        self.last(node)
        self._set(node, Data((*axes[:axis], ONE, *axes[axis + 1 :])))

    def last(self, node: Any) -> None:
        """From here on layers see only the last step."""
        if self.head is not None:
            self.refuse(node, "takes the last step a second time; export the model again")
        self.close("identity")
        self.head = len(self.layers)


Move = Callable[[Any, Any, tuple[str, ...]], None]
"""Takes the follower, a node and the axes of its data."""

MOVES: Mapping[str, Move] = {
    "Transpose": DataFollower.transpose,
    "Squeeze": DataFollower.squeeze,
    "Reshape": DataFollower.reshape_data,
    "Gather": DataFollower.gather,
    "Slice": DataFollower.slice,
    "Flatten": DataFollower.flatten_data,
    "Softmax": DataFollower.largest,
    "LogSoftmax": DataFollower.largest,
    "ArgMax": DataFollower.largest,
}
"""By operator name: those whose meaning depends on the axes."""
