"""How good outputs are, given what they should be: classes, labels or values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.model.model import Model
from golden.errors import ElsieError
from golden.format.network import Network

Takes = Network | Model
"""What takes inputs and gives outputs."""

Outputs = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Score:
    """A way to compare outputs with given targets."""

    figures: Callable[[Outputs], dict[str, float]]
    """By name, the one that counts first; of outputs (samples, n_out). accuracy, exact_match (all
    labels of a sample) and label_accuracy are percents; r2 is the share of the variance."""


def has_classes(network: Takes) -> bool:
    """Its largest output is a class: not with one output, nor where it gives back its inputs."""
    return network.n_out > 1 and network.n_out != network.n_in


def score_for(network: Takes, y: ArrayLike, *, samples: int, what: str) -> Score | None:
    """How to score `network` on targets y, one row for each of `samples`.

    Integers (samples,) are classes; (samples, n_out) of 0 and 1 are one-hot classes if every row
    has one 1, else labels. Other numbers are values, and so are all for a network with one output,
    unless it ends with a sigmoid and they are 0 and 1. None where y says nothing about outputs: of
    whole sequences with an output in every step, and 0 or 1 for each sample where the inputs are
    given back (an anomaly, perhaps). `what` names y in messages. Raises ElsieError when y does not
    suit the network.
    """
    if network.recurrent and network.head is None:
        return None
    given = _numbers(y, samples, what)
    binary = bool(np.isin(given, (0, 1)).all())
    if given.ndim == 1 and binary and network.n_in == network.n_out > 2:
        return None
    if given.ndim == 2 and given.shape[1] != network.n_out:
        raise ElsieError(
            f"{what}: y has shape {given.shape}, but {_name(network)} has {network.n_out} outputs; "
            f"give one class number for each sample, or ({samples}, {network.n_out}) targets"
        )
    sigmoid = getattr(network.layers[-1], "activation", "") == "sigmoid"
    if network.n_out == 1:
        values = given.reshape(samples, 1)
        return _labels(values == 1, 0.5) if binary and sigmoid else _values(values)
    if given.ndim == 1:
        return _classes(_checked_classes(network, given, what))
    if not binary:
        return _values(given)
    if (given.sum(axis=1) == 1).all():
        return _classes(given.argmax(axis=1))
    return _labels(given == 1, 0.5 if sigmoid else 0.0)


def _numbers(y: ArrayLike, samples: int, what: str) -> NDArray[Any]:
    """As an array (samples,) or (samples, n) of integers or finite floats."""
    given = np.asarray(y)
    if given.dtype == bool:
        given = given.astype(np.int64)
    if given.ndim not in (1, 2) or len(given) != samples or given.dtype.kind not in "iuf":
        raise ElsieError(
            f"{what}: labels y must be {samples} integer class numbers, one for each sample, or "
            f"numbers of shape ({samples}, outputs), not {given.dtype} of shape {given.shape}"
        )
    if not np.isfinite(given).all():
        raise ElsieError(f"{what}: y has values that are NaN or infinite; remove them first")
    return given


def _checked_classes(network: Takes, given: NDArray[Any], what: str) -> NDArray[np.int64]:
    """Class numbers of a network with several outputs."""
    if given.dtype.kind == "f":
        raise ElsieError(
            f"{what}: labels y must be integer class numbers, not {given.dtype}, or targets of "
            f"shape ({len(given)}, {network.n_out}): {_name(network)} has {network.n_out} outputs"
        )
    if given.min() < 0 or given.max() >= network.n_out:
        raise ElsieError(
            f"{what}: labels y are {given.min()}..{given.max()}, but {_name(network)} has classes "
            f"0..{network.n_out - 1}"
        )
    return given.astype(np.int64)


def _name(network: Takes) -> str:
    return f"{type(network).__name__.lower()} {network.name}"


def _classes(classes: NDArray[np.int64]) -> Score:
    """The largest output is the class."""
    return Score(figures=lambda out: {"accuracy": _percent(out.argmax(axis=1) == classes)})


def _labels(labels: NDArray[np.bool_], threshold: float) -> Score:
    """Every output above the threshold is a label that is set."""
    if labels.shape[1] == 1:
        return Score(figures=lambda out: {"accuracy": _percent((out > threshold) == labels)})
    return Score(
        figures=lambda out: {
            "exact_match": _percent(((out > threshold) == labels).all(axis=1)),
            "label_accuracy": _percent((out > threshold) == labels),
        }
    )


def _values(targets: NDArray[Any]) -> Score:
    """Outputs are values; r2 is the mean over outputs whose targets vary."""
    spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)

    def figures(out: Outputs) -> dict[str, float]:
        error = (out - targets) ** 2
        found = {"rmse": float(f"{np.sqrt(error.mean()):.6g}")}
        if not spread.any():
            return found
        r2 = 1 - (error.sum(axis=0)[spread > 0] / spread[spread > 0]).mean()
        return {"r2": round(float(r2), 5), **found}

    return Score(figures=figures)


def _percent(right: NDArray[np.bool_]) -> float:
    return round(100.0 * float(np.mean(right)), 3)
