"""Samples of maps in whatever order they come."""

from typing import Any

import numpy as np
import pytest

from golden.maps.inputs import axes_of, channels_first, described, flattened, own_shape

SHAPE, LAST = (3, 4, 5), (1, 2, 0)
"""Channels, rows and columns; and the axes of a file that has channels last."""
MAPS = np.arange(2 * 60).reshape(2, *SHAPE)


def first(x: np.ndarray, axes: tuple[int, ...]) -> Any:
    flat = flattened(x, SHAPE, axes)
    return None if flat is None else channels_first(flat, SHAPE, axes)


@pytest.mark.parametrize("axes", [(), LAST, (2, 1, 0), (0, 2, 1)])
def test_a_files_own_order_flat_or_not(axes: tuple[int, ...]) -> None:
    own = MAPS.transpose(0, *(1 + axis for axis in axes or (0, 1, 2)))
    assert own.shape[1:] == own_shape(SHAPE, axes)
    for given in (own, own.reshape(2, -1), own[:, None]):
        assert np.array_equal(first(given, axes), MAPS.reshape(2, -1))


def test_channels_first_is_taken_too() -> None:
    assert np.array_equal(first(MAPS, LAST), MAPS.reshape(2, -1))


def test_what_does_not_fit_is_none() -> None:
    assert first(MAPS.transpose(0, 3, 1, 2), LAST) is None
    assert first(MAPS.reshape(2, 6, 10), ()) is None
    assert first(np.zeros((2, 59)), ()) is None


def test_axes_of_an_order() -> None:
    order = np.arange(60).reshape(4, 5, 3).transpose(2, 0, 1).reshape(-1)
    assert axes_of(order, SHAPE) == LAST
    assert axes_of(np.arange(60), SHAPE) == axes_of(None, SHAPE) == ()
    assert axes_of(order[::-1], SHAPE) is None


def test_a_message_says_what_fits() -> None:
    assert described(SHAPE, LAST) == (
        "(samples, 4, 5, 3), which are rows, columns, channels, or flat (samples, 60)"
    )
