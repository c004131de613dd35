"""`elsie run`."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import elsie
from elsie.cli import output
from elsie.cli.board.connect import SIMULATED, add_connection, connected, load
from elsie.cli.grammar import Steps, add_command, add_input, add_net, positive
from elsie.cli.paths import check_file
from golden.record import Record

if TYPE_CHECKING:
    from elsie.data import Data
    from elsie.host import Measured
    from elsie.prediction import Prediction
    from golden.format.network import Network


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "run",
        "run inputs on a board, and compare its outputs with the golden model's",
        "elsie run model.elsie --input test.npz",
        "elsie run model.elsie --input test.npz --board sim --limit 20 --json",
        run=run,
    )
    add_net(command)
    add_input(command)
    add_connection(command)
    command.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write the real outputs, and classes if there are any: .npz, or .npy for outputs only",
    )
    command.add_argument(
        "--limit", metavar="N", type=positive, help="only the first N samples (default: all)"
    )


@dataclass(frozen=True, kw_only=True)
class Ran(Record):
    """What is printed."""

    network: str
    """Its name."""
    port: str
    """Of the board."""
    simulated: bool
    """The board is a program: `seconds` is that program's time, not a board's."""
    inferences: int
    """Samples, or sequences."""
    equal_to_golden: int
    """How many have all outputs as the golden model has them."""
    cycles: int
    """Clock cycles of the layers, all in all."""
    seconds: float
    """From the first byte sent to the last answer."""
    per_second: float
    """Inferences in a second."""
    bound: str
    """Where the time goes: line, engine or host."""
    line_seconds: float
    """What the bytes take at the line's speed."""
    engine_seconds: float
    """What the cycles take at the engine's clock."""
    baud: int
    """The line's speed."""
    recovered: int
    """How often something was sent again."""
    scores: dict[str, float]
    """Accuracy, or errors of values; none without targets."""
    reconstruction_error: float | None
    """Root mean square of outputs less inputs, for a network that has as many."""


def run(options: argparse.Namespace) -> int:
    """Run, compare, print; exit code 1 where an output differs from golden's."""
    if options.output:
        check_file(options.output, options.net, options.input)
    network = elsie.load(options.net)
    data = _limited(elsie.load_data(options.input, network), options.limit)
    expected = elsie.predict(network, data.x, lengths=data.lengths)
    output.unlike_calibration(expected.clipped, expected.largest_input)
    with connected(options, network) as board:
        load(board, network)
        with output.progress("running", "inputs") as update:
            outputs = board.run(data.x, data.lengths, progress=update)
        measured, port = board.measured, board.port
    assert measured is not None
    from elsie.prediction import Prediction

    made = Prediction(outputs=outputs, timing=None)
    found = _summary(network, data, made, expected, measured, port, options.board == SIMULATED)
    if options.output:
        from elsie.compress.scores import has_classes

        made.save(options.output, classes=has_classes(network), lengths=data.lengths)
    output.result(found, as_json=options.json, text=lambda: _describe(found))
    return 0 if found.equal_to_golden == found.inferences else 1


def _limited(data: "Data", limit: int | None) -> "Data":
    """The first samples."""
    cut = (None if part is None else part[:limit] for part in (data.x, data.lengths, data.y))
    return elsie.Data(*cut)  # pyright: ignore[reportArgumentType]


def _summary(
    network: "Network",
    data: "Data",
    made: "Prediction",
    expected: "Prediction",
    measured: "Measured",
    port: str,
    simulated: bool,
) -> Ran:
    same = (made.outputs == expected.outputs).reshape(len(made.outputs), -1).all(axis=1)
    error = None
    if not network.recurrent and network.n_in == network.n_out and data.y is None:
        error = float(((made.outputs - data.x) ** 2).mean() ** 0.5)
    return Ran(
        network=network.name,
        port=port,
        simulated=simulated,
        inferences=measured.inferences,
        equal_to_golden=int(same.sum()),
        cycles=measured.cycles,
        seconds=measured.seconds,
        per_second=measured.per_second,
        bound=measured.bound,
        line_seconds=measured.line_seconds,
        engine_seconds=measured.engine_seconds,
        baud=measured.baud,
        recovered=measured.recovered,
        scores=_scores(network, data, made),
        reconstruction_error=error,
    )


def _scores(network: "Network", data: "Data", made: "Prediction") -> dict[str, float]:
    """Figures, if there are targets for them."""
    from elsie.compress.scores import score_for

    if data.y is None:
        return {}
    score = score_for(network, data.y, samples=len(data.x), what="y", outputs=made.outputs)
    return {} if score is None else score.figures(made.outputs)


def _describe(found: Ran) -> None:
    output.line("inferences", str(found.inferences))
    output.line("equal to golden", f"{found.equal_to_golden} of {found.inferences}")
    for figure, value in found.scores.items():
        output.line(*output.figure(figure, value))
    if found.reconstruction_error is not None:
        output.line("reconstruction error", f"{found.reconstruction_error:.4g} (rms)")
    each = found.cycles / found.inferences
    output.line("cycles per inference", f"{each:.1f}")
    least = max(found.line_seconds, found.engine_seconds) / found.inferences
    if found.simulated:
        output.line("simulated in", f"{found.seconds:.2f} s")
        where = "line" if found.line_seconds >= found.engine_seconds else "engine"
        output.line("a board takes", f"{1e6 * least:.1f} us or more for each, in the {where}")
    else:
        output.line("inferences per second", f"{found.per_second:.1f}")
        output.line("time goes to", f"the {found.bound}")
    for name, seconds in (("line", found.line_seconds), ("engine", found.engine_seconds)):
        output.line(f"{name}, for each", f"{1e6 * seconds / found.inferences:.1f} us")
    output.line("line", f"{found.baud} baud, port {found.port}")
    if found.recovered:
        output.line("sent again", f"{found.recovered} times, after damage on the line")
