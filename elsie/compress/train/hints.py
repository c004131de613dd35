"""What cells put out in each step is taught beside the answer.

A sequence has many steps, and often one answer (Romero et al., FitNets: Hints for Thin Deep Nets,
ICLR 2015).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import FloatLayer, Reals


def alike(dense: Sequence[FloatLayer], layers: Sequence[FloatLayer]) -> list[int | None]:
    """For each layer but the last: the dense layer with the same cells, if there is one."""
    cells = {(layer.name, layer.n_out): nth for nth, layer in enumerate(dense) if layer.stateful}
    return [cells.get((layer.name, layer.n_out)) for layer in layers[:-1]]


def hints(
    pairs: Sequence[int | None],
    wanted: Sequence[Reals],
    outputs: Sequence[Reals],
    valid: NDArray[np.bool_],
) -> list[Reals | None]:
    """Gradients of the outputs of each layer but the last, by squared error; of `pairs` (alike).

    wanted: outputs of the dense layers, outputs: of the others, as far as pairs need them;
    (samples, steps, n). valid: the steps that count, (samples, steps).
    """
    return [
        None if nth is None else _hint(wanted[nth], got, valid)
        for nth, got in zip(pairs, outputs[: len(pairs)], strict=True)
    ]


def _hint(wanted: Reals, outputs: Reals, valid: NDArray[np.bool_]) -> Reals:
    return (outputs - wanted) * (valid[:, :, None] / valid.sum()).astype(outputs.dtype)
