"""Random networks on maps, in the forms that exporters write."""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

WIDTHS = (1, 2, 3, 4, 6)
"""Channels of a convolution."""


class Network:
    """A graph that grows node by node; a value is its name, channels and places."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.rank = self.pick([1, 2, 2, 2])
        sizes = self.pick([(7, 5), (8, 8), (6, 9), (12, 4), (1, 10), (5, 5)])
        self.shape = (self.pick([1, 2, 3]), *sizes[-self.rank :])
        self.last = self.rng.random() < 0.3
        self.start = (*self.shape[1:], self.shape[0]) if self.last else self.shape
        self.live, self.seen = "x", []
        if self.last:
            self.on("Transpose", perm=self.order(first=True))
        for _ in range(self.rng.integers(3, 9)):
            self.keep()
            self.pick(STEPS)(self)
        if self.rng.random() < 0.85:
            self.head()

    def pick(self, options: Any) -> Any:
        """One of them."""
        return options[self.rng.integers(len(options))]

    def real(self, *shape: int) -> np.ndarray:
        return self.rng.normal(size=shape).astype(np.float32)

    def const(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def put(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """A node; its output's name."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"n_{name}", **attributes))
        return name

    def on(self, kind: str, *more: str, **attributes: Any) -> None:
        """A node on the map."""
        self.live = self.put(kind, [self.live, *more], **attributes)

    def order(self, *, first: bool) -> list[int]:
        """To channels first, or last."""
        rank = self.rank + 2
        return [0, rank - 1, *range(1, rank - 1)] if first else [0, *range(2, rank), 1]

    def keep(self) -> None:
        self.seen.append((self.live, self.shape))

    def channels(self, value: np.ndarray) -> str:
        """One number a channel."""
        return self.const(value.reshape(-1, *(1,) * self.rank))

    def conv(self) -> None:
        """Of any geometry that fits."""
        channels, *sizes = self.shape
        kernel = [int(self.rng.integers(1, 5)) for _ in sizes]
        dilations = [self.pick([1, 1, 1, 2]) for _ in sizes]
        strides = [self.pick([1, 1, 2, 4]) for _ in sizes]
        groups = self.pick([1, 1, channels, self.pick([1, 2 - channels % 2])])
        out = groups * self.pick([1, 2]) if groups > 1 else self.pick(WIDTHS)
        given: dict[str, Any] = {"strides": strides, "dilations": dilations, "group": groups}
        auto = self.pick(["", "", "", "SAME_UPPER", "SAME_LOWER", "VALID"])
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
        pads = [self.rng.integers(0, 3, 2).tolist() for _ in sizes]
        if auto.startswith("SAME"):
            counts = [-(-n // s) for n, s in zip(sizes, strides, strict=True)]
        else:
            pads = [[0, 0] for _ in sizes] if auto else pads
            ends = zip(sizes, pads, spans, strides, strict=True)
            counts = [(n + sum(p) - k) // s + 1 for n, p, k, s in ends]
        if min(counts) < 1:
            return
        if auto:
            given["auto_pad"] = auto
        else:
            given["pads"] = [p[0] for p in pads] + [p[1] for p in pads]
        more = [self.const(self.real(out, channels // groups, *kernel))]
        more += [self.const(self.real(out))] if self.rng.random() < 0.6 else []
        self.on("Conv", *more, **given)
        self.shape = (out, *counts)

    def conv_relu(self) -> None:
        self.conv()
        self.around(self.pick([Network.norm, Network.scale, None]))
        self.around(self.pick([Network.relu, Network.relu6]))

    def around(self, step: Callable[["Network"], None] | None) -> None:
        """A step, sometimes with the channels last."""
        if step is None:
            return
        if self.rng.random() < 0.8 or step is Network.norm or step is Network.scale:
            step(self)
            return
        self.on("Transpose", perm=self.order(first=False))
        step(self)
        self.on("Transpose", perm=self.order(first=True))

    def norm(self) -> None:
        values = [self.real(self.shape[0]) for _ in range(3)]
        variance = np.abs(self.real(self.shape[0])) + np.float32(0.3)
        self.on("BatchNormalization", *[self.const(v) for v in (*values, variance)], epsilon=1e-3)

    def scale(self) -> None:
        kind = self.pick(["Add", "Sub", "Mul", "Div"])
        value = self.real(self.pick([1, self.shape[0]]))
        other = self.channels(np.where(np.abs(value) < 0.2, np.float32(0.5), value))
        if kind != "Div" and self.rng.random() < 0.3:
            self.live = self.put(kind, [other, self.live])
        else:
            self.on(kind, other)

    def relu(self) -> None:
        self.on("Relu")

    def relu6(self) -> None:
        """As PyTorch and Keras write it."""
        if self.rng.random() < 0.5:
            self.on("Clip", self.const(np.float32(0)), self.const(np.float32(1.5)))
        else:
            self.on("Relu")
            self.on("Min", self.const(np.float32(1.5)))

    def pool(self) -> None:
        window = [self.pick([1, 2, 2, 3]) for _ in self.shape[1:]]
        window = [min(w, n) for w, n in zip(window, self.shape[1:], strict=True)]
        kind = self.pick(["MaxPool", "MaxPool", "AveragePool"])
        if kind == "AveragePool":
            window = [1 if w == 3 else w for w in window]
        self.on(kind, kernel_shape=window, strides=window)
        counts = [n // w for n, w in zip(self.shape[1:], window, strict=True)]
        self.shape = (self.shape[0], *counts)

    def average(self) -> None:
        """Overlapping, with zeros that count."""
        if min(self.shape[1:]) < 2:
            return
        pads = [1] * (2 * self.rank)
        self.on("AveragePool", kernel_shape=[2] * self.rank, pads=pads, count_include_pad=1)
        self.shape = (self.shape[0], *(n + 1 for n in self.shape[1:]))

    def pad(self) -> None:
        ends = self.rng.integers(0, 3, 2 * self.rank)
        both = [0, 0, *ends[: self.rank], 0, 0, *ends[self.rank :]]
        self.on("Pad", self.const(np.array(both)))
        places = [n + ends[k] + ends[self.rank + k] for k, n in enumerate(self.shape[1:])]
        self.shape = (self.shape[0], *(int(n) for n in places))

    def add(self) -> None:
        """With an earlier map, or a convolution of one."""
        fits = [name for name, shape in self.seen if shape == self.shape]
        if not fits:
            return
        other = self.pick(fits)
        if self.rng.random() < 0.4:
            weight = self.real(self.shape[0], self.shape[0], *(1,) * self.rank)
            other = self.put("Conv", [other, self.const(weight)])
        kind = self.pick(["Add", "Add", "Sub", "Sum"])
        self.live = self.put(kind, [other, self.live])
        self.around(self.pick([Network.relu, None]))

    def join(self) -> None:
        """With an earlier map of the same places."""
        fits = [(name, shape) for name, shape in self.seen if shape[1:] == self.shape[1:]]
        if not fits or self.shape[0] > 8:
            return
        other, shape = self.pick(fits)
        self.live = self.put("Concat", [other, self.live], axis=1)
        self.shape = (self.shape[0] + shape[0], *self.shape[1:])

    def cut(self) -> None:
        """Some of the channels."""
        index = self.rng.integers(self.shape[0], size=self.rng.integers(1, 4))
        self.on("Gather", self.const(index), axis=1)
        self.shape = (len(index), *self.shape[1:])

    def nothing(self) -> None:
        self.on(self.pick(["Identity", "Dropout"]))

    def head(self) -> None:
        """A global average, or the values of all places, and a fully connected layer."""
        channels, *sizes = self.shape
        way = self.pick(["global", "reduce", "flatten", "flatten last", "view"])
        features = channels if way in ("global", "reduce") else int(np.prod(self.shape))
        if way == "global":
            self.on("GlobalAveragePool")
            self.on("Flatten")
        elif way == "reduce":
            axes = self.const(np.arange(2, 2 + len(sizes)))
            self.on("ReduceMean", axes, keepdims=0)
        elif way == "view":  # as x.view(x.size(0), -1) is exported
            size = self.put("Gather", [self.put("Shape", [self.live]), self.const(np.array([0]))])
            shape = self.put("Concat", [size, self.const(np.array([-1]))], axis=0)
            self.on("Reshape", shape)
        else:
            if way == "flatten last":
                self.on("Transpose", perm=self.order(first=False))
            self.on("Flatten")
        self.on("Gemm", self.const(self.real(features, 3)), self.const(self.real(3)))

    def proto(self) -> Any:
        """The model."""
        graph = helper.make_graph(
            self.nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *self.start])],
            [helper.make_tensor_value_info(self.live, TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


STEPS: list[Callable[[Network], None]] = [
    *(Network.conv_relu, Network.conv_relu, Network.conv_relu, Network.conv, Network.norm),
    *(Network.scale, Network.relu, Network.relu6, Network.pool, Network.pool, Network.average),
    *(Network.pad, Network.add, Network.add, Network.join, Network.join, Network.cut),
    Network.nothing,
]
