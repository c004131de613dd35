"""The layers that an import has found so far."""

from dataclasses import replace
from typing import Any, NoReturn

from onnx import NodeProto

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.grid import Grid
from elsie.compress.model.layer import FloatLayer
from elsie.compress.onnx.file import OnnxGraph, describe
from elsie.compress.onnx.values import STEPS, Affine, Data
from golden.errors import ElsieError, printable


class Layers:
    """Layers in order, and what is noted on the way."""

    def __init__(self, graph: OnnxGraph) -> None:
        self.graph = graph
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
            where = describe(node) if node is not None else f"the output {self.graph.output}"
            before = self.layers[data.stage - 1].name if data.stage else "the input"
            raise ElsieError(
                f"{self.graph.path}: the graph branches behind {before}: {where} takes its values, "
                f"and layer {self.layers[data.stage].name} too; only a chain of layers can be used"
            )

    def enter(self, node: NodeProto | None, data: Data) -> None:
        """A layer takes the data; once they are without steps, layers see only the last step."""
        self.check_stage(node, data)
        if self.head is None and STEPS in self.sizes and not data.sized(STEPS):
            self.head = data.stage

    def close(self, node: NodeProto | None, data: Data, activation: str) -> Data:
        """End a layer: `activation` of the data. Gives its outputs."""
        self.enter(node, data)
        width = self.width(data.stage) or data.affine.n
        if width is None:
            self.refuse(
                node or data.affine.node,
                "comes before the first Gemm or MatMul, and the file does not say how many "
                "features the input has; export it with their number",
            )
        if data.affine.matrix is None:
            self.own_layer(node or data.affine.node)
        weight, bias = data.affine.rows(width)
        self.append(data.affine.node or node, weight, bias, activation)
        return self.after(data.axes, data.affine.sizes)

    def append(self, node: NodeProto | None, weight: Any, bias: Any, activation: str) -> None:
        """Add a fully connected layer."""
        if self.inputs is None:
            self.inputs = weight.shape[1]
        name = self.free_name(node, "layer")
        self.layers.append(FloatDense(name=name, weight=weight, bias=bias, activation=activation))

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
        name = stem = given or f"{stem}{len(self.layers)}"
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        return name

    def own_layer(self, node: NodeProto | None) -> None:
        """Note that a node needs a layer that is no Gemm or MatMul of the file."""
        what = "the order of the outputs" if node is None else describe(node)
        self.notes.append(
            f"{what} does not follow a Gemm or MatMul: it is a layer of its own, with "
            f"one weight for each output"
        )

    def drop(self, node: NodeProto, what: str = "") -> None:
        """Leave out a node, or `what` of it: which output is the largest does not change."""
        self.answer = self.answer if self.dropped else node.input[0]
        self.dropped = f"{what}{describe(node)}"
        self.classes = True
        self.notes.append(f"{self.dropped} was dropped: the largest output is the same without it")
