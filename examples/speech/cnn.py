"""Trains and prunes a CNN for the spoken digits, writes its files: python -m examples.speech.cnn.

With --validate, trains with three seeds, reports accuracy on the validation part, which all choices
were made on, and writes nothing. With --seeds N DIR, writes networks of so many seeds to DIR, for
`python -m examples.speech.figures`.
"""

# pyright: reportMissingImports=false

import argparse
import copy
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import elsie.torch
from examples.speech.data import parts
from examples.speech.features import N_COEFFICIENTS, STEPS, Part
from examples.speech.net import accuracy
from examples.speech.training import BATCH, scores_loss, train

HERE = Path(__file__).parent
CHANNELS = (16, 16, 24, 32)
"""Of the first layer and of the blocks."""
TAPS = 5
DENSITY = 0.2
"""Of all weights after pruning."""
EPOCHS = (4, 6)
"""Dense, and while it is pruned."""
RATE, NOISE = 3e-3, 0.3
SEED = 1


class Block(nn.Module):
    """Two convolutions over time, the first with stride 2, and a shortcut beside them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = _conv(inputs, outputs, TAPS, stride=2)
        self.second = _conv(outputs, outputs, TAPS)
        self.beside = _conv(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """From (samples, inputs, steps) to (samples, outputs, steps / 2)."""
        return (self.second(self.first(x).relu()) + self.beside(x)).relu()


class Cnn(nn.Module):
    """TC-ResNet's shape (Choi et al., Interspeech 2019), smaller.

    From x (words, steps, coefficients) to scores (words, 10). A coefficient is a channel, a kernel
    goes over time. A word is followed by zeros up to STEPS.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = _conv(N_COEFFICIENTS, CHANNELS[0], 3)
        self.blocks = nn.Sequential(*(Block(*pair) for pair in pairwise(CHANNELS)))
        self.head = nn.Linear(CHANNELS[-1], 10)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """With lengths, x may have any number of steps, and what is beyond them is cleared."""
        if lengths is not None:
            x = x * (torch.arange(x.shape[1]) < lengths[:, None])[:, :, None]
            x = nn.functional.pad(x[:, :STEPS], (0, 0, 0, max(0, STEPS - x.shape[1])))
        x = self.first(x.transpose(1, 2)).relu()
        return self.head(self.blocks(x).mean(dim=2))


def _conv(inputs: int, outputs: int, taps: int, stride: int = 1) -> nn.Sequential:
    """A convolution as long as its input, or half as long, and batch normalisation."""
    conv = nn.Conv1d(inputs, outputs, taps, stride=stride, padding=taps // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm1d(outputs))


def fused(net: Cnn) -> Cnn:
    """A copy without batch normalisation, which goes into the convolutions."""
    found = copy.deepcopy(net).eval()
    pairs = [one for one in found.modules() if isinstance(one, nn.Sequential) and len(one) == 2]
    for conv, norm in (pair for pair in pairs if isinstance(pair[1], nn.BatchNorm1d)):
        pair = next(one for one in pairs if one[0] is conv)
        pair[0], pair[1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return found


def main() -> None:
    """Train, prune, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validate", action="store_true", help="choose hyper-parameters only")
    parser.add_argument("--seeds", nargs=2, metavar=("N", "DIR"), help="N networks to DIR")
    options = parser.parse_args()
    made, _ = parts()
    if options.validate:
        for seed in (1, 2, 3):
            for name, net in both(made["train"], seed).items():
                percent = accuracy(net.eval(), made["validation"])
                print(f"seed {seed}, {name}: {percent:.2f} %", flush=True)
        return
    folder, names = HERE, {SEED: "speech-cnn"}
    if options.seeds:
        folder = Path(options.seeds[1])
        names = {seed: f"speech-cnn-{seed}" for seed in range(1, int(options.seeds[0]) + 1)}
        folder.mkdir(parents=True, exist_ok=True)
    for seed, name in names.items():
        write(both(made["train"], seed), folder / name)


def both(part: Part, seed: int) -> dict[str, Cnn]:
    """A dense network, and a pruned copy that has learned on."""
    torch.manual_seed(seed)
    dense = Cnn()
    train(dense, part, loss=scores_loss, epochs=EPOCHS[0], rate=RATE, noise=NOISE, seed=seed)
    pruned = copy.deepcopy(dense)
    steps = EPOCHS[1] * (len(part.y) // BATCH)
    session = elsie.torch.prepare(pruned, density=DENSITY, total_steps=steps)
    train(
        *(pruned, part),
        loss=scores_loss,
        epochs=EPOCHS[1],
        rate=RATE,
        noise=NOISE,
        seed=seed,
        after=lambda _: session.step(),
    )
    return {"dense": dense, "pruned": pruned}


def write(nets: dict[str, Cnn], path: Path) -> None:
    """PATH.onnx and PATH-pruned.onnx."""
    example = torch.zeros(2, STEPS, N_COEFFICIENTS)
    for end, net in (("", nets["dense"]), ("-pruned", nets["pruned"])):
        file = path.with_name(f"{path.name}{end}.onnx")
        elsie.torch.export_onnx(fused(net), example, file, axes={0: "words"})


if __name__ == "__main__":
    main()
