"""Training of the recogniser: dense, then pruned step by step with the delta rule in the loop."""

from collections.abc import Callable, Iterator
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from elsie.torch import Delta
from examples.speech.features import Part
from examples.speech.net import Recogniser, tensors
from examples.speech.pruning import gate_masks, largest

BATCH = 64
INPUTS, OUTPUTS = 0.25, 0.1
"""The delta rule's thresholds that are trained for; each word draws its share, up to twice."""
MOVEMENT = 0.5
"""Weight of the states' mean absolute change from step to step in the loss."""
DENSITIES = (0.35, 0.16, 0.4)
"""What pruning leaves of the input matrices, the recurrent matrices and the head."""

Loss = Callable[[Any, Tensor, Tensor, Tensor], Tensor]
"""Of a network, for its features, lengths and digits."""


def train(
    net: nn.Module,
    part: Part,
    *,
    loss: Loss,
    epochs: int,
    rate: float,
    noise: float,
    seed: int,
    after: Callable[[float], None] | None = None,
) -> None:
    """AdamW, its rate falling along a cosine to 0; `after` gets the share done after each step.

    `noise` is the deviation of what is added to the features, which have deviation 1.
    """
    torch.manual_seed(seed)
    steps = epochs * (len(part.y) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-4)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step, (x, lengths, y) in enumerate(_batches(part, epochs), start=1):
        optimiser.zero_grad()
        loss(net, x + noise * torch.randn_like(x), lengths, y).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        falling.step()
        if after is not None:
            after(step / steps)


def _batches(part: Part, epochs: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Shuffled batches, each as long as its longest word."""
    x, lengths, y = tensors(part)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for chosen in order[: len(x) // BATCH * BATCH].split(BATCH):
            yield x[chosen, : int(lengths[chosen].max())], lengths[chosen], y[chosen]


def scores_loss(net: nn.Module, x: Tensor, lengths: Tensor, y: Tensor) -> Tensor:
    """Cross entropy, the labels smoothed by 5 %."""
    return nn.functional.cross_entropy(net(x, lengths), y, label_smoothing=0.05)


def delta_loss(net: Recogniser, x: Tensor, lengths: Tensor, y: Tensor) -> Tensor:
    """The same with thresholds drawn for each word, and a price on movement of the states."""
    rule = Delta(net.layer, inputs=INPUTS, outputs=OUTPUTS)
    scores, done = net.delta(x, lengths, rule.draw)
    movement = done.movement(lengths)
    return nn.functional.cross_entropy(scores, y, label_smoothing=0.05) + MOVEMENT * movement


class Pruner:
    """Called after every training step: new masks every 50th, a cubic schedule (Zhu, Gupta 2017).

    The masks are final after 60 % of the steps; the rest is retraining.
    """

    def __init__(self, net: Recogniser, *, balanced: bool) -> None:
        self.net = net
        self.balanced = balanced
        self.calls = 0
        self.masks: list[Tensor] = []

    def __call__(self, done: float) -> None:
        """`done` is the share of the training steps, 0 to 1."""
        layer, head = self.net.layer, self.net.head
        weights = (layer.weight_ih_l0, layer.weight_hh_l0, head.weight)
        if self.calls % 50 == 0 and (done < 0.65 or not self.masks):
            left = (1 - min(1.0, done / 0.6)) ** 3
            densities = [density + (1 - density) * left for density in DENSITIES]
            gates = layer.weight_hh_l0.shape[0] // layer.hidden_size
            self.masks = [
                gate_masks(weight, density, gates=gates, balanced=self.balanced)
                for weight, density in zip(weights[:2], densities[:2], strict=True)
            ]
            self.masks.append(largest(head.weight, round(densities[2] * head.weight.numel())))
        self.calls += 1
        with torch.no_grad():
            for weight, mask in zip(weights, self.masks, strict=True):
                weight *= mask
