"""How much of the float network is left after compression, measured without labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np

from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.options import Evaluation
from elsie.compress.scores import has_classes
from golden.arithmetic.run import predict
from golden.errors import ArgumentError, CheckFailed
from golden.format.network import Network
from golden.report import Quality

FEWEST = 40
"""With fewer calibration samples none are held out, and quality is measured on all of them."""
_MOST = 256
"""Samples that are held out, at most; a quarter otherwise."""
_PLENTY = 512
"""Samples of which a quarter is not missed in fitting weights."""

LOW_AGREEMENT, HIGH_ERROR, HIGHEST_ERROR, DROP = 95.0, 0.1, 0.3, 5.0
"""A warning is due below this agreement with at least this error, above this error in any case, and
where the accuracy falls by so many points."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """Calibration samples that quality is measured on."""

    signal: Signal
    """The samples."""
    apart: bool
    """They were not used for scales."""

    @property
    def dear(self) -> bool:
        """What is fitted to the other samples is worse for it."""
        return self.apart and 4 * len(self.signal.values) < _PLENTY

    @property
    def data(self) -> Evaluation:
        """As inputs with lengths."""
        valid = self.signal.valid
        lengths = None if valid.ndim == 1 else valid.sum(axis=1)
        return Evaluation(x=self.signal.values, labels=(), lengths=lengths)

    def __str__(self) -> str:
        """For messages."""
        kind = "held-out calibration samples" if self.apart else "calibration samples"
        return f"{len(self.signal.values)} {kind}"


def hold_out(given: Signal, fold: int = 0) -> tuple[Signal, Held]:
    """What scales are chosen from, and what quality is measured on: a seeded split of samples.

    Fewer than FEWEST samples serve for both. `fold`, 0 to 3, is which of four splits whose held-out
    samples have none in common.
    """
    count = len(given.values)
    if count < FEWEST:
        return given, Held(signal=given, apart=False)
    chosen = np.zeros(count, dtype=bool)
    size = min(count // 4, _MOST)
    order = np.random.default_rng(count).permutation(count)
    chosen[order[fold * size : (fold + 1) * size]] = True
    held = replace(given, values=given.values[chosen], valid=given.valid[chosen])
    scales = given.valid.copy()
    scales[chosen] = False
    return replace(given, valid=scales, every=given.valid), Held(signal=held, apart=True)


def is_low(quality: Quality) -> bool:
    """A warning is due."""
    error, agreement = quality.relative_error, quality.agreement
    differs = agreement is not None and agreement < LOW_AGREEMENT
    # One or two samples may lie on the border of two classes.
    several = agreement is not None and quality.samples * (100 - agreement) > 250
    return error > HIGHEST_ERROR or (differs and several and error > HIGH_ERROR)


def measure(network: Network, model: Model, held: Held) -> Quality:
    """Run both on the samples."""
    data = held.data
    exact, golden = model.predict(data.x, data.lengths), predict(network, data.x, data.lengths)
    if exact.ndim == 3:  # an output in every step
        exact, golden = exact[held.signal.valid], golden[held.signal.valid]
    agreement = None
    if has_classes(model):
        agreement = 100.0 * float(np.mean(exact.argmax(axis=1) == golden.argmax(axis=1)))
    return Quality(
        samples=len(held.signal.values),
        held_out=held.apart,
        agreement=None if agreement is None else round(agreement, 3),
        refitted=False,
        relative_error=relative_error(golden, exact),
    )


def relative_error(got: Reals, exact: Reals) -> float:
    """|got - exact| / |exact - mean|, norms over all outputs; three significant digits.

    Without any variance the exact outputs themselves are the measure.
    """
    spread = float(np.linalg.norm(exact - exact.mean(axis=0))) or float(np.linalg.norm(exact))
    error = float(np.linalg.norm(got - exact))
    return float(f"{error / (spread or 1.0):.3g}")


def check_drop(
    network: Network,
    quality: Quality,
    figures: Mapping[str, Mapping[str, float]],
    *,
    most: float | None,
    why: Sequence[str],
) -> None:
    """Raise CheckFailed when more than `most` points are lost; `figures` are of evaluation data."""
    drop = quality.drop if not figures else accuracy_drop(figures)
    if most is None or drop <= most:
        return
    if figures:
        name, stages = next(iter(figures.items()))
        what = f"{name} falls from {stages['float']:g} to {stages['golden']:g}"
    else:
        what = (
            f"the engine differs from the float network ({quality}; no labels were given, so this "
            f"is disagreement, not accuracy)"
        )
    reason = f"; {why[0]}" if why else ""
    raise CheckFailed(
        f"network {network.name}: {what}, which is {drop:.1f} points, and --max-drop allows "
        f"{most:g}{reason}"
    )


def accuracy_drop(figures: Mapping[str, Mapping[str, float]]) -> float:
    """Percentage points by which the first figure falls from float to golden."""
    name, stages = next(iter(figures.items()))
    drop = stages["float"] - stages["golden"]
    return {"r2": 100 * drop, "rmse": 0.0}.get(name, drop)


def check_max_drop(most: float | None) -> None:
    """Raise ElsieError for a limit that is no number of points."""
    if most is not None and not (isinstance(most, Real) and 0 <= float(most) <= 100):
        raise ArgumentError(f"`max_drop` must be percentage points from 0 to 100, not {most!r}")
