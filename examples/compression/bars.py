"""What compression is asked to reach: each bar a recipe on a set of networks, and a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elsie.bench.compression.recipes import Recipe, compiled, trained
from examples.compression.recipes import CHIP_ICEBREAKER, CHIP_ULX3S, ENGINE, FILES


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A row of the table."""

    title: str
    networks: str
    """One of examples.compression.networks.SETS."""
    recipe: Recipe
    figure: str
    """Field of the rows that `ask` is about; lost: points of accuracy below float."""
    ask: float
    """At least this, but at most of `lost` and `seconds`."""
    lost: float | None = None
    """Most points that may be lost besides."""

    def reached(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Mean, spread, and whether the mean holds, over the networks' rows."""
        values = [_figure(row, self.figure) for row in rows]
        lost = float(np.mean([_figure(row, "lost") for row in rows]))
        mean, least = float(np.mean(values)), self.figure not in ("lost", "seconds")
        held = mean >= self.ask if least else mean <= self.ask
        return {
            "bar": self.title,
            "networks": len(rows),
            "figure": self.figure,
            "ask": self.ask,
            "reached": mean,
            "spread": float(np.std(values)),
            "lost": lost,
            "lost_ask": self.lost,
            "seconds": float(np.mean([row["seconds"] for row in rows])),
            "held": held and (self.lost is None or lost <= self.lost),
        }


def _figure(row: dict[str, Any], name: str) -> float:
    if name == "lost":
        return row["accuracy_float"] - row["accuracy_golden"]
    return row[name]


def _calibrated(networks: str, effort: str, density: float, ask: float, figure: str = "") -> Bar:
    """Without labels, at a density."""
    return Bar(
        title=f"{networks} without labels, density {density:g}",
        networks=networks,
        recipe=compiled("codebook:4", density, effort, base=ENGINE),
        figure=figure or "accuracy_golden",
        ask=ask,
    )


def _lost(title: str, networks: str, recipe: Recipe, ask: float) -> Bar:
    """At most so many points lost."""
    return Bar(title=title, networks=networks, recipe=recipe, figure="lost", ask=ask)


def _small(where: str, title: str, networks: str, recipe: Recipe, ask: float, lost: float) -> Bar:
    """So much smaller; `where`: file or onchip."""
    return Bar(
        title=f"{title}, {networks}", networks=networks, recipe=recipe, figure=f"ratio_{where}",
        ask=ask, lost=lost,
    )  # fmt: skip


def _time(title: str, networks: str, recipe: Recipe, ask: float) -> Bar:
    """At most so many seconds of CPU."""
    return Bar(
        title=f"seconds {title}, {networks}", networks=networks, recipe=recipe, figure="seconds",
        ask=ask,
    )  # fmt: skip


_DIGITS = compiled("codebook:4", 0.1, "best", base=ENGINE)
_LENET = compiled("codebook:4", 0.1, "normal", base=ENGINE)
_LOG = compiled("log:4", 1, "fast", base=ENGINE)
_INQ = trained("log:4", 1, steps=6_000, base=ENGINE)
_BINARY = trained("codebook:4,fc2=binary", 1, steps=6_000, base=ENGINE)

BARS = (
    _calibrated("digits", "best", 0.3, 97.8),
    _calibrated("digits", "best", 0.15, 97.5),
    _calibrated("digits", "best", 0.1, 96.5),
    _calibrated("digits", "best", 0.05, 94.5),
    # Asked for at 98.0 % dense; 5,000 samples give less, so what is lost is compared.
    _calibrated("lenet", "normal", 0.1, 0.8, "lost"),
    _calibrated("lenet", "normal", 0.05, 1.7, "lost"),
    _calibrated("speech", "best", 0.3, 97.5),
    _calibrated("speech", "best", 0.2, 96.0),
    _lost("4-bit log weights without labels, digits", "digits", _LOG, 0.5),
    _lost("4-bit log weights without labels, digits-pruned", "digits-pruned", _LOG, 0.8),
    _small("file", "file without labels", "digits", _DIGITS, 25, 1.0),
    _small("file", "file without labels", "lenet", _LENET, 35, 1.0),
    _small("file", "trained file", "digits", FILES["digits"], 50, 0.5),
    _small("file", "trained file", "lenet", FILES["lenet"], 120, 0.5),
    _small("onchip", "trained on chip, iCEBreaker", "digits", CHIP_ICEBREAKER, 30, 1.0),
    _small("onchip", "trained on chip, ULX3S", "digits", CHIP_ULX3S, 20, 1.0),
    _lost("INQ, 5 bits with the one for 0, digits", "digits", _INQ, 0.3),
    _lost("binary in the middle layer, digits", "digits", _BINARY, 0.3),
    _time("without labels", "digits", _DIGITS, 5),
    _time("without labels", "lenet", _LENET, 40),
    _time("trained", "digits", FILES["digits"], 60),
)
"""New methods are further entries. Nothing was chosen on the test data: settings of training come
from `python -m examples.compression.choices`, all others were written down before a first run."""
QUICK = (
    _calibrated("digits", "fast", 0.15, 97.0),
    next(bar for bar in BARS if bar.networks == "digits-pruned"),
    _small(
        "file", "file without labels", "digits",
        compiled("codebook:4", 0.15, "fast", base=ENGINE), 22, 2.0,
    ),
)  # fmt: skip
"""For one network, in seconds."""
