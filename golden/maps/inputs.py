"""A network's input map, and how samples of it come: the order of their axes."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

AXES = (0, 1, 2)
"""Channels, rows, columns: the order of engines, and ONNX's."""


def own_shape(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """Shape of a sample as it comes, of an input map `shape` (channels, rows, columns).

    Axis k of it is number axes[k] of the map's; no axes: as in the map.
    """
    return tuple(shape[axis] for axis in axes or AXES)


def flattened(x: Values, shape: Sequence[int], axes: Sequence[int]) -> Values | None:
    """Samples (samples, ...) flat in the order in which they come; None if they do not fit.

    They may be flat already, or have the axes of `own_shape`, or else channels first. Axes of
    length 1 may be left out or added.
    """
    own, given = own_shape(shape, axes), x.shape[1:]
    if given == (prod(own),) or _long(given) == _long(own):
        return x.reshape(len(x), -1)
    if axes and _long(given) == _long(shape):
        return x.reshape(-1, *shape).transpose(0, *(1 + axis for axis in axes)).reshape(len(x), -1)
    return None


def channels_first(x: Values, shape: Sequence[int], axes: Sequence[int]) -> Values:
    """Flat samples as they come (samples, size) in the order channel, row, column."""
    if not axes:
        return x
    back = (1 + list(axes).index(axis) for axis in AXES)
    return x.reshape(-1, *own_shape(shape, axes)).transpose(0, *back).reshape(len(x), -1)


def order_of(shape: Sequence[int], axes: Sequence[int]) -> NDArray[np.int64]:
    """Which of a sample's values each input of a map is."""
    return channels_first(np.arange(prod(shape))[None], shape, axes)[0]


def axes_of(order: NDArray[np.int64] | None, shape: Sequence[int]) -> tuple[int, ...] | None:
    """The axes of samples in which input j of a map is value order[j]; None if they are mixed."""
    if order is None:
        return ()
    if np.array_equal(np.arange(prod(shape)), order):
        return ()
    for axes in ((1, 2, 0), (0, 2, 1), (1, 0, 2), (2, 0, 1), (2, 1, 0)):
        if order_of(shape, axes).tolist() == order.tolist():
            return axes
    return None


def described(shape: Sequence[int], axes: Sequence[int]) -> str:
    """What samples must look like, for messages: (samples, 3, 32, 32), flat too."""
    own = ", ".join(map(str, own_shape(shape, axes)))
    names = ", ".join(("channels", "rows", "columns")[axis] for axis in axes or AXES)
    return f"(samples, {own}), which are {names}, or flat (samples, {prod(shape)})"


def _long(shape: Sequence[int]) -> tuple[int, ...]:
    """Without axes of length 1."""
    return tuple(size for size in shape if size != 1)
