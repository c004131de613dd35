"""The main job, end to end, on the digits example."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from elsie import api
from elsie.data import load_data
from golden.errors import ElsieError
from golden.format.network import Network

DIGITS = Path(__file__).resolve().parent.parent / "examples" / "digits"


@dataclass(frozen=True, kw_only=True, eq=False)
class Demo:
    """What the demo found."""

    network: Network
    """The compiled network."""
    values: dict[str, Any]
    """Everything, for JSON."""
    report: Any
    """The build's report."""

    @property
    def held(self) -> bool:
        """All outputs and traces agreed; a build that fails has raised before."""
        rtl = self.values["rtl"]
        return rtl["outputs_equal"] == rtl["trace_equal"] == rtl["inferences"]


def demo(
    *,
    board: str,
    weights: str,
    inferences: int,
    out: Path,
    seed: int,
    say: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> Demo:
    """Compile, predict, simulate and build; place and route runs beside the simulation.

    Raises ElsieError when the example is not there, or a step fails.
    """
    if not (DIGITS / "test.npz").exists():
        raise ElsieError(
            f"{DIGITS}: the example is not here; run the demo from a clone of the repository"
        )
    network = api.compile(
        DIGITS / "digits-pruned.onnx",
        calibration=DIGITS / "calibrate.npz",
        board=board,
        weights=weights,
        evaluate=DIGITS / "test.npz",
        progress=say,
    )
    x, _, y = load_data(DIGITS / "test.npz", network)
    inputs = x[:inferences]
    out.mkdir(parents=True, exist_ok=True)
    api.save(network, out / "digits.elsie")
    # The build is in front, so that Ctrl-C reaches the tool that runs; the simulation is a daemon,
    # so that it does not outlive an interrupted build.
    simulating: Future[Any] = Future()
    Thread(target=_fulfil, args=(simulating, network, inputs, progress), daemon=True).start()
    report = api.build(network, board, out=out / board, seed=seed, progress=say)
    simulation = simulating.result()
    rtl = simulation.summary(network.config.pes)
    values = {
        "accuracy": {**network.info["accuracy"], "float": _dense_accuracy(x, y)},
        "compression_ratio": network.info["compression_ratio"],
        "size_bits": network.info["size_bits"],
        "cycles_per_inference": rtl["cycles_per_inference"],
        "useful_utilisation": rtl["useful_utilisation"],
        "rtl": {
            name: rtl[name]
            for name in ("inferences", "outputs_equal", "trace_equal", "events", "first_difference")
        },
        "build": {**report.to_dict(), "bitstream": str(out / board / report.bitstream)},
    }
    return Demo(network=network, values=values, report=report)


def _fulfil(
    future: "Future[Any]", network: Network, inputs: Any, progress: Callable[[int, int], None]
) -> None:
    """Simulate and put the result, or the exception, into `future`."""
    try:
        future.set_result(api.simulate(network, inputs, progress=progress))
    except BaseException as error:
        future.set_exception(error)


def _dense_accuracy(x: Any, y: Any) -> float:
    """Accuracy of the network before pruning, in float."""
    from elsie.compress.onnx.registry import load_onnx
    from elsie.prediction import accuracy

    return accuracy(load_onnx(DIGITS / "digits.onnx").predict(x).argmax(axis=1), y)
