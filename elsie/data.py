"""Inputs and labels from files."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elsie.compress.scores import Takes, score_for
from golden.arithmetic.sequences import check_lengths
from golden.arrays import load as load_arrays
from golden.errors import ElsieError
from golden.maps.inputs import described, flattened
from golden.reading import reading


class Data(NamedTuple):
    """Inputs of a model or network, with lengths and labels."""

    x: NDArray[np.float64]
    """Inputs, shape (samples, n_in), or (samples, steps, n_in) for a recurrent network."""
    lengths: NDArray[np.int64] | None
    """Steps of each sample that count, shape (samples,); None for all, or without steps."""
    y: NDArray[Any] | None
    """Class numbers (samples,), or targets of each output (samples, n_out), if the file has any."""


def load_data(path: str | Path, network: Takes, *, labels: bool = True) -> Data:
    """Inputs for `network` (or a float model), with lengths and labels if there are any.

    A `.npz` file holds array `x` (or just one array), targets `y` (class numbers, or see
    elsie.compress.scores.score_for), and for sequences `lengths` (samples,), the steps of each that
    count; a `.npy` file only inputs. Samples of maps may have the axes of the model's file, or
    channels first, or be flat. Steps beyond a sample's length are set to 0. Without `labels`, `y`
    is ignored.
    Raises ElsieError naming the file and what is wrong.
    """
    with reading(path, *_KIND):
        return _checked(path, load_arrays(Path(path)), network, labels=labels)


def load_inputs(path: str | Path) -> NDArray[np.float64]:
    """Inputs of whatever shape; `load_data` sees whether they fit a network."""
    with reading(path, *_KIND):
        return _inputs(path, load_arrays(Path(path)), axes=("samples", "inputs"))


_KIND = (
    "a .npz or .npy file of plain arrays",
    "save it with numpy.savez(file, x=inputs, y=labels)",
)
"""What a file of data is, and how to make one."""


def _checked(
    path: str | Path, arrays: dict[str, NDArray[Any]], network: Takes, *, labels: bool
) -> Data:
    """The arrays of a file as data that fit `network`."""
    axes = ("samples", "steps") if network.recurrent else ("samples",)
    x = _inputs(path, arrays, axes=(*axes, "inputs"))
    lengths = None
    if network.recurrent:
        lengths = _lengths(path, arrays, x)
    elif network.input_shape:
        x = _map(path, x, network)
    else:
        x = x.reshape(len(x), -1)
    if not np.isfinite(x).all():
        raise ElsieError(f"{path}: x has values that are NaN or infinite; remove them first")
    y = arrays.get("y") if labels else None
    what = f"{type(network).__name__.lower()} {network.name}"
    if x.shape[-1] != network.n_in:
        raise ElsieError(
            f"{path}: x has shape {x.shape}, but {what} takes ({', '.join(axes)}, {network.n_in})"
        )
    if y is not None:
        score_for(network, y, samples=len(x), what=str(path))
    return Data(x=x, lengths=lengths, y=y)


def _map(path: str | Path, x: NDArray[np.float64], network: Takes) -> NDArray[np.float64]:
    """Samples of a map, flat, in the order of the file that the model came from."""
    shape, axes = network.input_shape, network.input_axes
    found = flattened(x, shape, axes)
    if found is None:
        raise ElsieError(
            f"{path}: x has shape {x.shape}, but {type(network).__name__.lower()} {network.name} "
            f"takes {described(shape, axes)}"
        )
    return found


def _lengths(
    path: str | Path, arrays: dict[str, NDArray[Any]], x: NDArray[np.float64]
) -> NDArray[np.int64] | None:
    """The lengths of sequences; clears the steps of `x` (samples, steps, n_in) beyond them."""
    for name in set(arrays) - {"x", "lengths", "y"} if len(arrays) > 1 else ():
        raise ElsieError(f"{path}: array {name!r} is not known; sequences have x, lengths and y")
    if x.ndim != 3:
        raise ElsieError(
            f"{path}: x has shape {x.shape}; a recurrent network takes (samples, steps, inputs)"
        )
    if arrays.get("lengths") is None:
        return None
    try:
        lengths = check_lengths(arrays["lengths"], samples=len(x), steps=x.shape[1])
    except ElsieError as error:
        raise ElsieError(f"{path}: {error}") from None
    x[np.arange(x.shape[1]) >= lengths[:, None]] = 0
    return lengths


def _inputs(
    path: str | Path, arrays: dict[str, NDArray[Any]], *, axes: tuple[str, ...]
) -> NDArray[np.float64]:
    """The inputs of a file, as real numbers, with at least this many axes."""
    if "x" not in arrays and len(arrays) == 1:
        arrays = {"x": next(iter(arrays.values()))}
    if "x" not in arrays:
        raise ElsieError(
            f"{path}: no array named 'x'; it has {', '.join(arrays) or 'none'}; "
            f"save it with numpy.savez(file, x=inputs, y=labels)"
        )
    x = arrays["x"]
    if x.ndim < len(axes) or not x.size:
        raise ElsieError(
            f"{path}: x has shape {x.shape}; it must be ({', '.join(axes)}), not empty"
        )
    if x.dtype.kind not in "iuf":
        raise ElsieError(f"{path}: x must be real numbers, not {x.dtype}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
        return x.astype(np.float64)
