"""`elsie predict`."""

import argparse
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, add_input, add_net, positive

if TYPE_CHECKING:
    from elsie.data import Data
    from elsie.prediction import Prediction, Timing


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "predict",
        "run the golden model",
        "elsie predict model.elsie --input test.npz",
        "elsie predict model.elsie --input test.npz --timing 50 --json",
        run=run,
    )
    add_net(command)
    add_input(command)
    command.add_argument(
        "--timing", metavar="N", type=positive, default=0, help="predict the cycles of N samples"
    )


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """What is printed."""

    network: str
    """Its name."""
    samples: int
    """Number of samples."""
    accuracy: float | None
    """Percent; None without labels."""
    timing: "Timing | None"
    """If requested."""
    classes: list[Any]
    """Of each sample a class, or one for each of its steps."""
    outputs: list[Any]
    """Of each sample a list, or one for each of its steps."""

    @classmethod
    def of(cls, network: str, data: "Data", prediction: "Prediction") -> "Predicted":
        """Outputs in every step are cut to each sample's length."""
        classes, outputs = prediction.classes.tolist(), prediction.outputs.tolist()
        if prediction.outputs.ndim == 3 and data.lengths is not None:
            classes = [row[:n] for row, n in zip(classes, data.lengths, strict=True)]
            outputs = [row[:n] for row, n in zip(outputs, data.lengths, strict=True)]
        return cls(
            network=network,
            samples=len(data.x),
            accuracy=None if data.y is None else prediction.accuracy(data.y),
            timing=prediction.timing,
            classes=classes,
            outputs=outputs,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


def run(options: argparse.Namespace) -> int:
    """Classify the data; print accuracy and cycles."""
    network = elsie.load(options.net)
    data = elsie.load_data(options.input, network)
    prediction = elsie.predict(network, data.x, lengths=data.lengths, timing=options.timing)
    found = Predicted.of(network.name, data, prediction)
    output.result(found.to_dict(), as_json=options.json, text=lambda: _describe(found))
    return 0


def _describe(found: Predicted) -> None:
    output.line("samples", str(found.samples))
    every_step = bool(found.classes) and isinstance(found.classes[0], list)
    shown = found.classes[0] if every_step else found.classes
    text = " ".join(map(str, shown[:20])) + (" ..." if len(shown) > 20 else "")
    output.line("classes of sample 0" if every_step else "classes", text)
    if found.accuracy is not None:
        output.line("accuracy", f"{found.accuracy:.2f} %")
    if timing := found.timing:
        output.line("cycles per inference", f"{timing.cycles:.1f} (of {timing.samples})")
        if timing.steps:
            cycles = timing.cycles * timing.samples / timing.steps
            output.line("cycles per step", f"{cycles:.1f} (of {timing.steps})")
        output.line("useful utilisation", f"{timing.useful_utilisation:.3f}")
