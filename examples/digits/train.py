"""Trains and prunes the digits example and writes its files: python -m examples.digits.train.

With --validate, trains on the train part only, reports accuracy on the validation part, which the
hyper-parameters were chosen on, and writes nothing. The test part serves the last table alone.
With --dense DIR, writes only dense networks of other seeds, for `elsie bench compression`; with
--data FILE, only the training data, for `elsie train`.
"""

import argparse
from pathlib import Path

import numpy as np

from boards.registry import find
from elsie.compress.compiler import compile_model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.onnx.save import save_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quantise.kinds import with_weights
from examples.digits.data import SEED, splits
from examples.digits.mlp import Mlp
from examples.parts import Part, joined, shifted
from golden.config import MacKind
from golden.errors import ElsieError

HERE = Path(__file__).parent
WIDTHS = (64, 128, 64, 10)
DENSITY = (0.1, 0.1, 0.25)
"""Density of each layer after the last pruning step: 10.5 % overall."""
STEPS = 8
"""Pruning steps; the density falls geometrically."""
RATE, DECAY = 3e-3, 3e-3
"""Adam's first learning rate, and weight decay; chosen on the validation part, by the mean over
three seeds of the quantised networks' accuracy."""


def main() -> None:
    """Train, prune, write, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validate", action="store_true", help="choose hyper-parameters only")
    parser.add_argument("--dense", metavar="DIR", type=Path, help="only dense networks, to DIR")
    parser.add_argument("--seeds", type=int, default=7, help="with --dense: how many (default: 7)")
    parser.add_argument(
        "--data", metavar="FILE", type=Path, help="only the training data with labels, to FILE"
    )
    options = parser.parse_args()
    validate = options.validate
    parts = splits()
    train = parts["train"]
    if not validate:
        train = joined(train, parts["validation"])
    train = shifted(train)
    if options.data:
        np.savez(options.data, x=train.x, y=train.y)
        return
    if options.dense:
        options.dense.mkdir(parents=True, exist_ok=True)
        for seed in range(1, options.seeds + 1):
            save_dense(options.dense / f"digits-{seed}.onnx", train, seed)
        return
    net = dense(train, SEED)
    whole = net.model()
    if validate:
        print(f"dense: validation {net.accuracy(parts['validation']):.2f} %")
    for step in range(1, STEPS + 1):
        net.prune([density ** (step / STEPS) for density in DENSITY])
        net.train(train, epochs=30 if step == STEPS else 6, rate=RATE, decay=DECAY)
    if validate:
        print(f"pruned: validation {net.accuracy(parts['validation']):.2f} %")
        return
    save_onnx(whole, HERE / "digits.onnx")
    save_onnx(net.model(), HERE / "digits-pruned.onnx")
    save_onnx(net.model(), HERE / "digits-sparse.onnx", sparse=True)
    np.savez(HERE / "calibrate.npz", x=parts["calibration"].x)
    np.savez(HERE / "test.npz", x=parts["test"].x, y=parts["test"].y)
    report(parts)


def save_dense(path: Path, train: Part, seed: int) -> None:
    """Train a dense network as the example's, but from another seed, and write it."""
    save_onnx(dense(train, seed).model(), path)


def dense(train: Part, seed: int) -> Mlp:
    """A network as the example's."""
    net = Mlp(WIDTHS, seed=seed)
    net.train(train, epochs=30, rate=RATE, decay=DECAY)
    return net


def report(parts: dict[str, Part]) -> None:
    """Print how every kind of weights does on two boards' engines."""
    given = load_onnx(HERE / "digits.onnx")
    pruned = load_onnx(HERE / "digits-pruned.onnx")
    test = parts["test"]
    reference = 100 * np.mean(given.predict(test.x).argmax(axis=1) == test.y)
    matrices = [layer.parts()[0].matrices[0] for layer in pruned.layers]
    total = sum(matrix.size for matrix in matrices)
    kept = [int(np.count_nonzero(matrix)) for matrix in matrices]
    print(
        f"dense float network: {reference:.2f} %; density of the pruned one: "
        f"{100 * sum(kept) / total:.2f} % ({kept} non-zeros)"
    )
    print("board       weights  act  float  pruned quantised golden  entries/PE run acc ratio")
    for board in ("icebreaker", "ulx3s-85f"):
        for act_width in (8, 16):
            for kind in MacKind:
                preset = find(board).preset
                base = preset.base.replace(act_width=act_width)
                start = f"{board:11} {kind.value:8} {act_width:3}"
                try:
                    net = compile_model(
                        pruned,
                        parts["calibration"].x,
                        config=with_weights(base, kind),
                        options=CompileOptions(preset=preset),
                        evaluate=Evaluation(x=test.x, labels=test.y),
                    )
                except ElsieError as error:
                    print(f"{start}  {error}")
                    continue
                accuracy = "  ".join(
                    f"{value:5.2f}" for value in net.info.figures["accuracy"].values()
                )
                per_pe = np.sum([layer.entries_per_pe for layer in net.info.layers], axis=0)
                print(
                    f"{start}  {accuracy}  {per_pe.max():4} of {net.config.entry_depth:4} "
                    f"{net.config.run_width:3} {net.config.acc_width:3} "
                    f"{net.info.compression_ratio:.2f}"
                )


if __name__ == "__main__":
    main()
