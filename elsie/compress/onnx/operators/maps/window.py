"""Where a kernel or a window is put on a map: pads, strides, dilation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from onnx import NodeProto

from elsie.compress.onnx.importer import Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.maps.form import Map
from elsie.compress.onnx.values import Reals

LARGEST = 11
"""Rows or columns of a kernel, zeros of a dilation included."""
STRIDES = (1, 2, 4)
_FAR = 1 << 20
"""No pad, stride or dilation of a sensible model is larger."""
_AUTO = (b"NOTSET", b"VALID", b"SAME_UPPER", b"SAME_LOWER")


@dataclass(frozen=True, kw_only=True)
class Line:
    """Along one axis."""

    size: int
    """Places of the map."""
    kernel: int
    """Of the window, in these places: its dilation counts."""
    stride: int = 1
    """From one window to the next."""
    dilation: int = 1
    """From one weight to the next."""
    begin: int = 0
    """Pads before the first place."""
    end: int = 0
    """Pads behind the last."""

    @property
    def count(self) -> int:
        """Windows."""
        return (self.size + self.begin + self.end - self.kernel) // self.stride + 1

    @property
    def step(self) -> int:
        """The stride; for a single window the least one that gives no second."""
        room = self.size + self.begin + self.end - self.kernel
        fits = [step for step in STRIDES if self.count == 1 and step > room]
        return min([*fits, self.stride])

    @property
    def rest(self) -> int:
        """Places behind the last window that none sees."""
        return (self.size + self.begin + self.end - self.kernel) % self.stride


def lines(
    importer: Importer,
    node: NodeProto,
    sizes: Sequence[int],
    kernel: Sequence[int],
    padded: Sequence[tuple[int, int]],
) -> tuple[Line, ...]:
    """Of each axis behind the channels; `padded`: pads that a Pad before the node gives."""
    given, rank = attributes(node), len(sizes)
    numbers = {
        "strides": _numbers(importer, node, given, "strides", rank, least=1),
        "dilations": _numbers(importer, node, given, "dilations", rank, least=1),
    }
    auto = given.get("auto_pad", b"NOTSET")
    if auto not in _AUTO:
        importer.refuse(node, f"has auto_pad={auto.decode(errors='replace')}; export it with pads")
    pads = _numbers(importer, node, given, "pads", 2 * rank, least=0, usual=0)
    if any(pads) and auto != b"NOTSET":
        importer.refuse(node, "has both pads and auto_pad; export the model again")
    found = []
    for axis, (size, width, outside) in enumerate(zip(sizes, kernel, padded, strict=True)):
        stride, dilation = numbers["strides"][axis], numbers["dilations"][axis]
        line = Line(
            size=size + sum(outside),
            kernel=(width - 1) * dilation + 1,
            stride=stride,
            dilation=dilation,
            begin=pads[axis],
            end=pads[rank + axis],
        )
        line = _same(line, lower=auto == b"SAME_LOWER") if auto.startswith(b"SAME") else line
        ends = line.begin + outside[0], line.end + outside[1]
        line = replace(line, size=size, begin=ends[0], end=ends[1])
        if line.size + line.begin + line.end < line.kernel:
            importer.refuse(
                node, f"has a kernel of {line.kernel} places on a map of {size}; export it again"
            )
        found.append(line)
    return tuple(found)


def _same(line: Line, *, lower: bool) -> Line:
    """As many windows as strides fit into the map, even if the last sees less."""
    total = max(0, (-(-line.size // line.stride) - 1) * line.stride + line.kernel - line.size)
    less, more = total // 2, total - total // 2
    return replace(line, begin=more if lower else less, end=less if lower else more)


def _numbers(
    importer: Importer,
    node: NodeProto,
    given: Mapping[str, Any],
    name: str,
    count: int,
    *,
    least: int,
    usual: int = 1,
) -> list[int]:
    found = [int(n) for n in given.get(name, [usual] * count)]
    if len(found) != count or min(found, default=least) < least or max(found, default=0) > _FAR:
        importer.refuse(
            node,
            f"has {name} {found}, and it needs {count} numbers of at least {least}; export the "
            f"model again",
        )
    return found


def integers(importer: Importer, node: NodeProto, number: int, what: str) -> list[int]:
    """Input `number` of a node as a list of integers."""
    values = importer.constant(node, number, what).ravel()
    if np.any(values != np.rint(values)) or np.any(np.abs(values) > _FAR):
        importer.refuse(node, f"has {what} {values.tolist()}; export the model again")
    return [int(value) for value in values]


def placed(
    weight: Reals, window: Sequence[Line], data: Map
) -> tuple[Reals, tuple[int, int], tuple[int, int, int, int]]:
    """A kernel as rows and columns of the map: with its dilation, strides and pads.

    weight: (out, in, *kernel) in the order of the axes. Pads are less than the kernel, which has
    zeros where they would be more.
    """
    by_name = {name: axis for axis, name in enumerate(data.order[1:])}
    kernel, strides, pads = weight, [], []
    if 2 not in by_name:
        kernel = kernel[..., None]
    elif 1 not in by_name:
        kernel = kernel[:, :, None]
    elif by_name[1] > by_name[2]:
        kernel = kernel.swapaxes(2, 3)
    for axis, name in ((2, 1), (3, 2)):
        line = window[by_name[name]] if name in by_name else Line(size=1, kernel=1)
        kernel = _spread(kernel, axis, line)
        before = max(0, line.end - kernel.shape[axis] + 1)
        after = max(0, line.begin - kernel.shape[axis] + 1)
        kernel = np.pad(kernel, [(0, 0)] * axis + [(before, after)] + [(0, 0)] * (3 - axis))
        strides.append(line.step)
        pads.append((line.begin + before, line.end + after))
    (top, bottom), (left, right) = pads
    return kernel, (strides[0], strides[1]), (top, left, bottom, right)


def _spread(kernel: Reals, axis: int, line: Line) -> Reals:
    """With zeros between the weights."""
    if line.dilation == 1:
        return kernel
    shape = list(kernel.shape)
    shape[axis] = line.kernel
    spread = np.zeros(shape)
    place: list[Any] = [slice(None)] * 4
    place[axis] = slice(None, None, line.dilation)
    spread[tuple(place)] = kernel
    return spread


def check(importer: Importer, node: NodeProto, kernel: Reals, stride: tuple[int, int]) -> None:
    """Refuse what the engine cannot have."""
    if max(kernel.shape[2:]) > LARGEST:
        importer.refuse(
            node,
            f"has a kernel of {kernel.shape[2]} x {kernel.shape[3]} places, dilation and pads "
            f"included, and at most {LARGEST} x {LARGEST} are possible; use several smaller ones",
        )
    if any(step not in STRIDES for step in stride):
        importer.refuse(
            node, f"has strides {stride[0]} x {stride[1]}; only 1, 2 and 4 are possible; use those"
        )
