"""What onnx's own tools say of a graph that Elsie has taken; independent of the importer.

Strict shape inference, then the reference evaluator, on two sizes of every open axis.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.utils
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError
from tests.elsie.compress.onnx.mutants import mutant

Rng = np.random.Generator
CLOSE = 1e-4
"""Of the largest output: the evaluator computes in float32, and mutated weights may be large."""


def judge(proto: onnx.ModelProto, model: Model, rng: Rng) -> str:
    """Why the model is not what the graph computes; empty if it is."""
    if not model.recurrent:  # what the output does not need is not looked at
        names = [
            [value.name for value in values] for values in (proto.graph.input, proto.graph.output)
        ]
        proto = onnx.utils.Extractor(proto).extract_model(*names)
    try:
        onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # whatever it refuses
        return f"strict shape inference: {_line(error)}"
    for batch, steps in ((2, 5), (3, 4)):
        x = _data(proto.graph.input[0], (batch, steps, model.n_in), rng)
        try:
            with np.errstate(all="ignore"):
                found: Any = ReferenceEvaluator(proto).run(None, {proto.graph.input[0].name: x})
        except Exception as error:  # whatever its arithmetic raises
            return f"reference evaluator: {type(error).__name__} {_line(error)}"
        difference = _difference(model, x, np.asarray(found[0]))
        if difference:
            return difference
    return ""


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _data(value: Any, sizes: tuple[int, int, int], rng: Rng) -> np.ndarray:
    """Random inputs; the sizes of open axes are given, and those of one name are the same."""
    axes, named = list(value.type.tensor_type.shape.dim), {}
    free = [*sizes[: len(axes) - 1], sizes[2]]
    shape = [
        axis.dim_value or named.setdefault(axis.dim_param or n, free[n])
        for n, axis in enumerate(axes)
    ]
    return rng.normal(0, 1, shape).astype(np.float32)


def _difference(model: Model, x: np.ndarray, expected: np.ndarray) -> str:
    """Samples come first for the model; in the graph they or the steps do."""
    if model.recurrent:
        candidates = [x, x.swapaxes(0, 1)] if x.ndim == 3 else [x[None], x[:, None]]
    else:
        candidates = [x.reshape(-1, model.n_in)]
    said = f"the outputs have shape {expected.shape}, for inputs {x.shape}"
    for candidate in candidates:
        got = model.predict(candidate)
        if model.notes and expected.dtype.kind == "i":
            got = got.argmax(-1)
        for order in (got, got.swapaxes(0, 1) if got.ndim == 3 else got):
            if order.size != expected.size:
                continue
            wanted = expected.reshape(order.shape)
            if model.notes:  # a Softmax was dropped
                wanted = np.argsort(wanted, -1)
                order = np.argsort(order, -1)
            worst = np.abs(order - wanted).max(initial=0)
            if worst <= CLOSE * (1 + np.abs(wanted).max(initial=0)):
                return ""
            said = f"the outputs differ by {worst:.3g}"
    return said


def hunt(bases: list[Path], folder: Path, *, count: int, seed: int) -> Counter[str]:
    """Load mutants of files; how many were taken, refused, or unchanged.

    Raises AssertionError with the mutant, which is kept in `folder`, for any other exception, for a
    message of several lines or without the file, and for a model that is not what the graph says.
    """
    tally: Counter[str] = Counter()
    originals = [_bare(onnx.load(base)) for base in bases]
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        proto = mutant(originals[number % len(originals)], rng)
        path = folder / f"mutant{seed}-{number}.onnx"
        path.write_bytes(proto.SerializeToString())
        where = f"{path}, from {bases[number % len(bases)].name}"
        taken = _load(path)
        if isinstance(taken, str):
            good = str(path) in taken and "\n" not in taken and "fault of Elsie" not in taken
            assert good, f"{where}: {taken}"
        else:
            found = judge(proto, taken, rng)
            assert not found, f"{where}: taken, but {found}"
        tally["refused" if isinstance(taken, str) else "taken"] += 1
        path.unlink()
    return tally


def _load(path: Path) -> Model | str:
    """The model, or why it is refused."""
    try:
        return load_onnx(path)
    except ElsieError as error:
        return str(error)


def _bare(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Without the shapes that the file only repeats, which a mutant would contradict."""
    proto.graph.ClearField("value_info")
    proto.graph.output[0].type.Clear()
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return proto
