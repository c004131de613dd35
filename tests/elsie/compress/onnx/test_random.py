"""Random fully connected graphs: the import equals onnx's reference evaluator, or is refused.

Both compute from the same float32 weights; the evaluator rounds to float32 at each node, the import
computes in float64, so that they may differ by TOLERANCE of the largest value on the way.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

TOLERANCE = 2e-6
SUITE, BLOCKS, BLOCK = 300, 6, 1000


class Random:
    """A graph that grows node by node; `shape` is the data's, without samples."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.samples = self.pick([None, None, 1, 3])
        self.start: tuple[int, ...] = self.pick([(4,), (6,), (2, 3), (2, 1, 3), (1,), (1, 5)])
        self.shape, self.live = self.start, "x"
        for _ in range(self.rng.integers(2, 9)):
            self.pick(STEPS)(self)
        if self.rng.random() < 0.8:
            self.flat()
            self.dense()

    def pick(self, options: Any) -> Any:
        """One of them."""
        return options[self.rng.integers(len(options))]

    def const(self, value: Any) -> str:
        """A constant; sometimes by way of a node on constants."""
        value, name = np.asarray(value), f"c{len(self.constants)}"
        self.constants[name] = value
        if value.dtype != np.float32 or self.rng.random() < 0.6:
            return name
        way = self.pick(["Identity", "Neg", "Unsqueeze", "Constant"])
        if way == "Constant":
            del self.constants[name]
            self.constants[f"{name}_unused"] = np.zeros(1, np.float32)
            return self.put("Constant", [], value=numpy_helper.from_array(value))
        if way == "Neg":
            return self.put("Neg", [self.put("Neg", [name])])
        if way == "Unsqueeze":
            axes = self.const(np.array([0]))
            return self.put("Squeeze", [self.put("Unsqueeze", [name, axes]), axes])
        return self.put(way, [name])

    def put(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """A node; its output's name."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"n_{name}", **attributes))
        return name

    def on(self, kind: str, *more: str, **attributes: Any) -> None:
        """A node on the data."""
        self.live = self.put(kind, [self.live, *more], **attributes)

    def real(self, *shape: int) -> np.ndarray:
        return self.rng.normal(size=shape).astype(np.float32)

    def flat(self) -> None:
        if len(self.shape) != 1:
            if self.rng.random() < 0.5:
                self.on("Flatten")
            else:
                self.on("Reshape", self.const(np.array([self.pick([-1, 0]), np.prod(self.shape)])))
            self.shape = (int(np.prod(self.shape)),)

    def dense(self) -> None:
        self.flat()
        n, m = self.shape[0], int(self.rng.integers(1, 7))
        if self.rng.random() < 0.5:
            self.on("MatMul", self.const(self.real(n, m)))
        else:
            trans = int(self.rng.integers(2))
            weight = self.const(self.real(*((m, n) if trans else (n, m))))
            bias = self.pick([(m,), (1, m), (1,), ()])
            self.on("Gemm", weight, self.const(self.real(*bias)), transB=trans, alpha=0.5)
        self.shape = (m,)

    def scale(self) -> None:
        kind = self.pick(["Add", "Sub", "Mul", "Div"])
        shape = self.pick([self.shape, (1, *self.shape), (), self.shape[-1:], (1,) * 5])
        value = self.real(*shape)
        value = np.where(np.abs(value) < 0.2, np.float32(0.5), value)
        other = self.const(value.astype(np.float32))
        if kind != "Div" and self.rng.random() < 0.4:
            self.live = self.put(kind, [other, self.live])
        else:
            self.on(kind, other)
        if shape == (1,) * 5:
            self.on("Reshape", self.const(np.array([-1, *self.shape])))

    def norm(self) -> None:
        channels = self.shape[0]
        values = [self.real(channels) for _ in range(3)]
        variance = np.abs(self.real(channels)) + np.float32(0.3)
        self.on("BatchNormalization", *[self.const(v) for v in (*values, variance)], epsilon=1e-3)

    def function(self) -> None:
        self.on(self.pick(["Relu", "Relu", "Tanh", "Sigmoid"]))

    def slope(self) -> None:
        kind = self.pick(["LeakyRelu", "PRelu", "PRelu", "Abs", "HardSigmoid"])
        slopes = self.real(*self.pick([(), self.shape, self.shape[-1:]]))
        zeros = np.where(np.abs(slopes) < 0.3, np.float32(0), slopes)
        self.on(kind, *([self.const(zeros)] if kind == "PRelu" else []))

    def clip(self) -> None:
        low, high = self.pick([(0.0, None), (0.0, 6.0), (-1.0, 1.0), (None, 0.5)])
        ends = ["" if v is None else self.const(np.float32(v)) for v in (low, high)]
        self.on("Clip", *ends)

    def limit(self) -> None:
        self.on(self.pick(["Max", "Min"]), self.const(self.real(*self.pick([(), self.shape]))))

    def turn(self) -> None:
        order = self.rng.permutation(len(self.shape))
        self.on("Transpose", perm=[0, *(int(n) + 1 for n in order)])
        self.shape = tuple(self.shape[n] for n in order)

    def fold(self) -> None:
        total = int(np.prod(self.shape))
        divisor = self.pick([n for n in range(1, total + 1) if total % n == 0])
        self.shape = (divisor, total // divisor)
        self.on("Reshape", self.const(np.array([self.pick([-1, 0]), *self.shape])))

    def axis(self) -> None:
        self.on("Unsqueeze", self.const(np.array([1])))
        self.shape = (1, *self.shape)
        if self.rng.random() < 0.5:
            self.on("Squeeze", self.const(np.array([1])))
            self.shape = self.shape[1:]

    def take(self) -> None:
        size = self.shape[-1]
        index = self.rng.integers(size, size=self.rng.integers(1, 5))
        self.on("Gather", self.const(index), axis=-1)
        self.shape = (*self.shape[:-1], len(index))

    def cut(self) -> None:
        size = self.shape[0]
        start = int(self.rng.integers(size))
        bounds = [[start], [size], [1]]
        self.on("Slice", *[self.const(np.array(b)) for b in bounds])
        self.shape = (size - start, *self.shape[1:])

    def nothing(self) -> None:
        self.on(self.pick(["Identity", "Dropout"]))

    def join(self) -> None:
        """The data beside a scaled self."""
        first = self.live
        self.scale()
        if len(self.shape) == 1:
            self.live = self.put("Concat", [first, self.live], axis=1)
            self.shape = (2 * self.shape[0],)
        else:
            self.live = self.put("Add", [first, self.live])

    def dynamic(self) -> None:
        """As `x.view(x.size(0), -1)` is exported."""
        size = self.put("Gather", [self.put("Shape", [self.live]), self.const(np.array(0))])
        size = self.put("Unsqueeze", [size, self.const(np.array([0]))])
        shape = self.put("Concat", [size, self.const(np.array([-1]))], axis=0)
        self.on("Reshape", shape)
        self.shape = (int(np.prod(self.shape)),)

    def proto(self) -> Any:
        """The model."""
        graph = helper.make_graph(
            self.nodes,
            "g",
            [
                helper.make_tensor_value_info(
                    "x", TensorProto.FLOAT, [self.samples or "n", *self.start]
                )
            ],
            [helper.make_tensor_value_info(self.live, TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


STEPS: list[Callable[[Random], None]] = [
    *(Random.dense, Random.dense, Random.scale, Random.scale, Random.norm, Random.function),
    *(Random.clip, Random.limit, Random.turn, Random.fold, Random.axis, Random.take, Random.cut),
    *(Random.nothing, Random.join, Random.dynamic, Random.slope),
]


def run(seeds: range, folder: Path) -> Counter[str]:
    """Compare each graph; what came of them."""
    counts: Counter[str] = Counter()
    path = folder / "net.onnx"
    for seed in seeds:
        graph = Random(seed)
        proto = graph.proto()
        path.write_bytes(proto.SerializeToString())
        try:
            model = load_onnx(path)
        except ElsieError as error:
            counts[str(error).rpartition(") ")[2][:60]] += 1
            continue
        counts["taken"] += 1
        x = graph.real(graph.samples or 4, *graph.start)
        found: Any = ReferenceEvaluator(proto, verbose=0).run(None, {"x": x})
        y, flat = np.asarray(found[0]), x.reshape(len(x), -1)
        sizes = [1.0]

        def note(_: int, values: np.ndarray, sizes: list[float] = sizes) -> np.ndarray:
            sizes.append(float(np.abs(values).max()))
            return values

        got = model.predict(flat, rounding=note)
        weights = max(float(np.abs(v).max()) for one in model.layers for v in one.parameters())
        assert got.size == y.size, seed
        assert np.abs(got - y.reshape(got.shape)).max() < TOLERANCE * max(sizes) * max(
            1, weights
        ), seed
    print(dict(counts))
    return counts


def test_random_graphs(tmp_path: Path) -> None:
    counts = run(range(SUITE), tmp_path)
    assert counts["taken"] > 0.85 * SUITE


@pytest.mark.long
@pytest.mark.parametrize("block", range(BLOCKS))
def test_many_random_graphs(tmp_path: Path, block: int) -> None:
    first = SUITE + block * BLOCK
    counts = run(range(first, first + BLOCK), tmp_path)
    assert counts["taken"] > 0.85 * BLOCK
