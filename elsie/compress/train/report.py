"""What training has made of a layer's weights."""

from dataclasses import dataclass

import numpy as np

from elsie.compress.model.layer import Reals
from golden.record import Record


@dataclass(frozen=True, kw_only=True)
class LayerWeights(Record):
    """One layer."""

    name: str
    density: float
    """Share of the weights that is left."""
    values: int
    """How many different ones there are."""

    @staticmethod
    def of(name: str, weights: Reals) -> "LayerWeights":
        """With all `weights` of the layer."""
        return LayerWeights(
            name=name,
            density=round(np.count_nonzero(weights) / weights.size, 5),
            values=len(np.unique(weights[weights != 0])),
        )
