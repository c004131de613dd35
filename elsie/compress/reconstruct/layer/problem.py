"""What one layer has to reproduce, as a least-squares problem.

Layer-wise reconstruction as in Optimal Brain Compression (Frantar and Alistarh, NeurIPS 2022,
section 3), with targets from the dense network but inputs from the compressed one before the layer,
so that a layer also makes up for what the layers before it lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elsie.compress.model.layer import Reals


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Minimise the sum over rows of (w - target) @ hessian @ (w - target).

    The last column is the bias, whose input is 1.
    """

    hessian: Reals
    """Shape (columns + 1, columns + 1), symmetric, positive definite."""
    target: Reals
    """Best weights if all may be used, shape (rows, columns + 1)."""

    @classmethod
    def of(
        cls,
        dense: Reals,
        *,
        wanted: Reals,
        given: Reals,
        sources: Sequence[int],
        damping: float,
    ) -> "Problem":
        """Of `dense` weights (rows, columns + 1), the bias last.

        `wanted` (samples, columns) are the layer's inputs in the dense network, `given` those that
        it has now. With fewer samples than columns the inputs do not determine the weights, so
        they are held at the dense ones: by `damping` times the mean of the Hessian's diagonal over
        the columns of a source, `sources` many each, whose scales may differ; the bias a thousand
        times less.
        """
        samples = len(given)
        now = np.hstack((given, np.ones((samples, 1))))
        before = np.hstack((wanted, np.ones((samples, 1))))
        hessian = now.T @ now / samples
        bounds = np.cumsum([0, *sources])[:-1]
        mean = np.add.reduceat(np.diag(hessian)[:-1], bounds) / sources
        hold = np.repeat(damping * np.where(mean > 0, mean, 1.0), sources)
        hessian[np.diag_indices_from(hessian)] += np.append(hold, damping / 1000)
        # The dense weights plus a correction, so that equal inputs give exactly the dense weights.
        moved = dense @ ((before - now).T @ now / samples)
        correction = np.linalg.solve(hessian, moved.T).T if moved.any() else moved
        return cls(hessian=hessian, target=dense + correction)

    def scaled(self, scale: Reals) -> "Problem":
        """The same for weights that are multiplied by `scale` (columns + 1,)."""
        return Problem(hessian=self.hessian / np.outer(scale, scale), target=self.target * scale)

    def loss(self, weights: Reals) -> float:
        """Of weights (rows, columns + 1)."""
        error = weights - self.target
        return float(np.vdot(error @ self.hessian, error))
