"""The recogniser in PyTorch: a recurrent layer, its last state to ten scores."""

from collections.abc import Callable

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from elsie.torch import Delta, Sent
from examples.speech.features import N_COEFFICIENTS, Part

torch.set_num_threads(1)


class Recogniser(nn.Module):
    """From x (batch, steps, features) to scores (batch, 10) of the state after the last step."""

    def __init__(self, cell: str, hidden: int) -> None:
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.layer = kind(N_COEFFICIENTS, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 10)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Without lengths, the last of the steps that are given counts."""
        states = self.layer(x)[0]
        if lengths is None:
            return self.head(states[:, -1])
        return self.head(states[torch.arange(len(x)), lengths - 1])

    def delta(
        self, x: Tensor, lengths: Tensor, rule: Callable[[Tensor], Sent]
    ) -> tuple[Tensor, Sent]:
        """Scores, and what was sent, with the recurrent layer under the delta rule."""
        done = rule(x)
        return self.head(done.states[torch.arange(len(x)), lengths - 1]), done


def recogniser(cell: str, hidden: int, seed: int) -> Recogniser:
    """An untrained one."""
    torch.manual_seed(seed)
    return Recogniser(cell, hidden)


def tensors(part: Part) -> tuple[Tensor, Tensor, Tensor]:
    """x, lengths and y for PyTorch."""
    return torch.from_numpy(part.x), torch.from_numpy(part.lengths), torch.from_numpy(part.y)


@torch.no_grad()
def accuracy(net: nn.Module, part: Part) -> float:
    """Percent of words whose largest score is the digit."""
    x, lengths, y = tensors(part)
    return 100.0 * float((net(x, lengths).argmax(dim=1) == y).double().mean())


@torch.no_grad()
def accuracy_delta(
    net: Recogniser, part: Part, *, inputs: float, outputs: float
) -> tuple[float, float]:
    """The same with the delta rule, and the share of columns sent.

    A column counts with its non-zeros, so the share is that of the multiplications.
    """
    x, lengths, y = tensors(part)
    scores, done = net.delta(x, lengths, Delta(net.layer, inputs=inputs, outputs=outputs))
    entries = np.concatenate(
        [(w != 0).sum(dim=0).numpy() for w in (net.layer.weight_ih_l0, net.layer.weight_hh_l0)]
    )
    valid = (torch.arange(x.shape[1]) < lengths[:, None]).numpy()
    share = done.sent.numpy()[valid] @ entries / entries.sum()
    return 100.0 * float((scores.argmax(dim=1) == y).double().mean()), float(share.mean())
