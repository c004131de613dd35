"""Operators that only move the data: their meaning is what onnx's own evaluator does with it.

The data is replaced by numbers that say which sample, step and feature each element is. Where the
result still has one axis of samples and at most one of steps, and the same features in each of
them, the node moved the features, or took the last step.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.onnx.constants import FoldError, fold
from elsie.compress.onnx.file import without_constants
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes, describe
from elsie.compress.onnx.values import (
    BATCH,
    FEATURES,
    ONE,
    STEPS,
    TOGETHER,
    Data,
    Sized,
    Stack,
    Unusable,
)

_OTHER = {
    STEPS: "takes steps other than the last; only the last, or all, can be used: out[:, -1], "
    "h_n[-1] or out",
    BATCH: "mixes, repeats or leaves out samples; export the model without it",
}


def move(importer: Importer, node: NodeProto, data: Data | Stack) -> None:
    """Any operator that gives elements of its one input in another order or number."""
    given = [importer.value(node, name) for name in node.input]
    if sum(isinstance(value, Data | Stack) for value in given) != 1:
        importer.refuse(node, "takes the data twice; only a chain of layers can be used")
    if isinstance(data, Stack):
        _take(importer, node, data, given)
        return
    if data.affine.sizes is None and data.axes.count(FEATURES) > 1:
        data = _flat(importer, node, data, given)
        given = [data if isinstance(value, Data) else value for value in given]
        if node.op_type == "Flatten":
            importer.values[node.output[0]] = data
            return
    arrays = [value.array if isinstance(value, Sized) else value for value in given]
    problem = _OTHER[BATCH]
    for attempt in _attempts(importer, node, data, arrays):
        sizes = _sizes(importer, data)
        codes = _codes(data, importer.dims(data, sizes), sizes)
        feed = [codes if isinstance(value, Data) else value for value in attempt]
        try:
            found = fold(node, feed, importer.graph.opset)
        except FoldError as error:
            problem = str(error).replace(
                "cannot be worked out", "cannot be done for any number of samples"
            )
            continue
        results = [_decode(importer, data, array, sizes) for array in found]
        wrong = next((result for result in results if isinstance(result, str)), None)
        if wrong is None:
            names = [name for name in node.output if name]
            for name, result in zip(names, results, strict=True):
                assert not isinstance(result, str)
                importer.values[name] = result
            return
        problem = wrong
    if _one_column(importer, node, data, arrays):
        importer.values[node.output[0]] = data
        return
    if node.op_type == "Reshape" and len(arrays) > 1:
        shape = np.ravel(np.asarray(arrays[1])).tolist()
        problem = (
            f"has shape {shape}, which mixes samples, steps and features; it must keep the "
            f"samples: (-1, features)"
        )
        baked = [size for size in shape if size is not None and size > 1]
        if baked and importer.sizes.get(STEPS, 0) is None:
            problem += (
                f"; if {baked[0]} stands for the steps, which the input leaves open, export it "
                f"with steps fixed"
            )
    elif node.op_type == "Flatten":
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        problem = f"has axis {axis}, which mixes samples, steps and features; use axis 1"
    importer.refuse(node, problem)


def _one_column(importer: Importer, node: NodeProto, data: Data, arrays: list[Any]) -> bool:
    """A Reshape at the end to (samples * outputs, 1), as skl2onnx writes an MLPRegressor.

    scikit-learn's own result has the outputs side by side, so they stay so.
    """
    if node.op_type != "Reshape" or node.output[0] != importer.graph.output:
        return False
    found = data.axes == (BATCH, FEATURES) and np.array_equal(arrays[1], (-1, 1))
    if found:
        importer.notes.append(
            f"{describe(node)} was dropped: it puts the outputs of all samples in one column, and "
            f"Elsie keeps those of a sample together"
        )
    return found


def _attempts(
    importer: Importer, node: NodeProto, data: Data, arrays: list[Any]
) -> Iterator[list[Any]]:
    """The inputs as they are; and, for an export of one sample, each 1 of a Reshape as the samples.

    Those come first where the file is for one sample: the samples would be taken for steps else.
    """
    single = importer.sizes.get(BATCH)
    if single != 1:
        yield arrays
    if node.op_type == "Reshape" and len(arrays) > 1 and single in (None, 1):
        shape = np.asarray(arrays[1])
        for place in np.flatnonzero(shape == 1):
            other = shape.copy()
            other[place] = _sizes(importer, data)[BATCH]
            yield [arrays[0], other, *arrays[2:]]
    if single == 1:
        yield arrays


def _flat(importer: Importer, node: NodeProto, data: Data, given: list[Any]) -> Data:
    """Several axes of features of open sizes as one, before what makes them one."""
    good = node.op_type == "Flatten" and all(a.i == 1 for a in node.attribute)
    sizes = None
    if node.op_type == "Reshape" and isinstance(given[1], np.ndarray) and given[1].size == 2:
        first, last = np.ravel(given[1]).tolist()
        good = first in (-1, 0, 1) and last != 0 and (first, last) != (-1, -1)
        sizes = (last,) if last > 0 else None
    if not good or data.axes[0] != BATCH:
        importer.refuse(
            node, "moves features whose number the file leaves open; export it with fixed sizes"
        )
    return replace(data, axes=(BATCH, FEATURES), affine=replace(data.affine, sizes=sizes))


def _sizes(importer: Importer, data: Data) -> dict[str, int]:
    """Sizes of samples and steps that tell one from another: an axis of 1 would not."""
    fixed = {axis: importer.sizes.get(axis) or 1 for axis in (BATCH, STEPS)}
    return {a: importer.open[a] if size == 1 else size for a, size in fixed.items()}


def _codes(data: Data, shape: tuple[int, ...], sizes: Mapping[str, int]) -> NDArray[np.int64]:
    """For each element (sample * steps + step) * features + feature."""
    places = np.indices(shape, sparse=True)
    number: dict[str, Any] = {BATCH: 0, STEPS: 0, FEATURES: 0}
    total = 1
    for axis, size, place in zip(data.axes, shape, places, strict=True):
        if axis == FEATURES:
            number[axis] = number[axis] * size + place
            total *= size
        elif axis != ONE:
            *slow, fast = axis.split(TOGETHER)
            number[fast] = place % sizes[fast]
            for name in slow:
                number[name] = place // sizes[fast]
    codes = (number[BATCH] * sizes[STEPS] + number[STEPS]) * total + number[FEATURES]
    return np.array(np.broadcast_to(codes, shape), dtype=np.int64)


def _decode(importer: Importer, data: Data, codes: Any, sizes: Mapping[str, int]) -> Data | str:
    """What an array of such numbers is; or what is wrong with it."""
    open_size = importer.open[FEATURES]
    total = open_size if data.affine.n is None else data.affine.n
    if not isinstance(codes, np.ndarray) or not codes.size:
        return "gives no array, or an empty one; export the model without it"
    rest, feature = np.divmod(codes.astype(np.int64), total)
    parts = {BATCH: rest // sizes[STEPS], STEPS: rest % sizes[STEPS], FEATURES: feature}
    axes: list[str] = []
    for axis, size in enumerate(codes.shape):
        varies = [n for n, p in parts.items() if (p != p.take([0], axis=axis)).any()]
        if len(varies) > 1:
            both = _together({n: _line(p, axis) for n, p in parts.items()}, sizes)
            if FEATURES in varies or both is None:
                return "mixes samples, steps and features; export the model without it"
            varies = [both]
        axes.append(varies[0] if varies else FEATURES if size > 1 else ONE)
    if FEATURES not in axes and axes[-1:] == [ONE]:
        axes[-1] = FEATURES  # the only one, which cannot vary
    place: list[Any] = [slice(None) if axis == FEATURES else 0 for axis in axes]
    names = TOGETHER.join(axes).split(TOGETHER)
    for name in (BATCH, STEPS):
        count = names.count(name)
        if count > 1 or (count == 0 and name == BATCH and data.sized(BATCH)):
            return _OTHER[name]
        if name in axes:
            line = _line(parts[name], axes.index(name))
            if not np.array_equal(line, np.arange(sizes[name])):
                return _OTHER[name]
    if data.sized(STEPS) and STEPS not in names and (parts[STEPS] != sizes[STEPS] - 1).any():
        return _OTHER[STEPS]
    index = feature[tuple(place)]
    shape = index.shape
    if data.affine.sizes is None:
        if axes.count(FEATURES) != 1 or not np.array_equal(index, np.arange(total)):
            return "moves features whose number the file leaves open; export it with fixed sizes"
        return replace(data, axes=tuple(axes))
    return replace(data, axes=tuple(axes), affine=data.affine.moved(index.ravel(), shape))


def _line(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Those along one axis, at 0 of the others."""
    return np.moveaxis(values, axis, -1).reshape(-1, values.shape[axis])[0]


def _together(line: Mapping[str, NDArray[Any]], sizes: Mapping[str, int]) -> str | None:
    """The name of an axis that has all samples and all steps; None if it has not."""
    for slow, fast in ((BATCH, STEPS), (STEPS, BATCH)):
        places = np.arange(sizes[slow] * sizes[fast])
        if all(
            np.array_equal(line[name], wanted)
            for name, wanted in ((slow, places // sizes[fast]), (fast, places % sizes[fast]))
        ):
            return TOGETHER.join((slow, fast))
    return None


def _take(importer: Importer, node: NodeProto, stack: Stack, given: list[Any]) -> None:
    """Elements of one of several layers."""
    sizes = _sizes(importer, stack.parts[0])
    codes = [_codes(part, importer.dims(part, sizes), sizes) for part in stack.parts]
    step = 1 + max(int(part.max()) for part in codes)
    joined = np.concatenate([part + n * step for n, part in enumerate(codes)], axis=stack.axis)
    arrays = [value.array if isinstance(value, Sized) else value for value in given]
    feed: list[Any] = [joined if isinstance(value, Stack) else value for value in arrays]
    try:
        found = fold(node, feed, importer.graph.opset)
    except FoldError as error:
        importer.refuse(node, str(error))
    for name, array in zip([name for name in node.output if name], found, strict=True):
        which, codes = np.divmod(array, step)
        if not which.size or (which != which.flat[0]).any():
            importer.values[name] = Unusable(stack.why)
            continue
        result = _decode(importer, stack.parts[int(which.flat[0])], codes, sizes)
        if isinstance(result, str):
            importer.refuse(node, result)
        importer.values[name] = result


def branch(importer: Importer, node: NodeProto, given: list[Any]) -> Any:
    """An If whose condition is known, as exporters write a squeeze: one of its graphs."""
    condition = given[0]
    if not isinstance(condition, np.ndarray):
        importer.unknown(node, "If")
    graph = attributes(node)["then_branch" if np.all(condition) else "else_branch"]
    constants, nodes = without_constants(importer.graph.path, graph)
    if graph.initializer or any(name in importer.values for name in constants):
        importer.unknown(node, "If")
    importer.values |= constants
    importer.left.update(value.name for value in graph.output)
    importer.each(nodes)
    return importer.value(node, graph.output[0].name)


MOVES: Mapping[str, Handler] = dict.fromkeys(
    (
        "DepthToSpace",
        "Expand",
        "Flatten",
        "Gather",
        "GatherElements",
        "GatherND",
        "Identity",
        "Reshape",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
    ),
    move,
)
"""By operator name."""
