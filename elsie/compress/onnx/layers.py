"""The layers that an import has found so far."""

from collections import Counter
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.grid import Grid
from elsie.compress.model.layer import FloatLayer
from elsie.compress.onnx.file import OnnxGraph
from elsie.compress.onnx.nodes import describe
from elsie.compress.onnx.values import FEATURES, STEPS, Affine, Data
from golden.errors import ElsieError, printable

LARGEST = 1 << 26
"""Weights of a fully connected layer that no Gemm or MatMul of the file has."""
_LONGEST = 100
"""Characters of a layer's name."""


class Layers:
    """Layers in order, and what is noted on the way."""

    def __init__(self, graph: OnnxGraph) -> None:
        self.graph = graph
        self.values: dict[str, Any] = dict(graph.constants)
        """What each value is that is known so far."""
        self.layers: list[FloatLayer] = []
        self.notes: list[str] = list(graph.notes)
        self.grids: dict[int, tuple[Grid, ...]] = {}
        """What rounds the outputs of a stage."""
        self.answer = graph.output
        """The value that the model computes: the output, or what was before a node dropped."""
        self.dropped: str | None = None
        self.classes = False
        """The file says that the largest output is a class."""
        self.head: int | None = None
        self.inputs: int | None = None
        self.sources: dict[int, tuple[int, ...]] = {}
        """Of layers that do not take the one before, as in Model."""
        self.input_map: tuple[int, int, int] | None = None
        """Channels, rows and columns of the inputs, once they are used as a map."""
        self.order: NDArray[np.int64] | None = None
        """Of the inputs, as in Model."""
        self.left: Counter[str] = Counter()
        """Nodes still to come that take each value, and once more the output."""
        self.sizes: dict[str, int | None] = {}
        """Sizes of the input's axes of samples and steps, None where the file leaves them open."""

    def refuse(self, node: NodeProto | None, what: str) -> NoReturn:
        """Say what is wrong with a node."""
        assert node is not None, what
        raise ElsieError(f"{self.graph.path}: {describe(node)} {what}")

    def width(self, stage: int) -> int | None:
        """Outputs of a stage; of the input if it is 0."""
        return self.layers[stage - 1].n_out if stage else self.inputs

    def check_stage(self, node: NodeProto | None, data: Data) -> None:
        """Refuse data that comes from before the last layer: a second layer on one value."""
        if data.stage == len(self.layers) and data.grids != self.grids.get(data.stage, ()):
            self.refuse(
                node or self.graph.nodes[-1],
                "takes values from before a rounding, and other nodes from behind it: the graph "
                "branches, and only a chain of layers can be used",
            )
        if data.stage != len(self.layers):
            before = self.layers[data.stage - 1].name if data.stage else "the input"
            raise ElsieError(
                f"{self.graph.path}: the graph branches behind {before}: {self._where(node)} takes "
                f"its values, and layer {self.layers[data.stage].name} too; only a chain of layers "
                f"can be used, or branches with the same function at each depth"
            )

    def _where(self, node: NodeProto | None) -> str:
        """A node, or the end of the graph."""
        return f"the output {self.graph.output}" if node is None else describe(node)

    def check_axis(self, node: NodeProto, data: Data, axis: int) -> None:
        """Refuse a node over another axis than that of the features."""
        rank = len(data.axes)
        if not -rank <= axis < rank:
            self.refuse(node, f"has axis {axis}, but its input has rank {rank}; use axis -1")
        if data.axes[axis] != FEATURES or data.axes.count(FEATURES) > 1:
            self.refuse(node, f"has axis {axis}, which mixes samples or steps; use axis -1")

    def enter(self, node: NodeProto | None, data: Data) -> None:
        """A layer takes the data; once they are without steps, layers see only the last step."""
        self.check_stage(node, data)
        if self.head is None and STEPS in self.sizes and not data.sized(STEPS):
            self.head = data.stage

    def close(self, node: NodeProto | None, data: Data, activation: str) -> Data:
        """End a layer: `activation` of the data. Gives its outputs."""
        beside = self._beside(node or data.affine.node, data, activation)
        if beside is not None:
            return beside
        self.enter(node, data)
        width = self.width(data.stage) or data.affine.n
        if width is None:
            self.refuse(
                node or data.affine.node,
                "comes before the first Gemm or MatMul, and the file does not say how many "
                "features the input has; export it with their number",
            )
        self.check_room(node or data.affine.node, data, width)
        if data.affine.matrix is None:
            self.own_layer(node or data.affine.node)
        weight, bias = data.affine.rows(width)
        self.append(data.affine.node or node, weight, bias, activation)
        return self.after(data.axes, data.affine.sizes)

    def check_room(self, node: NodeProto | None, data: Data, width: int) -> None:
        """Refuse a matrix of the data's values that would fill the memory."""
        if (data.affine.n or 1) * width > LARGEST:
            self.refuse(
                node or self.graph.nodes[-1],
                f"needs a fully connected layer of {data.affine.n} x {width} weights, for a map; "
                f"put it before the map is flattened, or behind a Gemm",
            )

    def _beside(self, node: NodeProto | None, data: Data, activation: str) -> Data | None:
        """The same for a branch: its values become more rows of the layer that took its input.

        None if there is no such layer, or one that does something else.
        """
        stage, width = data.stage, self.width(data.stage)
        if stage >= len(self.layers) or width is None or STEPS in self.sizes:
            return None
        layer = self.layers[stage]
        rounded = (stage + 1) in self.grids or data.grids != self.grids.get(stage, ())
        if rounded or not isinstance(layer, FloatDense) or layer.activation != activation:
            return None
        self.check_room(node, data, width)
        weight, bias = data.affine.rows(width)
        old, new = layer.n_out, len(bias)
        self.layers[stage] = replace(
            layer,
            weight=np.concatenate((layer.weight, weight)),
            bias=np.concatenate((layer.bias, bias)),
        )
        if stage + 1 < len(self.layers):
            behind = self.layers[stage + 1]
            assert isinstance(behind, FloatDense)
            self.layers[stage + 1] = replace(
                behind, weight=np.pad(behind.weight, ((0, 0), (0, new)))
            )
        for name, value in self.values.items():
            if isinstance(value, Data) and value.stage == stage + 1:
                self.values[name] = replace(value, affine=value.affine.beside(old, new))
        self.notes.append(
            f"{self._where(node)} belongs to a branch: its values are computed by layer "
            f"{layer.name} beside others"
        )
        sizes = data.affine.sizes or (new,)
        affine = Affine(sizes=sizes, index=np.arange(old, old + new))
        return Data(axes=data.axes, stage=stage + 1, affine=affine)

    def choose(self, data: Data) -> Data:
        """Outputs in another order, or some of them: the last layer's rows, if it has no others.

        Gives the data as it is if it is something else.
        """
        affine, last = data.affine, self.layers[-1] if self.layers else None
        joined = affine.matrix is None or getattr(affine.node, "op_type", "") == "Concat"
        if not isinstance(last, FloatDense) or data.stage != len(self.layers) or not joined:
            return data
        rows, offset = affine.rows(last.n_out)
        chosen = rows.argmax(axis=1)
        if data.grids or offset.any() or not np.array_equal(rows, np.eye(last.n_out)[chosen]):
            return data
        self.layers[-1] = replace(last, weight=last.weight[chosen], bias=last.bias[chosen])
        return replace(data, affine=Affine(sizes=affine.sizes))

    def append(self, node: NodeProto | None, weight: Any, bias: Any, activation: str) -> None:
        """Add a fully connected layer."""
        if self.inputs is None:
            self.inputs = weight.shape[1]
        name = self.free_name(node, "layer")
        self.layers.append(FloatDense(name=name, weight=weight, bias=bias, activation=activation))

    def add(self, layer: FloatLayer, stages: tuple[int, ...]) -> int:
        """Add a layer that takes some stages; its number."""
        self.layers.append(layer)
        if stages != (len(self.layers) - 1,):
            self.sources[len(self.layers)] = stages
        return len(self.layers)

    def sole(self, stage: int) -> bool:
        """No layer takes the outputs of a stage, and no node but the one that asks."""
        taken = {
            n for number in range(stage + 1, len(self.layers) + 1) for n in self._taken(number)
        }
        waiting = (
            self.left[name]
            for name, value in self.values.items()
            if isinstance(value, Data) and stage in value.stages
        )
        return stage not in taken and stage not in self.grids and not sum(waiting)

    def _taken(self, number: int) -> tuple[int, ...]:
        return self.sources.get(number, (number - 1,))

    def reorder(self, places: NDArray[np.int64]) -> None:
        """Layers see the inputs in this order from here on."""
        if any(not isinstance(grid.step, float) for grid in self.grids.get(0, ())):
            raise ElsieError(
                f"{self.graph.path}: the inputs have a scale for each of them, and channels last; "
                f"export the model with channels first"
            )
        self.order = places
        for name, value in self.values.items():
            if isinstance(value, Data):
                self.values[name] = value.placed(np.argsort(places))

    def after(self, axes: tuple[str, ...], sizes: tuple[int, ...] | None = None) -> Data:
        """The outputs of the last layer."""
        n = self.layers[-1].n_out
        return Data(axes=axes, stage=len(self.layers), affine=Affine(sizes=sizes or (n,)))

    def snapped(self, data: Data, grid: Grid) -> Data:
        """Round the last layer's outputs to a grid, once more."""
        self.grids[data.stage] = (*data.grids, grid)
        return replace(data, grids=self.grids[data.stage])

    def free_name(self, node: NodeProto | None, stem: str) -> str:
        """The node's name, or `stem` and the layer's number; not the name of an earlier layer."""
        taken = {layer.name for layer in self.layers}
        given = printable(node.name) if node is not None else ""
        given = given if len(given) <= _LONGEST else f"{given[:60]}...{given[-30:]}"
        name = stem = given or f"{stem}{len(self.layers)}"
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        return name

    def own_layer(self, node: NodeProto | None, each: str = "output") -> None:
        """Note that a node needs a layer that is no Gemm, MatMul or Conv of the file."""
        what = "the order of the outputs" if node is None else describe(node)
        before = "Conv" if each == "channel" else "Gemm or MatMul"
        self.notes.append(
            f"{what} does not follow a {before}: it is a layer of its own, with one weight for "
            f"each {each}"
        )

    def drop(self, node: NodeProto, what: str = "") -> None:
        """Leave out a node, or `what` of it: which output is the largest does not change."""
        self.answer = self.answer if self.dropped else node.input[0]
        self.dropped = f"{what}{describe(node)}"
        self.classes = True
        self.notes.append(f"{self.dropped} was dropped: the largest output is the same without it")
