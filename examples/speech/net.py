"""The recogniser in PyTorch: a recurrent layer, its last state to ten scores; the delta rule."""

from dataclasses import dataclass

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from examples.speech.features import N_COEFFICIENTS, Part

torch.set_num_threads(1)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Least change of an input and of a state that is sent; 0 sends every change.

    Tensors (batch, 1) give each word its own.
    """

    x: float | Tensor = 0.0
    h: float | Tensor = 0.0


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

    def delta(self, x: Tensor, lengths: Tensor, least: Thresholds) -> tuple[Tensor, Tensor, Tensor]:
        """The delta rule (DeltaRNN, Neil et al. 2017): only what moved by `least` is sent.

        A move counts from the value last sent; what is not sent keeps that value. All start at 0.
        Returns the scores, the states (batch, steps, hidden), and which inputs and states each step
        sent (batch, steps, features + hidden). Gradients flow through what was sent.
        """
        layer = self.layer
        batch, steps, _ = x.shape
        h = c = held_h = x.new_zeros(batch, layer.hidden_size)
        held_x = x.new_zeros(batch, x.shape[2])
        states, sent = [], []
        for step in range(steps):
            move_x, move_h = x[:, step] - held_x, h - held_h
            sent_x = (move_x.abs() >= least.x) & (move_x != 0)
            sent_h = (move_h.abs() >= least.h) & (move_h != 0)
            held_x = torch.where(sent_x, x[:, step], held_x)
            held_h = torch.where(sent_h, h, held_h)
            from_x = held_x @ layer.weight_ih_l0.T + layer.bias_ih_l0
            from_h = held_h @ layer.weight_hh_l0.T + layer.bias_hh_l0
            if isinstance(layer, nn.GRU):
                h = _gru(from_x, from_h, h)
            else:
                h, c = _lstm(from_x + from_h, c)
            states.append(h)
            sent.append(torch.cat([sent_x, sent_h], dim=1))
        every = torch.stack(states, dim=1)
        return self.head(every[torch.arange(batch), lengths - 1]), every, torch.stack(sent, dim=1)


def _lstm(sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The new state and cell; PyTorch's gate order."""
    i, f, g, o = sums.chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _gru(from_x: Tensor, from_h: Tensor, h: Tensor) -> Tensor:
    """The new state, the reset gate after the matrix (ONNX: linear_before_reset = 1)."""
    (r_x, z_x, n_x), (r_h, z_h, n_h) = from_x.chunk(3, dim=1), from_h.chunk(3, dim=1)
    z = (z_x + z_h).sigmoid()
    n = (n_x + (r_x + r_h).sigmoid() * n_h).tanh()
    return (1 - z) * n + z * h


def recogniser(cell: str, hidden: int, seed: int) -> Recogniser:
    """An untrained one."""
    torch.manual_seed(seed)
    return Recogniser(cell, hidden)


def tensors(part: Part) -> tuple[Tensor, Tensor, Tensor]:
    """x, lengths and y for PyTorch."""
    return torch.from_numpy(part.x), torch.from_numpy(part.lengths), torch.from_numpy(part.y)


@torch.no_grad()
def accuracy(net: Recogniser, part: Part) -> float:
    """Percent of words whose largest score is the digit."""
    x, lengths, y = tensors(part)
    return 100.0 * float((net(x, lengths).argmax(dim=1) == y).double().mean())


@torch.no_grad()
def accuracy_delta(net: Recogniser, part: Part, least: Thresholds) -> tuple[float, float]:
    """The same with the delta rule, and the share of columns sent.

    A column counts with its non-zeros, so the share is that of the multiplications.
    """
    x, lengths, y = tensors(part)
    scores, _, sent = net.delta(x, lengths, least)
    entries = np.concatenate(
        [(w != 0).sum(dim=0).numpy() for w in (net.layer.weight_ih_l0, net.layer.weight_hh_l0)]
    )
    valid = (torch.arange(x.shape[1]) < lengths[:, None]).numpy()
    share = sent.numpy()[valid] @ entries / entries.sum()
    return 100.0 * float((scores.argmax(dim=1) == y).double().mean()), float(share.mean())
