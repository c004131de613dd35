"""ONNX models: a chain of operators on one input, merged into layers."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.onnx.file import OnnxFile, as_chain, attributes, describe, read_graph
from golden.errors import ElsieError

_FLOATS = ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE")
SUPPORTED = (
    "Gemm, MatMul, Add, Relu, Identity, Dropout, Flatten, Reshape, Cast, and a trailing Softmax, "
    "LogSoftmax or ArgMax"
)


def load_onnx(path: str | Path) -> Model:
    """The model in an ONNX file; weights may be dense or sparse initialisers.

    LSTM and GRU layers: see elsie.compress.onnx.recurrent. Without them:

    Takes a chain of Gemm, MatMul, Add of a bias, Relu, Identity, Dropout (as in inference),
    Flatten, Reshape to (samples, features) and Cast to float. A trailing Softmax, LogSoftmax or
    ArgMax is dropped, which leaves the largest output where it is, and noted in Model.notes.

    Raises ElsieError, one sentence with the file, the node and the way out, for anything else.
    """
    graph = read_graph(path)
    if any(node.op_type in ("LSTM", "GRU", "RNN") for node in graph.nodes):
        from elsie.compress.onnx.recurrent import load_cells

        return load_cells(graph)
    file = as_chain(graph)
    importer = Importer(file)
    for node in file.chain:
        importer.take(node)
    return importer.model()


class Importer:
    """Takes node after node; `weight` and `bias` are the affine layer that is still open."""

    supported = SUPPORTED
    """What a model may use, for messages."""

    def __init__(self, file: OnnxFile) -> None:
        self.file = file
        self.layers: list[FloatLayer] = []
        self.notes: list[str] = []
        self.name = ""
        self.weight: NDArray[np.float64] | None = None
        self.bias = np.zeros(0)
        self.dropped: str | None = None
        shape = file.shape
        self.rank = None if shape is None else len(shape)
        self.features: int | None = None
        if shape is not None and len(shape) >= 2:
            sizes = [size for size in shape[1:] if size is not None]
            self.features = math.prod(sizes) if len(sizes) == len(shape) - 1 else None
        self.handlers: dict[str, Callable[[Any], None]] = {
            "Gemm": self._gemm,
            "MatMul": self._matmul,
            "Add": self._add,
            "Relu": self._relu,
            "Identity": lambda node: None,
            "Dropout": self._dropout,
            "Flatten": self._flatten,
            "Reshape": self._reshape,
            "Cast": self._cast,
            "Softmax": self._drop,
            "LogSoftmax": self._drop,
            "ArgMax": self._drop,
        }

    def take(self, node: Any) -> None:
        """The next node of the chain."""
        handler = self.handlers.get(node.op_type)
        if handler is None or node.domain not in ("", "ai.onnx"):
            self.refuse(node, f"is not supported; a model may use {self.supported}")
        if self.dropped and node.op_type in ("Gemm", "MatMul", "Add", "Relu"):
            self.refuse(
                node,
                f"follows {self.dropped}, which is supported only at the end; "
                f"export the model without it",
            )
        try:
            handler(node)
        except (IndexError, KeyError):
            self.refuse(node, "lacks an input or an attribute; export the model again")

    def model(self) -> Model:
        """The model, when all nodes are taken."""
        self.close("identity")
        if not self.layers:
            raise ElsieError(
                f"{self.file.path}: it has no fully connected layer; a model needs at least one "
                f"Gemm or MatMul"
            )
        return Model(name=self.file.path.stem, layers=tuple(self.layers), notes=tuple(self.notes))

    def refuse(self, node: Any, what: str) -> NoReturn:
        """Say what is wrong with a node."""
        raise ElsieError(f"{self.file.path}: {describe(node)} {what}")

    def _constant(self, node: Any, number: int, what: str) -> NDArray[np.float64]:
        """Input `number` of a node, which must be a finite constant."""
        name = node.input[number]
        if name not in self.file.constants:
            self.refuse(
                node,
                f"needs a constant {what}, but its input {name} is computed; "
                f"only a chain of layers with fixed weights can be used",
            )
        raw = self.file.constants[name]
        try:
            value = np.asarray(raw, dtype=np.float64)
        except (TypeError, ValueError):
            self.refuse(node, f"has a {what} of type {raw.dtype}; it must be numbers")
        if not np.isfinite(value).all():
            self.refuse(
                node,
                f"uses initialiser {name}, which has values that are NaN or "
                f"infinite; train or export the model again",
            )
        return value

    def _open(self, node: Any, weight: NDArray[np.float64]) -> None:
        """Begin an affine layer with `weight` (n_out, n_in)."""
        self.close("identity")
        if self.rank not in (None, 2):
            self.refuse(
                node,
                f"takes an input of rank {self.rank}; a layer takes (samples, "
                f"features): put a Flatten before it, or export with a batch axis",
            )
        if self.features is not None and weight.shape[1] != self.features:
            self.refuse(
                node,
                f"takes {weight.shape[1]} features, but its input has "
                f"{self.features}; export the model again",
            )
        if not weight.size:
            self.refuse(node, f"has an empty weight of shape {weight.shape}")
        self.name, self.weight = self.free_name(node, "layer"), weight
        self.bias = np.zeros(len(weight))
        self.features, self.rank = len(weight), 2

    def free_name(self, node: Any, stem: str) -> str:
        """The node's name, or its layer's number behind `stem`; another than any layer's before."""
        taken = {layer.name for layer in self.layers}
        name = stem = node.name or f"{stem}{len(self.layers)}"
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        return name

    def close(self, activation: str) -> None:
        """End the open layer, if there is one."""
        if self.weight is not None:
            self.layers.append(
                FloatDense(
                    name=self.name, weight=self.weight, bias=self.bias, activation=activation
                )
            )
        self.weight = None

    def _add_bias(self, node: Any, bias: NDArray[np.float64]) -> None:
        """Add a bias that broadcasts over the samples."""
        if bias.size not in (1, len(self.bias)) or bias.shape[:-1] not in ((), (1,)):
            self.refuse(
                node,
                f"has a bias of shape {bias.shape}, but the layer has {len(self.bias)} outputs",
            )
        self.bias = self.bias + bias.reshape(-1)

    def _live_first(self, node: Any) -> None:
        if node.input[0] in self.file.constants:
            self.refuse(node, "has its weight on the left; export it as input x weight")

    def _matrix(self, node: Any) -> NDArray[np.float64]:
        weight = self._constant(node, 1, "weight")
        if weight.ndim != 2:
            self.refuse(node, f"has a weight of shape {weight.shape}; it must be a matrix")
        return weight

    def _gemm(self, node: Any) -> None:
        given = attributes(node)
        self._live_first(node)
        if given.get("transA", 0):
            self.refuse(node, "has transA=1, which mixes samples; export it with transA=0")
        weight = self._matrix(node)
        self._open(node, (weight if given.get("transB", 0) else weight.T) * given.get("alpha", 1.0))
        if len(node.input) > 2 and node.input[2]:
            self._add_bias(node, self._constant(node, 2, "bias") * given.get("beta", 1.0))

    def _matmul(self, node: Any) -> None:
        self._live_first(node)
        self._open(node, self._matrix(node).T)

    def _add(self, node: Any) -> None:
        number = 1 if node.input[0] not in self.file.constants else 0
        bias = self._constant(node, number, "bias")
        if self.weight is None:
            self.refuse(node, "does not follow a Gemm or MatMul; fold it into a layer's bias")
        self._add_bias(node, bias)

    def _relu(self, node: Any) -> None:
        if self.weight is None and not self.layers:
            self.refuse(node, "comes before the first Gemm or MatMul; apply it to the data")
        if self.weight is None:
            # A second Relu changes nothing; behind anything else it would.
            last = self.layers[-1]
            if not isinstance(last, FloatDense) or last.activation != "relu":
                self.refuse(node, "does not follow a Gemm or MatMul; put it directly behind one")
        self.close("relu")

    def _dropout(self, node: Any) -> None:
        training = node.input[2] if len(node.input) > 2 else ""
        if training and np.any(self.file.constants.get(training, False)):
            self.refuse(node, "is in training mode; export the model for inference")

    def _flatten(self, node: Any) -> None:
        axis = attributes(node).get("axis", 1)
        if axis != 1 and (self.rank is None or axis != 1 - self.rank):
            self.refuse(node, f"has axis {axis}, which mixes samples; use axis 1")
        self.rank = 2

    def _reshape(self, node: Any) -> None:
        shape = [int(size) for size in self._constant(node, 1, "shape").reshape(-1)]
        samples = self.file.shape[0] if self.file.shape else None
        good = len(shape) == 2 and shape[0] in (-1, 0, 1, samples)
        last = shape[-1] if good else -1
        if good and last < 1:
            # 0 copies axis 1; -1 is what the samples leave over.
            good = self.rank == 2 if last == 0 else shape[0] != -1
            last = self.features or -1
        if not good or (self.features or last) != last:
            self.refuse(node, f"has shape {shape}; it must keep the samples: (-1, features)")
        self.features, self.rank = (last if last > 0 else None), 2

    def _cast(self, node: Any) -> None:
        from onnx import TensorProto

        to = TensorProto.DataType.Name(attributes(node)["to"])
        if to not in _FLOATS and self.dropped is None:
            self.refuse(node, f"casts to {to}; only casts to float are supported")

    def _drop(self, node: Any) -> None:
        default = 0 if node.op_type == "ArgMax" else -1
        axis = attributes(node).get("axis", default)
        if axis not in (1, -1):
            self.refuse(node, f"has axis {axis}, which mixes samples; use axis 1")
        self.drop(node)

    def drop(self, node: Any) -> None:
        """Leave out a node that does not change which output is the largest."""
        self.dropped = describe(node)
        self.notes.append(f"{self.dropped} was dropped: the largest output is the same without it")
