"""What a CNN costs beside the other networks on the same data: python -m examples.figures digits.

Or speech. For each network: accuracy of the test part in float and in golden, weights and bits on
chip, cycles and time of an inference. With --seeds DIR, the mean and the standard deviation over
all networks in DIR that are called like it (NAME-1-pruned.onnx, NAME-2-pruned.onnx, ...). It needs
nothing but Elsie.
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

import elsie
from elsie.compress.compiler import compile_model
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import Evaluation
from elsie.compress.report import on_chip
from golden.config import EngineConfig

HERE = Path(__file__).parent
NETWORKS = {
    "digits": ("digits", "digits-pruned", "digits-cnn", "digits-cnn-pruned"),
    "speech": ("speech", "speech-pruned", "speech-cnn", "speech-cnn-pruned"),
}
"""Of each example, those that are compared."""
ENGINES = {
    "digits": {"mac": "fixed", "code_width": 8, "weight_width": 8, "act_width": 8},
    "speech": {"mac": "fixed", "code_width": 12, "weight_width": 12, "act_width": 16},
}
"""Weights and activations are the same in all networks of an example."""
CLOCK_MHZ = 80
"""For the time."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One network's."""

    float_percent: float
    """Accuracy of the float network that was given, on the test part."""
    golden_percent: float
    """That of the compiled one."""
    weights: float
    """Not zero."""
    kbits: float
    """On chip: entries, pointers, biases, alphabets."""
    cycles: float
    """Of an inference, the mean of some of the test part."""


def figures(file: Path, example: str, *, pes: int, timing: int) -> Figures:
    """Compile a network, and run it on the test part."""
    folder = HERE / example
    model = load_onnx(file)
    config = EngineConfig.from_dict(
        {"pes": pes, "group": min(4, pes), "queue_depth": 16, **ENGINES[example]}
    )
    given, lengths, _ = elsie.load_data(folder / "calibrate.npz", model, labels=False)
    x, test_lengths, y = elsie.load_data(folder / "test.npz", model)
    assert y is not None
    network = compile_model(
        model,
        given,
        config=config,
        lengths=lengths,
        evaluate=Evaluation(x=x, lengths=test_lengths, labels=y),
    )
    reached = network.info.figures["accuracy"]
    found = elsie.predict(network, x[:timing], lengths=_some(test_lengths, timing), timing=timing)
    assert found.timing is not None
    return Figures(
        float_percent=100 * float(np.mean(model.predict(x, test_lengths).argmax(axis=-1) == y)),
        golden_percent=reached["golden"],
        weights=weights(model),
        kbits=sum(parts.total for parts in on_chip(network)) / 1000,
        cycles=found.timing.cycles,
    )


def _some(lengths: np.ndarray | None, count: int) -> np.ndarray | None:
    return None if lengths is None else lengths[:count]


def weights(model: Model) -> int:
    """Weights that are trained and not zero."""
    return sum(
        int(np.count_nonzero(matrix))
        for layer in model.layers
        for part in layer.parts()
        for matrix in part.matrices
    )


def files(name: str, folder: Path) -> list[Path]:
    """Networks in a folder that differ from `name` in a number."""
    stem, end = (name[: -len("-pruned")], "-pruned") if name.endswith("-pruned") else (name, "")
    pattern = re.compile(rf"{re.escape(stem)}-\d+{end}\.onnx")
    return sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))


def line(name: str, every: Sequence[Figures]) -> str:
    """A row of the table: means, and standard deviations if there are several."""
    shown = [name]
    for field, digits in zip(fields(Figures), (2, 2, 0, 1, 0), strict=True):
        values = [getattr(one, field.name) for one in every]
        spread = f" ({np.std(values, ddof=1):.{digits}f})" if len(values) > 1 else ""
        shown.append(f"{np.mean(values):,.{digits}f}{spread}")
    shown.append(f"{np.mean([one.cycles for one in every]) / CLOCK_MHZ:,.1f}")
    return f"| {' | '.join(shown)} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("example", choices=sorted(NETWORKS))
    parser.add_argument("networks", nargs="*", help="some of them (default: all)")
    parser.add_argument("--pes", type=int, default=16)
    parser.add_argument("--timing", type=int, default=20, help="inferences that are timed")
    parser.add_argument("--seeds", type=Path, metavar="DIR", help="networks of several seeds")
    options = parser.parse_args()
    print(f"| network | float % | golden % | weights | kbit | cycles | us at {CLOCK_MHZ} MHz |")
    print("|---|---|---|---|---|---|---|")
    for name in options.networks or NETWORKS[options.example]:
        found = [HERE / options.example / f"{name}.onnx"]
        if options.seeds:
            found = files(name, options.seeds)
        every = [
            figures(file, options.example, pes=options.pes, timing=options.timing) for file in found
        ]
        if every:
            print(line(name, every), flush=True)


if __name__ == "__main__":
    main()
