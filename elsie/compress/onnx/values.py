"""Values of an ONNX graph outside layers: constants, shapes, zeros; and the names of axes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.onnx.file import OnnxFile, OnnxGraph, attributes, shape_of
from elsie.compress.onnx.importer import Handler, Importer
from golden.errors import ElsieError

STEPS, BATCH, ONE, FEATURES = "steps", "batch", "1", "features"
"""Names of axes; ONE has size 1."""

Size = int | str
"""Of an axis: a number, or the name of an axis whose size the file leaves open."""


@dataclass(frozen=True)
class Data:
    """The data: names of the axes in their order."""

    axes: tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """A shape, or a part of one."""

    sizes: tuple[Size, ...]


class Zeros:
    """Zeros of any shape."""


_KEEP_ZEROS = (
    "Cast",
    "Expand",
    "Identity",
    "Reshape",
    "Slice",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)
"""Operators whose result is zeros if their first input is zeros."""

_SHAPE_OPS = ("Concat", "Slice", "Gather", "Mul", "Reshape", "Unsqueeze", "Squeeze", "Cast")


class ShapeFollower(Importer):
    """An importer that tracks what every value of the graph is."""

    def __init__(self, graph: OnnxGraph, handlers: Mapping[str, Handler], supported: str) -> None:
        file = OnnxFile(
            path=graph.path,
            input=graph.input.name,
            shape=None,
            constants=graph.constants,
            chain=(),
        )
        super().__init__(file, handlers, supported)
        self.graph = graph
        self.values: dict[str, Any] = {}
        self.taken: dict[str, Any] = {}
        self.head: int | None = None
        shape = shape_of(graph.input)
        self.sizes: dict[str, int | None] = {}
        """Sizes of the input's axes, if the file gives them."""
        self.inputs = shape[-1] if shape else None
        if shape is not None and len(shape) != 3:
            raise ElsieError(
                f"{graph.path}: the input has rank {len(shape)}, but a recurrent model takes "
                f"(samples, steps, features) or (steps, samples, features)"
            )

    def _value(self, node: Any, name: str) -> Any:
        """What an input is."""
        if not name:
            return None
        if name in self.file.constants:
            return self.file.constants[name]
        if name not in self.values:
            self.refuse(
                node, f"takes {name}, which no node before it gives; export the model again"
            )
        return self.values[name]

    def _set(self, node: Any, value: Any) -> None:
        self.values[node.output[0]] = value

    def _fold(self, node: Any, given: list[Any]) -> None:
        """A node on constants alone."""
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        names = [name for name in node.input if name]
        inputs = [helper.make_tensor_value_info(name, 0, None) for name in dict.fromkeys(names)]
        outputs = [helper.make_tensor_value_info(name, 0, None) for name in node.output if name]
        graph = helper.make_graph([node], "constant", inputs, outputs)
        opset = [helper.make_opsetid("", self.graph.opset)]
        feed = {name: value for name, value in zip(node.input, given, strict=True) if name}
        try:
            found = ReferenceEvaluator(helper.make_model(graph, opset_imports=opset)).run(
                None, feed
            )
        except Exception as error:  # whatever the node's arithmetic raises
            self.refuse(node, f"cannot be worked out ({error}); export the model again")
        for name, value in zip([n for n in node.output if n], found, strict=True):
            self.file.constants[name] = np.asarray(value)

    def _shape(self, data: Data, given: dict[str, Any]) -> Shape:
        sizes = [self._size(axis) for axis in data.axes]
        return Shape(tuple(sizes[given.get("start", 0) : given.get("end")]))

    def _size(self, axis: str) -> Size:
        if axis == ONE:
            return 1
        if axis != FEATURES:
            return self.sizes.get(axis) or axis
        width = self.features if self.layers or self.weight is not None else self.inputs
        return FEATURES if width is None else width

    def _work_out(self, node: Any, given: list[Any]) -> Any:
        """A node on shapes, or on zeros."""
        first = given[0]
        if node.op_type == "ConstantOfShape":
            value = attributes(node).get("value")
            if value is None or not np.any(_array(value)):
                return Zeros()
        if node.op_type == "Expand" and isinstance(first, np.ndarray) and not first.any():
            return Zeros()
        if isinstance(first, Zeros) and node.op_type in _KEEP_ZEROS:
            return Zeros()
        if node.op_type in _SHAPE_OPS and not any(isinstance(value, Zeros) for value in given):
            return self._shape_op(node, given)
        return self.refuse(
            node, "is not supported; shapes, and states of zeros, may only be cut and put together"
        )

    def _shape_op(self, node: Any, given: list[Any]) -> Shape:
        """Sizes cut out, put together, or multiplied."""
        sizes = [
            value.sizes if isinstance(value, Shape) else tuple(np.ravel(value).tolist())
            for value in given
            if value is not None
        ]
        if node.op_type == "Concat":
            return Shape(tuple(size for part in sizes for size in part))
        if node.op_type == "Slice":
            return Shape(sizes[0][int(sizes[1][0]) : min(int(sizes[2][0]), len(sizes[0]))])
        if node.op_type == "Gather":
            return Shape(tuple(sizes[0][int(index)] for index in sizes[1]))
        if node.op_type != "Mul":
            return Shape(sizes[0])
        products: list[Size] = []
        for a, b in zip(*sizes, strict=True):
            if isinstance(a, int) and isinstance(b, int):
                products.append(a * b)
            elif 1 in (a, b):
                products.append(b if a == 1 else a)
            else:
                self.refuse(node, "multiplies two open sizes, which would mix samples and steps")
        return Shape(tuple(products))


def _array(tensor: Any) -> NDArray[Any]:
    from onnx import numpy_helper

    return numpy_helper.to_array(tensor)
