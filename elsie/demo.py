"""The main job, end to end, on the digits example."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Imported before there are two threads: simulate and build both import Amaranth, and one thread
# would see what the other has only half imported.
import boards.build
import boards.gateware.top  # noqa: F401
from boards.report import BuildReport
from elsie import api
from elsie.data import load_data
from golden.format.network import Network
from sim.check import Simulation
from sim.summary import Summary

DIGITS = Path(__file__).resolve().parent / "examples" / "digits"
"""The example, where a wheel has it; a checkout has it beside the packages."""
if not DIGITS.exists():
    DIGITS = Path(__file__).resolve().parents[1] / "examples" / "digits"

DENSITY, EFFORT = 0.15, "best"
"""The most accurate of four settings on held-out training digits: python -m
examples.compression.choices --only demo."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Demo:
    """The results of the demo."""

    network: Network
    """The compiled network."""
    accuracy: Mapping[str, float]
    """Percent, for the dense network and after each step of compression."""
    simulation: Summary
    """The RTL beside the golden model."""
    report: BuildReport
    """The build's report."""
    bitstream: Path
    """Where the bitstream is."""

    @property
    def held(self) -> bool:
        """All outputs and traces agreed; a failed build has raised an error before."""
        return self.simulation.equal

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        rtl = self.simulation.to_dict()
        shared = ("cycles_per_inference", "useful_utilisation")
        return {
            "accuracy": self.accuracy,
            "compression_ratio": self.network.info.compression_ratio,
            "size_bits": self.network.info.size_bits.to_dict(),
            **{name: rtl.pop(name) for name in shared},
            "rtl": rtl,
            "build": {**self.report.to_dict(), "bitstream": str(self.bitstream)},
        }


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

    Raises ElsieError when the example is missing or a step fails.
    """
    network = api.compile(
        DIGITS / "digits.onnx",
        calibration=DIGITS / "calibrate.npz",
        board=board,
        weights=weights,
        density=DENSITY,
        effort=EFFORT,
        evaluate=DIGITS / "test.npz",
        progress=say,
    )
    x, _, _ = load_data(DIGITS / "test.npz", network)
    out.mkdir(parents=True, exist_ok=True)
    api.save(network, out / "digits.elsie")
    # The build is in front, so that Ctrl-C reaches the tool that runs; the simulation is a daemon,
    # so that it does not outlive an interrupted build.
    simulating: Future[Simulation] = Future()
    arguments = (simulating, network, x[:inferences], progress)
    Thread(target=_fulfil, args=arguments, daemon=True).start()
    report = api.build(network, board, out=out / board, seed=seed, progress=say)
    return Demo(
        network=network,
        accuracy=network.info.figures["accuracy"],
        simulation=simulating.result().summary(network.config.pes),
        report=report,
        bitstream=out / board / report.bitstream,
    )


def _fulfil(
    future: Future[Simulation],
    network: Network,
    inputs: NDArray[np.float64],
    progress: Callable[[int, int], None],
) -> None:
    """Simulate and put the result, or the exception, into `future`."""
    try:
        future.set_result(api.simulate(network, inputs, progress=progress))
    except BaseException as error:
        future.set_exception(error)
