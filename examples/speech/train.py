"""Trains and prunes the spoken-digit recogniser, writes its files: python -m examples.speech.train.

With --validate, trains the LSTM with two seeds, reports accuracy on the validation part,
which all choices were made on, and writes nothing. The test part serves the last table alone.
"""

import argparse
import copy
import json
from pathlib import Path

import numpy as np

from examples.speech.data import parts
from examples.speech.export import save_onnx
from examples.speech.features import STEPS, Norm, Part
from examples.speech.net import Recogniser, accuracy, accuracy_delta, recogniser
from examples.speech.pruning import counts
from examples.speech.training import Pruner, delta_loss, scores_loss, train

HERE = Path(__file__).parent
HIDDEN = 64
SEEDS = (1, 2)
"""The files are from the first; --validate takes both."""
LEAST = ((0.0, 0.0), (0.25, 0.1), (0.375, 0.15), (0.5, 0.2))
"""Of inputs and of states."""


def main() -> None:
    """Train, prune, write, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validate", action="store_true", help="choose hyper-parameters only")
    validate = parser.parse_args().validate
    made, norm = parts()
    if validate:
        compare(made)
        return
    save_parts(made, norm)
    for cell, prefix in (("lstm", "speech"), ("gru", "speech-gru")):
        dense = train_dense(cell, made["train"], SEEDS[0])
        pruned = train_pruned(dense, made["train"], SEEDS[0], balanced=True)
        save_onnx(HERE / f"{prefix}.onnx", dense)
        save_onnx(HERE / f"{prefix}-pruned.onnx", pruned)
        for name, net in ((prefix, dense), (f"{prefix}-pruned", pruned)):
            report(name, net, made)


def train_dense(cell: str, part: Part, seed: int) -> Recogniser:
    """All weights."""
    net = recogniser(cell, HIDDEN, seed)
    train(net, part, loss=scores_loss, epochs=6, rate=3e-3, noise=0.3, seed=seed)
    return net


def train_pruned(dense: Recogniser, part: Part, seed: int, *, balanced: bool) -> Recogniser:
    """A pruned copy."""
    net = copy.deepcopy(dense)
    pruner = Pruner(net, balanced=balanced)
    train(net, part, loss=delta_loss, epochs=8, rate=3e-3, noise=0.2, seed=seed, after=pruner)
    return net


def compare(made: dict[str, Part]) -> None:
    """Print what pruning and balance cost, on the validation part."""
    for seed in SEEDS:
        dense = train_dense("lstm", made["train"], seed)
        nets = {"dense": dense}
        for name, balanced in (("by magnitude", False), ("balanced", True)):
            nets[name] = train_pruned(dense, made["train"], seed, balanced=balanced)
        for name, net in nets.items():
            report(f"seed {seed}, {name}", net, {"validation": made["validation"]})


def report(name: str, net: Recogniser, made: dict[str, Part]) -> None:
    """Print non-zeros, accuracies, and the delta rule's accuracy and share of multiplications."""
    print(f"{name}: non-zeros {counts(net)}", flush=True)
    for part in (part for part in ("validation", "test") if part in made):
        print(f"  {part}: {accuracy(net, made[part]):.2f} %", flush=True)
        for x, h in LEAST:
            percent, share = accuracy_delta(net, made[part], inputs=x, outputs=h)
            print(f"    delta x {x} h {h}: {percent:.2f} %, sent {share:.3f}", flush=True)


def save_parts(made: dict[str, Part], norm: Norm) -> None:
    """The parts but train, STEPS steps long, as float16, which is exact; and the constants."""
    for part, file in (("calibration", "calibrate"), ("validation", "validate"), ("test", "test")):
        data = made[part]
        x = data.x.astype(np.float16)
        assert np.array_equal(x.astype(np.float32), data.x), "features do not fit float16"
        x = np.pad(x, ((0, 0), (0, STEPS - x.shape[1]), (0, 0)))
        np.savez_compressed(HERE / f"{file}.npz", x=x, lengths=data.lengths, y=data.y)
    constants = {"mean": norm.mean.tolist(), "deviation": norm.deviation.tolist()}
    (HERE / "features.json").write_text(json.dumps(constants, indent=1) + "\n")


if __name__ == "__main__":
    main()
