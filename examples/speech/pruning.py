"""Masks for the gate matrices: by magnitude, and balanced over processing elements."""

import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor  # pyright: ignore[reportMissingImports]

from examples.speech.net import Recogniser

N_PES = 16
"""Cells are dealt to so many processing elements, cell j to j mod 16; then any power of two below
gets the same number of non-zeros for each of its elements too."""


def largest(weight: Tensor, kept: int) -> Tensor:
    """True for the `kept` entries of the largest magnitude; on a tie the first ones."""
    order = weight.detach().abs().flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(weight.numel(), dtype=torch.bool)
    mask[order[:kept]] = True
    return mask.reshape(weight.shape)


def gate_masks(stacked: Tensor, density: float, *, gates: int, balanced: bool) -> Tensor:
    """Masks of the gate matrices that PyTorch stacks, (gates x hidden, columns).

    Balanced (ESE, section 3.2): every element keeps the same number of non-zeros in every gate's
    matrix.
    """
    hidden = stacked.shape[0] // gates
    if not balanced:
        return largest(stacked, round(density * stacked.numel()))
    mask = torch.zeros_like(stacked, dtype=torch.bool)
    for gate in range(gates):
        for element in range(N_PES):
            rows = torch.arange(gate * hidden + element, (gate + 1) * hidden, N_PES)
            part = stacked[rows]
            mask[rows] = largest(part, round(density * part.numel()))
    return mask


def counts(net: Recogniser) -> list[int]:
    """Non-zeros of the input matrices, the recurrent matrices and the head."""
    weights = (net.layer.weight_ih_l0, net.layer.weight_hh_l0, net.head.weight)
    return [int(torch.count_nonzero(weight)) for weight in weights]
