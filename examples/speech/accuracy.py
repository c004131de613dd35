"""Accuracy of the spoken digits at every step to the engine; cycles and MACs of a word, with delta.

python -m examples.speech.accuracy [--words N]; needs nothing but Elsie.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import elsie
from elsie.compress.compiler import compile_model
from elsie.compress.delta import with_thresholds
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import Evaluation
from elsie.prediction import Timing
from golden.arithmetic.run import predict
from golden.config import EngineConfig
from golden.format.network import Network

FOLDER = Path(__file__).parent
ENGINE = EngineConfig.from_dict(
    {"pes": 16, "group": 1, "queue_depth": 16, "mac": "fixed", "code_width": 12, "weight_width": 12}
)
"""16 PEs, 12-bit weights, 16-bit activations."""
THRESHOLDS = (
    *((0.125, 0.05), (0.25, 0.1), (0.25, 0.125), (0.3, 0.12), (0.35, 0.14), (0.375, 0.15)),
    *((0.4, 0.16), (0.5, 0.2)),
)
"""Of inputs and of states; one is chosen on the validation part."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """One part of the data."""

    x: NDArray[np.float64]
    lengths: NDArray[np.int64]
    y: NDArray[np.int64]

    def percent(self, scores: NDArray[Any]) -> float:
        """Words whose largest score is the digit."""
        return 100.0 * float(np.mean(scores.argmax(axis=1) == self.y))


def words(part: str) -> Words:
    """calibrate, validate or test."""
    with np.load(FOLDER / f"{part}.npz") as data:
        return Words(x=data["x"].astype(np.float64), lengths=data["lengths"], y=data["y"])


def with_delta(network: Network, x: float, h: float) -> Network:
    """The same network, sending only what moved by more than these thresholds."""
    config = network.config.replace(delta=True, act_lists=4)
    return with_thresholds(replace(network, config=config), x, h)


def timing(network: Network, part: Words, count: int) -> Timing:
    """Of the first `count` words: every step of each, the head at its end."""
    x, lengths = part.x[:count], part.lengths[:count]
    found = elsie.predict(network, x, lengths=lengths, timing=count).timing
    assert found is not None
    return found


def report(kind: str, parts: dict[str, Words], count: int) -> None:
    """One network's figures."""
    name = "speech" if kind == "lstm" else "speech-gru"
    test = parts["test"]
    dense, pruned = load_onnx(FOLDER / f"{name}.onnx"), load_onnx(FOLDER / f"{name}-pruned.onnx")
    calibrate = parts["calibrate"]
    network = compile_model(
        pruned,
        calibrate.x,
        config=ENGINE,
        lengths=calibrate.lengths,
        evaluate=Evaluation(x=test.x, lengths=test.lengths, labels=test.y),
    )
    plain = timing(network, test, count).cycles
    print(f"{name}, {ENGINE.pes} PEs; cycles a word are the mean of {count}")
    before = test.percent(dense.predict(test.x, test.lengths))
    print(f"  {'before pruning':<22} {before:.2f} %")
    for step, accuracy in network.info.figures["accuracy"].items():
        said = f"   {plain:.0f} cycles" if step == "golden" else ""
        print(f"  {step:<22} {accuracy:.2f} %{said}")
    choice = parts["validate"]
    best = (-1.0, "")
    least = choice.percent(predict(network, choice.x, choice.lengths))
    print(f"  of the validation part {least:.2f} %")
    for x, h in THRESHOLDS:
        delta = with_delta(network, x, h)
        accuracy = choice.percent(predict(delta, choice.x, choice.lengths))
        tested = test.percent(predict(delta, test.x, test.lengths))
        found = timing(delta, test, count)
        less = f"{found.cycles:.0f} cycles, {plain / found.cycles:.2f} x fewer"
        less = f"{less}, {100 * (found.sent or 0):.1f} % of the MACs"
        print(f"  delta {x:<5} {h:<5}      {tested:.2f} %   {less}; validation {accuracy:.2f} %")
        # Of equal ones the finest.
        best = max(best, (accuracy, f"x {x}, h {h}"), key=lambda one: one[0])
    print(f"  best on validation     {best[1]}")


def main() -> None:
    """Both networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=40, help="words whose cycles are counted")
    options = parser.parse_args()
    parts = {name: words(name) for name in ("calibrate", "validate", "test")}
    for kind in ("lstm", "gru"):
        report(kind, parts, options.words)


if __name__ == "__main__":
    main()
