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
    """How many different ones there are in a matrix, at most."""

    @staticmethod
    def of(name: str, *matrices: Reals) -> "LayerWeights":
        """With all weights of the layer."""
        kept = sum(int(np.count_nonzero(matrix)) for matrix in matrices)
        size = sum(matrix.size for matrix in matrices)
        return LayerWeights(
            name=name,
            density=round(kept / size, 5),
            values=max(len(np.unique(matrix[matrix != 0])) for matrix in matrices),
        )
