"""`elsie predict`."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, add_input, add_net, positive
from elsie.cli.paths import check_file
from golden.record import Record

if TYPE_CHECKING:
    from elsie.compress.scores import Kind
    from elsie.data import Data
    from elsie.prediction import Prediction, Timing
    from elsie.profiling.cycles import LayerCycles
    from golden.format.network import Network


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "predict",
        "run the golden model",
        "elsie predict model.elsie --input test.npz",
        "elsie predict model.elsie --input test.npz --output values.npz",
        "elsie predict model.elsie --input test.npz --timing 50 --json",
        run=run,
    )
    add_net(command)
    add_input(command)
    command.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write the real outputs, and classes if there are any: .npz, or .npy for outputs only",
    )
    command.add_argument(
        "--timing", metavar="N", type=positive, default=0, help="predict the cycles of N samples"
    )


@dataclass(frozen=True, kw_only=True)
class Predicted(Record):
    """What is printed."""

    network: str
    """Its name."""
    samples: int
    """Number of samples."""
    accuracy: float | None
    """Percent; None without labels, and for targets that are no classes."""
    scores: dict[str, float]
    """All figures of elsie.compress.scores.Score; none without targets."""
    timing: "Timing | None"
    """If requested."""
    clipped: float
    """Share of the inputs that are far beyond the calibration data."""
    largest_input: float
    """Of all inputs, as a share of the largest that the scales hold."""
    in_frac: int | list[int]
    """Fraction bits of the engine's inputs, a list where they differ."""
    out_frac: int
    """Fraction bits of its outputs."""
    classes: list[Any] | None
    """Of each sample a class, or one for each of its steps: the number of the largest output. None
    where outputs are no classes."""
    classes_known: bool
    """The model, or labels, say whether outputs are classes; else they are taken for them."""
    outputs: list[Any]
    """Of each sample a list, or one for each of its steps."""

    @classmethod
    def of(cls, network: "Network", data: "Data", prediction: "Prediction") -> "Predicted":
        """Outputs in every step are cut to each sample's length."""
        from elsie.compress.scores import outputs_of

        scores, kind = _scores(network, data, prediction)
        classes, outputs = prediction.classes.tolist(), prediction.outputs.tolist()
        if prediction.outputs.ndim == 3 and data.lengths is not None:
            classes = [row[:n] for row, n in zip(classes, data.lengths, strict=True)]
            outputs = [row[:n] for row, n in zip(outputs, data.lengths, strict=True)]
        return cls(
            network=network.name,
            samples=len(data.x),
            accuracy=scores.get("accuracy"),
            scores=scores,
            timing=prediction.timing,
            clipped=prediction.clipped,
            largest_input=prediction.largest_input,
            classes=classes if _has_classes(network, kind) else None,
            classes_known=kind is not None or outputs_of(network) is not None,
            outputs=outputs,
            **network.positions,  # pyright: ignore[reportArgumentType]
        )


def _scores(
    network: "Network", data: "Data", prediction: "Prediction"
) -> tuple[dict[str, float], "Kind | None"]:
    """Figures, if there are targets, and what the targets are."""
    from elsie.compress.scores import score_for

    if data.y is None:
        return {}, None
    given, outputs = data.y, prediction.outputs
    score = score_for(network, given, samples=len(data.x), what="y", outputs=outputs)
    if score is None:
        output.note("note: y is ignored: the network has no class for a whole sample or sequence")
        return {}, None
    if score.note:
        output.note(f"note: {score.note}")
    return score.figures(outputs), score.kind


def _has_classes(network: "Network", kind: "Kind | None") -> bool:
    """Outputs are classes, by the targets, else by the network."""
    from elsie.compress.scores import has_classes

    return has_classes(network) if kind is None else kind == "classes" and network.n_out > 1


def run(options: argparse.Namespace) -> int:
    """Compute the outputs; print classes or values, scores and cycles."""
    if options.output:
        check_file(options.output, options.net, options.input)
    network = elsie.load(options.net)
    data = elsie.load_data(options.input, network)
    prediction = elsie.predict(network, data.x, lengths=data.lengths, timing=options.timing)
    found = Predicted.of(network, data, prediction)
    output.unlike_calibration(found.clipped, found.largest_input)
    if options.output:
        prediction.save(options.output, classes=found.classes is not None, lengths=data.lengths)
    output.result(found, as_json=options.json, text=lambda: _describe(found))
    return 0


def _describe(found: Predicted) -> None:
    output.line("samples", str(found.samples))
    shown: list[Any] = found.outputs if found.classes is None else found.classes
    name = "classes" if found.classes_known else "largest output"
    name = "outputs" if found.classes is None else name
    if found.classes is None and len(shown[0]) == 1 and not isinstance(shown[0][0], list):
        shown = [row[0] for row in shown]
    elif isinstance(shown[0], list):
        shown, name = shown[0], f"{name} of sample 0"
    while isinstance(shown[0], list):  # outputs of every step: those of the last
        shown, name = shown[-1], f"{name}, last step"
    most = 20 if found.classes is not None else 8
    output.line(name, " ".join(f"{v:.6g}" for v in shown[:most]) + " ..." * (len(shown) > most))
    for figure, value in found.scores.items():
        output.line(*output.figure(figure, value))
    if timing := found.timing:
        output.line("cycles per inference", f"{timing.cycles:.1f} (of {timing.samples})")
        if timing.steps:
            cycles = timing.cycles * timing.samples / timing.steps
            output.line("cycles per step", f"{cycles:.1f} (of {timing.steps})")
        output.line("useful utilisation", f"{timing.useful_utilisation:.3f}")
        if timing.sent is not None:
            output.line("MACs sent", f"{100 * timing.sent:.1f} %")
        if timing.layers:
            output.table(_CAUSES, [_causes(layer) for layer in timing.layers])


_CAUSES = ["layer", "cycles", "useful", "borders", "padding", "steals", "full queue", "no job"]
_CAUSES += ["waiting"]


def _causes(layer: "LayerCycles") -> list[str]:
    """Where its PEs' cycles went, in percent."""
    _, cycles, *shares = layer.to_dict().values()
    return [layer.name, f"{cycles:,}", *(f"{100 * share:.1f} %" for share in shares)]
