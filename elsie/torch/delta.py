"""Recurrent layers under the delta rule: training for networks that send few changes."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from golden.errors import ElsieError

REACH = 2.0
"""Thresholds of training are drawn up to so many times the deployed ones."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a layer did under the delta rule."""

    states: Tensor
    """Outputs, (batch, steps, cells)."""
    sent: Tensor
    """Which inputs and outputs each step sent, (batch, steps, inputs + cells)."""

    def movement(self, lengths: Tensor | None = None) -> Tensor:
        """Mean absolute change of the outputs from step to step, of those that count."""
        moves = (self.states[:, 1:] - self.states[:, :-1]).abs()
        if lengths is not None:
            moves = moves[torch.arange(1, self.states.shape[1]) < lengths[:, None]]
        return moves.mean()


class Delta:
    """A layer that sends an input or output only where it moved by a threshold.

    DeltaRNN (Neil et al., 2017): a move counts from the value last sent; what is not sent keeps
    that value. All start at 0. Gradients flow through what was sent.

    Train with `draw`, and add `price * sent.movement(lengths)` to the loss: what hardly moves is
    hardly sent. Then deploy with `elsie.compile(..., delta=(inputs, outputs))`.
    """

    def __init__(self, layer: nn.Module, *, inputs: float, outputs: float) -> None:
        """For nn.LSTM and nn.GRU of one layer, samples first; thresholds as they are deployed."""
        plain = isinstance(layer, nn.LSTM | nn.GRU) and layer.batch_first and layer.bias
        if not plain or layer.num_layers > 1 or layer.bidirectional or layer.proj_size:
            raise ElsieError(
                f"the delta rule takes an LSTM or GRU of one layer, one direction, with biases and "
                f"batch_first, not {layer}"
            )
        self.layer, self.inputs, self.outputs = layer, inputs, outputs

    def draw(self, x: Tensor) -> Sent:
        """For training: each sequence draws a share, up to REACH, of the thresholds."""
        share = REACH * torch.rand(len(x), 1)
        return self.run(x, inputs=self.inputs * share, outputs=self.outputs * share)

    def __call__(self, x: Tensor) -> Sent:
        """With the thresholds as they are deployed, x (batch, steps, inputs)."""
        return self.run(x, inputs=self.inputs, outputs=self.outputs)

    def run(self, x: Tensor, *, inputs: float | Tensor, outputs: float | Tensor) -> Sent:
        """With these thresholds; tensors (batch, 1) give each sequence its own."""
        layer = self.layer
        batch, steps, _ = x.shape
        h = c = held_h = x.new_zeros(batch, layer.hidden_size)
        held_x = x.new_zeros(batch, x.shape[2])
        states, sent = [], []
        for step in range(steps):
            move_x, move_h = x[:, step] - held_x, h - held_h
            sent_x = (move_x.abs() >= inputs) & (move_x != 0)
            sent_h = (move_h.abs() >= outputs) & (move_h != 0)
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
        return Sent(states=torch.stack(states, dim=1), sent=torch.stack(sent, dim=1))


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
