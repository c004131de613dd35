"""The state of an import: layers so far, and the affine layer that is still open."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.onnx.file import OnnxFile, describe
from golden.errors import ElsieError

Handler = Callable[["Importer", Any], None]
"""Takes a node (onnx.NodeProto) into the import."""


FUNCTIONS: Mapping[str, str] = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid"}
"""Operators that end a fully connected layer, and its activation (elsie.compress.model.functions).
"""


class Importer:
    """Takes node after node; `weight` and `bias` are the affine layer that is still open.

    `handlers` are by operator name; `supported` says what a model may use, for messages.
    """

    def __init__(self, file: OnnxFile, handlers: Mapping[str, Handler], supported: str) -> None:
        self.file, self.handlers, self.supported = file, handlers, supported
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

    def take(self, node: Any) -> None:
        """The next node of the chain."""
        handler = self.handlers.get(node.op_type)
        if handler is None or node.domain not in ("", "ai.onnx"):
            self.refuse(node, f"is not supported; a model may use {self.supported}")
        if self.dropped and node.op_type in ("Gemm", "MatMul", "Add", *FUNCTIONS):
            self.refuse(
                node,
                f"follows {self.dropped}, which is supported only at the end; "
                f"export the model without it",
            )
        try:
            handler(self, node)
        except (IndexError, KeyError):
            self.refuse(node, "lacks an input or an attribute; export the model again")

    def model(self) -> Model:
        """The model, once all nodes are taken."""
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

    def constant(self, node: Any, number: int, what: str) -> NDArray[np.float64]:
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

    def open(self, node: Any, weight: NDArray[np.float64]) -> None:
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
        """The node's name, or `stem` and the layer's number; not the name of an earlier layer."""
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

    def add_bias(self, node: Any, bias: NDArray[np.float64]) -> None:
        """Add a bias that broadcasts over the samples."""
        if bias.size not in (1, len(self.bias)) or bias.shape[:-1] not in ((), (1,)):
            self.refuse(
                node,
                f"has a bias of shape {bias.shape}, but the layer has {len(self.bias)} outputs",
            )
        self.bias = self.bias + bias.reshape(-1)

    def drop(self, node: Any) -> None:
        """Leave out a node that does not change which output is the largest."""
        self.dropped = describe(node)
        self.notes.append(f"{self.dropped} was dropped: the largest output is the same without it")
