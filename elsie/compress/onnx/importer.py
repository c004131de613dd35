"""The walk over an ONNX graph: what every value is, and the layers found so far."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from onnx import NodeProto

from elsie.compress.model.conv import FloatConv
from elsie.compress.model.model import Model
from elsie.compress.onnx.constants import SELECT, FoldError, fold
from elsie.compress.onnx.file import OnnxGraph, uses
from elsie.compress.onnx.lookup import Values
from elsie.compress.onnx.operators.refusals import LACKS, foreign, malformed
from elsie.compress.onnx.values import (
    BATCH,
    FEATURES,
    ONE,
    STEPS,
    Affine,
    Data,
    Sized,
    Stack,
    Unusable,
)
from golden.errors import ElsieError, printable

Handler = Callable[["Importer", NodeProto, Any], Data | Stack | None]
"""Takes a node and its first input that is data; gives the first output, or None
if it has set the outputs itself."""


@dataclass(frozen=True, kw_only=True)
class Operators:
    """What a model may use."""

    handlers: Mapping[str, Handler]
    """By operator name, behind its domain and a dot unless that is the standard one."""
    closing: tuple[str, ...]
    """Those that may follow a Softmax or ArgMax that was dropped."""
    constant: Mapping[str, Callable[["Importer", NodeProto, list[Any]], Any]]
    """Operators on constants that the folder does not know; each gives the first output."""
    moving: Collection[str]
    """Those that only move values."""
    on_maps: Collection[str]
    """Those that make values of several axes maps."""
    finish: Callable[["Importer", Data], Data | None]
    """Outputs of a map that is scaled or moved, as outputs of a layer; None for other data."""
    reasons: Mapping[str, str]
    """Why an operator without a handler is refused, the end of a sentence."""
    supported: str
    """The list, for messages."""


class Again(Exception):
    """The values that a node took have changed: it is to be looked at again."""


class Importer(Values):
    """Takes node after node; `values` says what each value is."""

    def __init__(self, graph: OnnxGraph, operators: Operators) -> None:
        super().__init__(graph)
        self.operators = operators
        self.quantised = False

    def run(self, axes: tuple[str, ...]) -> Model:
        """The model, from an input with these axes."""
        shape = self.graph.shape
        self.sizes = dict(zip(axes, shape or (None,) * len(axes), strict=True))
        sizes: tuple[int, ...] | None = None
        if shape is not None:
            known = [s for a, s in zip(axes, shape, strict=True) if a == FEATURES and s]
            sizes = tuple(known) if len(known) == axes.count(FEATURES) else None
        start = Affine(sizes=sizes)
        self.inputs = start.n
        self.values[self.graph.input] = Data(axes=axes, stage=0, affine=start)
        self.left[self.graph.output] += 1
        self.each(self.graph.nodes)
        result = self.values.get(self.graph.output)
        if isinstance(result, Unusable | Stack):
            raise ElsieError(f"{self.graph.path}: the output {self.graph.output} {result.why}")
        if isinstance(result, Data) and result.form:
            giver = next(n for n in self.graph.nodes if self.graph.output in n.output)
            result = self._ended(giver, result) or self.refuse(giver, f"gives {result.why}")
        if not isinstance(result, Data):
            raise ElsieError(
                f"{self.graph.path}: the output {self.graph.output} does not depend on the input "
                f"{self.graph.input}; export the model again"
            )
        if STEPS not in axes and [axis for axis in result.axes if axis != ONE][:1] != [BATCH]:
            raise ElsieError(
                f"{self.graph.path}: the output {self.graph.output} has axes "
                f"({', '.join(result.axes)}), and samples must come first; export it without the "
                f"last Transpose"
            )
        if result.sized(STEPS) and result.axes[-1:] != (FEATURES,):
            raise ElsieError(
                f"{self.graph.path}: the output {self.graph.output} has axes "
                f"({', '.join(result.axes)}); the features must be the last, so export it that way"
            )
        result = replace(result, affine=result.affine.tidy(self.width(result.stage)))
        if not result.affine.plain:
            result = self.operators.finish(self, result) or self.choose(result)
        if not result.affine.plain:
            result = self.close(None, result, "identity")
        if not self.layers:
            raise ElsieError(
                f"{self.graph.path}: it has no fully connected layer; a model needs at least one "
                f"Gemm or MatMul, or a Conv"
            )
        self.enter(None, result)
        return Model(
            name=printable(self.graph.path.stem),
            layers=tuple(self.layers),
            notes=tuple(self.notes),
            head=self.head,
            outputs="classes" if self.classes else None,
            grids=self.grids,
            quantised=self.quantised,
            sources=self.sources,
            order=self.order,
        )

    def _ended(self, giver: NodeProto, result: Data) -> Data | None:
        """The output as outputs of a layer; None if it cannot be."""
        try:
            return result.linear(self, giver)
        except Again:
            return self.values[self.graph.output].linear(self, giver)

    def each(self, nodes: Iterable[NodeProto]) -> None:
        """Node after node, of the graph or of one inside it."""
        listed = list(nodes)
        for node in listed:
            self.left.update(uses(node))
        for node in listed:
            self.left.subtract(uses(node))
            self.node(node)

    def node(self, node: NodeProto) -> None:
        """One node: constants are folded, the data tracked."""
        given = [self.value(node, name) for name in node.input]
        kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        found = [value for value in given if isinstance(value, Data | Stack)]
        formed = [value for value in found if isinstance(value, Data) and value.form]
        data = next(iter(formed or found), None)
        if isinstance(data, Stack) and kind not in self.operators.moving:
            self.refuse(node, data.why)
        wrong = malformed(node)
        if wrong:
            self.refuse(node, wrong)
        try:
            if data is None:
                self._constant(node, kind, given)
            elif kind == "Shape" and isinstance(data, Data):
                self.fold(node, [self.extent(data)], sized=self.is_open(data), exact=True)
            else:
                self._follow(node, kind, data)
        except Again:
            self.node(node)
        except (IndexError, KeyError):
            self.refuse(node, LACKS)

    def _constant(self, node: NodeProto, kind: str, given: list[Any]) -> None:
        """A node on constants and sizes."""
        self.quantised |= node.op_type in ("DequantizeLinear", "Quant", "BipolarQuant")
        if kind in self.operators.constant:
            self.values[node.output[0]] = self.operators.constant[kind](self, node, given)
        elif node.domain not in ("", "ai.onnx"):
            self.unknown(node, kind)
        elif not given:
            self.refuse(node, "has no input and is no constant; export the model for inference")
        else:
            arrays = [value.array if isinstance(value, Sized) else value for value in given]
            sizes = [value for value in given if isinstance(value, Sized)]
            exact = kind in SELECT and all(value.exact for value in sizes)
            self.fold(node, arrays, sized=bool(sizes), exact=exact)

    def fold(self, node: NodeProto, given: list[Any], *, sized: bool, exact: bool = False) -> None:
        """Work a node out; sized: its result depends on open sizes; exact: as in Sized."""
        try:
            found = fold(node, given, self.graph.opset)
        except FoldError as error:
            self.refuse(node, str(error))
        for name, value in zip([n for n in node.output if n], found, strict=True):
            array = np.asarray(value) if isinstance(value, np.ndarray | np.generic) else value
            # A Cast to fewer bits, or to bool, changes numbers.
            kept = exact and np.dtype(array.dtype).itemsize >= 4
            fixed = kept and not np.isin(array, list(self.open.values())).any()
            self.values[name] = Sized(array, kept) if sized and not fixed else array

    def _follow(self, node: NodeProto, kind: str, data: Data | Stack) -> None:
        """A node on the data."""
        form = data.form if isinstance(data, Data) else ""
        handler = self.operators.handlers.get(f"{form} {kind}".strip())
        if not form and isinstance(data, Data) and self.is_map(data):
            handler = self.operators.handlers.get(f"map {kind}", handler)
        if handler is None and not form:
            self.unknown(node, kind)
        if self.dropped and kind not in self.operators.closing:
            self.refuse(
                node,
                f"follows {self.dropped}, which is supported only at the end; "
                f"export the model without it",
            )
        if handler is None:
            self.settle(node, data)
            return
        result = handler(self, node, data)
        if isinstance(result, Data) and self.left[node.output[0]] > 1:
            result = result.shared(self, node)
        if result is not None:
            self.values[node.output[0]] = result

    def is_map(self, data: Data) -> bool:
        """Plain values with channels and places, in a model with layers on maps."""
        if data.stage:
            maps = isinstance(self.layers[data.stage - 1], FloatConv)
        else:
            maps = any(node.op_type in self.operators.on_maps for node in self.graph.nodes)
        return maps and len(data.axes) > 2 and not data.sized(STEPS)

    def settle(self, node: NodeProto, data: Any) -> None:
        """A node again, with its input `data` as outputs of a layer instead of another form."""
        real = data.linear(self, node)
        if real is None:
            self.refuse(node, f"takes {data.why}")
        for name in node.input:
            if self.values.get(name) is data:
                self.values[name] = real
        self.node(node)

    def unknown(self, node: NodeProto, kind: str) -> NoReturn:
        """Say why an operator is not supported."""
        reason = self.operators.reasons.get(kind)
        if reason is None and node.domain not in ("", "ai.onnx", "ai.onnx.ml"):
            reason = foreign(node.domain)
        self.refuse(node, reason or f"is not supported; a model may use {self.operators.supported}")
