"""Samples from files."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.sequences import check_lengths
from golden.errors import ElsieError
from golden.format.network import Network


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """What a network can be run on."""

    x: NDArray[np.float64]
    """Inputs, shape (samples, n_in), or (samples, steps, n_in) for a recurrent network."""
    lengths: NDArray[np.int64] | None = None
    """Shape (samples,): how many steps of each count; None if all do, or there are no steps."""
    y: NDArray[np.int64] | None = None
    """Class labels, shape (samples,), where there are some."""

    def first(self, samples: int | None) -> "Data":
        """Only so many samples, without their labels; None: all."""
        lengths = None if self.lengths is None else self.lengths[:samples]
        return Data(x=self.x[:samples], lengths=lengths)


def load_data(path: str | Path, network: Network, *, labels: bool = True) -> Data:
    """What a file holds for `network`, recurrent or not; see load_samples and load_sequences."""
    if network.recurrent:
        x, lengths, y = load_sequences(path, network=network, labels=labels)
        return Data(x=x, lengths=lengths, y=y)
    x, y = load_samples(path, network=network)
    return Data(x=x, y=y)


def load_samples(
    path: str | Path, *, network: Network | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Inputs (samples, n_in) and, where the file has them, class labels (samples,).

    A `.npz` file holds array `x` (or just one array) and optionally `y`; a `.npy` file only inputs.
    With `network`, inputs and labels must suit it.
    Raises ElsieError naming the file and what is wrong.
    """
    arrays = _read(Path(path))
    real = _inputs(path, arrays, axes=("samples", "inputs"))
    _check_finite(path, real)
    inputs, labels = real.reshape(len(real), -1), _labels(path, arrays.get("y"), len(real))
    if network is not None:
        _check_network(path, inputs, labels, network)
    return inputs, labels


def load_sequences(
    path: str | Path, *, network: Network | None = None, labels: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Sequences for a recurrent network: inputs (samples, steps, n_in), lengths and labels.

    A `.npz` file holds arrays `x`, and optionally `lengths` (samples,), the steps of each that
    count, and class labels `y` (samples,); a `.npy` file only inputs. With `network`, they must
    suit it. What is behind a sample's length is set to 0. Without `labels` those are not looked at.
    Raises ElsieError naming the file and what is wrong.
    """
    arrays = _read(Path(path))
    inputs = _inputs(path, arrays, axes=("samples", "steps", "inputs"))
    for name in set(arrays) - {"x", "lengths", "y"} if len(arrays) > 1 else ():
        raise ElsieError(f"{path}: array {name!r} is not known; sequences have x, lengths and y")
    if inputs.ndim != 3:
        raise ElsieError(
            f"{path}: x has shape {inputs.shape}; a recurrent network takes (samples, steps, "
            f"inputs)"
        )
    try:
        lengths = arrays.get("lengths")
        if lengths is not None:
            lengths = check_lengths(lengths, samples=len(inputs), steps=inputs.shape[1])
            inputs[np.arange(inputs.shape[1]) >= lengths[:, None]] = 0
    except ElsieError as error:
        raise ElsieError(f"{path}: {error}") from None
    _check_finite(path, inputs)
    found = _labels(path, arrays.get("y"), len(inputs)) if labels else None
    if network is not None:
        _check_network(path, inputs, found, network)
        if found is not None and network.head is None:
            raise ElsieError(
                f"{path}: network {network.name} has an output in every step, and no class for a "
                f"whole sequence; leave out y"
            )
    return inputs, lengths, found


def _inputs(
    path: str | Path, arrays: dict[str, NDArray[Any]], *, axes: tuple[str, ...]
) -> NDArray[np.float64]:
    """The inputs of a file, as real numbers; with as many axes at least."""
    if "x" not in arrays and len(arrays) == 1:
        arrays = {"x": next(iter(arrays.values()))}
    if "manifest.json" in arrays:
        raise ElsieError(f"{path}: this is a NET file, not data; give a .npz file of inputs")
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
    if not np.issubdtype(x.dtype, np.number) or np.iscomplexobj(x):
        raise ElsieError(f"{path}: x must be real numbers, not {x.dtype}")
    return x.astype(np.float64)


def _check_finite(path: str | Path, inputs: NDArray[np.float64]) -> None:
    if not np.isfinite(inputs).all():
        raise ElsieError(f"{path}: x has values that are NaN or infinite; remove them first")


def _check_network(
    path: str | Path, x: NDArray[np.float64], y: NDArray[np.int64] | None, network: Network
) -> None:
    """Refuse inputs and labels of another network."""
    if x.shape[-1] != network.n_in:
        axes = "samples, steps" if network.recurrent else "samples"
        raise ElsieError(
            f"{path}: x has shape {x.shape}, but network {network.name} takes ({axes}, "
            f"{network.n_in})"
        )
    if y is not None and not 0 <= y.min() <= y.max() < network.n_out:
        raise ElsieError(
            f"{path}: labels y are {y.min()}..{y.max()}, but network {network.name} has classes "
            f"0..{network.n_out - 1}"
        )


def _labels(path: str | Path, y: Any, samples: int) -> NDArray[np.int64] | None:
    """Check labels, if there are any."""
    if y is None:
        return None
    if y.shape != (samples,) or not np.issubdtype(y.dtype, np.integer):
        raise ElsieError(
            f"{path}: y must be {samples} integer class numbers, one for each sample, "
            f"not {y.dtype} of shape {y.shape}"
        )
    return y.astype(np.int64)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a .npz or .npy file, without pickle."""
    try:
        with path.open("rb") as file:
            loaded: Any = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"x": loaded}
            return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise ElsieError(f"{path}: no such file") from None
    except OSError as error:
        raise ElsieError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError):
        raise ElsieError(
            f"{path}: not a .npz or .npy file of plain arrays, or damaged; save it with "
            f"numpy.savez(file, x=inputs, y=labels)"
        ) from None
