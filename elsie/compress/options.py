"""The compiler's options."""

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from elsie.compress.quantise.kinds import Asked
from golden.presets import Preset


@dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """How a model is compressed. The compiler checks the values once it knows the model."""

    density: float | Mapping[str, float] | None = None
    """Share of the weights to keep: of every layer, or of the named ones. None keeps the model's
    own zeros. Of the layers that `neurons` and `rank` leave."""
    neurons: float | Mapping[str, float] | None = None
    """Share of the neurons to keep: of every fully connected layer that another follows, or of the
    named ones. 1 only takes out those that are constant or not used. None leaves layers as they
    are."""
    rank: float | int | Mapping[str, float | int] | None = None
    """Fully connected layers become two with so many columns between them, or, below 1, with this
    share of the weights: all but the last that it makes smaller, or the named ones."""
    weights: Asked | None = None
    """Alphabet of the layers' weights, such as 'codebook:4,fc2=ternary'; None: all that the engine
    has. The engine becomes the one that holds them (elsie.compress.quantise.kinds)."""
    balanced: str | None = None
    """'pe' or 'column': prune so that all PEs keep equally many weights; needs a density."""
    effort: str = "fast"
    """Work on keeping the accuracy without labels, one of
    elsie.compress.reconstruct.effort.EFFORTS; 'none' rounds each weight to the nearest."""
    strategy: str = "search"
    """Row assignment, one of elsie.compress.place.rows.STRATEGIES."""
    delta: tuple[float, float] | None = None
    """Recurrent models: send only inputs that have moved by more than the first threshold, and
    outputs that have moved by more than the second. Real numbers."""
    acc_width: int | None = None
    """Bits of an accumulator. None: as many as are provably needed."""
    run_width: int | None = None
    """Bits of a zero run. None: the cheapest."""
    preset: Preset | None = None
    """The board that the network must fit."""
    max_drop: float | None = None
    """Most percentage points that compression may cost: of the evaluation data's accuracy, or
    without any of the agreement with the float network (elsie.compress.quality)."""
    fold: int | None = None
    """Only to measure: hold out this quarter of the samples, 0 to 3, and do not fit to it after."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Data with targets, on which the compiler measures how good each step's outputs are."""

    x: ArrayLike
    """Inputs, shape (samples, n_in) or (samples, steps, n_in)."""
    labels: ArrayLike
    """Class of each sample, shape (samples,), or targets (elsie.compress.scores.score_for)."""
    lengths: ArrayLike | None = None
    """Steps of each sample that count, shape (samples,); None for all."""
