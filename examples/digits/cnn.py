"""Trains and prunes the digits CNN and writes its files: python -m examples.digits.cnn.

With --validate, trains on the train part only, with three seeds, reports accuracy on the validation
part, which the hyper-parameters were chosen on, and writes nothing. With --seeds N DIR, writes
networks of so many seeds to DIR, for `python -m examples.digits.figures`.
"""

# pyright: reportMissingImports=false

import argparse
import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import elsie.torch
from examples.digits.data import splits
from examples.parts import Part, joined, shifted

HERE = Path(__file__).parent
DENSITY = {"conv1": 0.6, "conv2": 0.25, "conv3": 0.2, "head": 0.4}
"""Of each layer after pruning."""
RATE, DECAY = 4e-3, 0.1
EPOCHS = (15, 25)
"""Dense, and while it is pruned."""
BATCH = 64
SEED = 1

torch.set_num_threads(1)


class Cnn(nn.Module):
    """From x (samples, 64), an image row by row, to scores (samples, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.conv3 = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Linear(64, 10)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Three convolutions, the last two with pooling, and a linear layer."""
        x = self.conv1(x.reshape(-1, 1, 8, 8)).relu()
        x = self.pool(self.conv2(x).relu())
        x = self.pool(self.conv3(x).relu())
        return self.head(x.flatten(1))


def main() -> None:
    """Train, prune, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validate", action="store_true", help="choose hyper-parameters only")
    parser.add_argument("--seeds", nargs=2, metavar=("N", "DIR"), help="N networks to DIR")
    options = parser.parse_args()
    parts = splits()
    if options.validate:
        for seed in (1, 2, 3):
            for name, net in both(shifted(parts["train"]), seed).items():
                print(
                    f"seed {seed}, {name}: {accuracy(net, parts['validation']):.2f} %", flush=True
                )
        return
    train = shifted(joined(parts["train"], parts["validation"]))
    folder, names = HERE, {SEED: "digits-cnn"}
    if options.seeds:
        folder = Path(options.seeds[1])
        names = {seed: f"digits-cnn-{seed}" for seed in range(1, int(options.seeds[0]) + 1)}
        folder.mkdir(parents=True, exist_ok=True)
    for seed, name in names.items():
        nets = both(train, seed)
        for end, net in (("", nets["dense"]), ("-pruned", nets["pruned"])):
            elsie.torch.export_onnx(net, torch.zeros(2, 64), folder / f"{name}{end}.onnx")


def both(part: Part, seed: int) -> dict[str, Cnn]:
    """A dense network, and a pruned copy that has learned on."""
    torch.manual_seed(seed)
    dense = Cnn()
    fit(dense, part, epochs=EPOCHS[0])
    pruned = copy.deepcopy(dense)
    steps = EPOCHS[1] * (len(part.y) // BATCH)
    session = elsie.torch.prepare(pruned, density=DENSITY, total_steps=steps)
    fit(pruned, part, epochs=EPOCHS[1], after=session.step)
    return {"dense": dense, "pruned": pruned}


def fit(net: Cnn, part: Part, *, epochs: int, after: Callable[[], None] | None = None) -> None:
    """AdamW, its rate falling along a cosine to 0; `after` is called after each step."""
    x, y = torch.from_numpy(part.x), torch.from_numpy(part.y)
    each = len(x) // BATCH
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * each)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x))[: each * BATCH].split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(x[chosen]), y[chosen]).backward()
            optimiser.step()
            falling.step()
            if after is not None:
                after()


@torch.no_grad()
def accuracy(net: Cnn, part: Part) -> float:
    """Percent of samples whose largest score is the label."""
    found = net(torch.from_numpy(part.x)).argmax(dim=1).numpy()
    return 100.0 * float(np.mean(found == part.y))


if __name__ == "__main__":
    main()
