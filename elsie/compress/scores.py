"""How good outputs are, given what they should be: classes, labels or values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.model.model import Model
from golden.errors import ElsieError
from golden.format.network import Network

Takes = Network | Model
"""What takes inputs and gives outputs."""

Outputs = NDArray[np.float64]
Kind = Literal["classes", "labels", "values"]
_KINDS: Mapping[str, Kind] = {
    "accuracy": "classes",
    "exact_match": "labels",
    "r2": "values",
    "rmse": "values",
}
"""Of what a figure is, the one that counts first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Score:
    """A way to compare outputs with given targets."""

    kind: Kind
    """What the targets are: one class, several labels, or numbers."""
    figures: Callable[[Outputs], dict[str, float]]
    """By name, the one that counts first; of outputs (samples, n_out). accuracy, exact_match (all
    labels of a sample) and label_accuracy are percents; r2 is the share of the variance."""
    note: str | None = None
    """What was decided from the outputs, a sentence."""


def has_classes(network: Takes) -> bool:
    """Its largest output is a class, as far as one can tell.

    Not with one output. The model's last operator or the labels it was compiled with say it; else
    anything is taken for classes that does not give back its inputs.
    """
    known = outputs_of(network)
    if network.n_out == 1 or known is not None:
        return network.n_out > 1 and known == "classes"
    return network.n_out != network.n_in


def outputs_of(network: Takes) -> str | None:
    """What the outputs are, as in Score.kind; None where nothing says it.

    A network says it by the figures that it was compiled with, else by the model's last operator.
    """
    if isinstance(network, Model):
        return network.outputs
    if network.report is None:
        return None
    scored = [kind for figure, kind in _KINDS.items() if figure in network.report.figures]
    return scored[0] if scored else network.report.outputs


def score_for(
    network: Takes, y: ArrayLike, *, samples: int, what: str, outputs: Outputs | None = None
) -> Score | None:
    """How to score `network` on targets y, one row for each of `samples`.

    Integers (samples,) are classes; (samples, n_out) of 0 and 1 are one-hot classes if every row
    has one 1, else labels. Other numbers are values, and so are all for a network with one output,
    unless they are 0 and 1 and it ends with a sigmoid, or its `outputs` are logits. None where y
    says nothing about outputs: of whole sequences with an output in every step, and 0 or 1 for each
    sample where the inputs are given back (an anomaly, perhaps). `what` names y in messages. Raises
    ElsieError when y does not suit the network.
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
        if binary and sigmoid:
            return _binary(values == 1, 0.5)
        logits = binary and outputs is not None and _are_logits(outputs, values)
        return _binary(values == 1, 0.0, note=_LOGIT) if logits else _values(values)
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
    return Score(
        kind="classes",
        figures=lambda out: {"accuracy": _percent(out.argmax(axis=1) == classes)},
    )


_LOGIT = (
    "targets are 0 and 1, and the one output is nearer to them as a logit (behind a sigmoid) than "
    "as a value: class 1 is an output above 0"
)


def _are_logits(outputs: Outputs, targets: NDArray[Any]) -> bool:
    """The sigmoid of the outputs comes nearer to targets of 0 and 1 than they do themselves.

    Where all targets are the same, they say nothing of classes.
    """
    if (targets == targets[0]).all():
        return False
    sigmoid = 0.5 + 0.5 * np.tanh(outputs / 2)
    return bool(((sigmoid - targets) ** 2).sum() < ((outputs - targets) ** 2).sum())


def _binary(ones: NDArray[np.bool_], threshold: float, note: str | None = None) -> Score:
    """One output above the threshold is class 1."""
    return Score(
        kind="classes",
        figures=lambda out: {"accuracy": _percent((out > threshold) == ones)},
        note=note,
    )


def _labels(labels: NDArray[np.bool_], threshold: float) -> Score:
    """Every output above the threshold is a label that is set."""
    return Score(
        kind="labels",
        figures=lambda out: {
            "exact_match": _percent(((out > threshold) == labels).all(axis=1)),
            "label_accuracy": _percent((out > threshold) == labels),
        },
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

    return Score(kind="values", figures=figures)


def _percent(right: NDArray[np.bool_]) -> float:
    return round(100.0 * float(np.mean(right)), 3)
