"""Trains dense LeNet-300-100 networks on MNIST, and writes what is needed to compress them.

Run `python -m examples.lenet.train`, with the `mnist` extra, or with `--idx FOLDER` on all of
MNIST. It writes lenet-SEED.onnx, calibrate.npz (no labels), train.npz and test.npz.
Hyper-parameters were chosen on the validation part (`--validate` prints its accuracy); the networks
are then trained on the train and validation parts together.
"""

import argparse
from pathlib import Path

import numpy as np

from elsie.compress.onnx.save import save_onnx
from examples.digits.mlp import Mlp
from examples.lenet.data import splits
from examples.parts import Part, joined, shifted

WIDTHS = (784, 300, 100, 10)
EPOCHS, RATE, DECAY = 12, 1e-3, 1e-4
OUT = Path("build/lenet")


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idx", metavar="FOLDER", type=Path, help="MNIST's IDX files")
    parser.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {OUT}")
    parser.add_argument("--seeds", type=int, default=5, help="networks (default: 5)")
    parser.add_argument("--validate", action="store_true", help="only print validation accuracies")
    options = parser.parse_args()
    parts = splits(options.idx)
    if options.validate:
        for seed in range(1, options.seeds + 1):
            net = trained(shifted(parts["train"]), seed)
            print(f"seed {seed}: validation {net.accuracy(parts['validation']):.2f} %")
        return
    make(parts, options.out, options.seeds)


def make(parts: dict[str, Part], out: Path, seeds: int) -> None:
    """Write the data, then one network after the other; a network that is there already stays."""
    out.mkdir(parents=True, exist_ok=True)
    whole = shifted(joined(parts["train"], parts["validation"]))
    np.savez_compressed(out / "calibrate.npz", x=parts["calibration"].x)
    for name, part in (("train", whole), ("test", parts["test"])):
        np.savez_compressed(out / f"{name}.npz", x=part.x, y=part.y)
    for seed in range(1, seeds + 1):
        path = out / f"lenet-{seed}.onnx"
        if not path.exists():
            net = trained(whole, seed)
            save_onnx(net.model(), path)
            print(f"{path}: {len(whole.x)} samples, test {net.accuracy(parts['test']):.2f} %")


def trained(part: Part, seed: int) -> Mlp:
    """A dense network."""
    net = Mlp(WIDTHS, seed=seed, name="lenet-300-100")
    net.train(part, epochs=EPOCHS, rate=RATE, decay=DECAY)
    return net


if __name__ == "__main__":
    main()
