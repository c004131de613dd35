"""The steps from a trained model to a bitstream, one function each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elsie.compiling import compile
from elsie.prediction import Prediction, Timing
from golden.arithmetic import layers
from golden.arithmetic import sequences as recurrence
from golden.errors import ElsieError
from golden.format import netfile
from golden.format.image import encode
from golden.format.network import Network
from golden.presets import check_answers, check_fits
from golden.timing.model import RoundModel
from golden.timing.single import TimingModel
from sim.waves.target import CLOCK_MHZ, Wave

__all__ = ["build", "compile", "load", "predict", "save", "simulate"]

load = netfile.load
save = netfile.save


def predict(
    network: Network, x: ArrayLike, *, lengths: ArrayLike | None = None, timing: int = 0
) -> Prediction:
    """Outputs for real inputs `x` (samples, n_in), from the golden model.

    Of a recurrent network: for sequences (samples, steps, n_in), of which `lengths` (samples,)
    steps count. timing: also predict the cycles of this many of them. Raises ElsieError for inputs
    of the wrong shape.
    """
    _check_lengths(network, lengths)
    if network.recurrent:
        outputs = recurrence.predict(network, x, lengths)
    else:
        outputs = layers.predict(network, x)
    time = _time_steps if network.recurrent else _time
    return Prediction(outputs=outputs, timing=time(network, x, lengths, timing) if timing else None)


def _check_lengths(network: Network, lengths: ArrayLike | None) -> None:
    if lengths is not None and not network.recurrent:
        raise ElsieError(f"network {network.name} takes no sequences; leave out lengths")


def _time(network: Network, x: ArrayLike, _: ArrayLike | None, samples: int) -> Timing:
    """Run the timing model on the first `samples` inputs."""
    model = TimingModel(encode(network))
    inputs = layers.quantise_input(network, x)[:samples]
    counters = [model.run(row)[1] for row in inputs]
    return _timing(network, len(inputs), counters)


def _time_steps(network: Network, x: ArrayLike, lengths: ArrayLike | None, samples: int) -> Timing:
    """Run the timing model on the first `samples` sequences."""
    from sim.sequences import schedule

    model = RoundModel(encode(network))
    inputs = layers.quantise_input(network, x)[:samples]
    steps = schedule(network, inputs, _first(lengths, samples))
    counters = [model.run(step.x, reset=step.reset, answer=step.answer)[1] for step in steps]
    return _timing(network, len(inputs), counters)


def _first(lengths: ArrayLike | None, samples: int) -> ArrayLike | None:
    return None if lengths is None else np.asarray(lengths)[:samples]


def _timing(network: Network, samples: int, counters: list[Any]) -> Timing:
    cycles = sum(c.cycles for c in counters)
    return Timing(
        samples=samples,
        cycles=cycles / samples,
        useful_utilisation=sum(c.macs for c in counters) / (network.config.pes * cycles),
        steps=len(counters) if network.recurrent else None,
    )


def simulate(
    network: Network,
    x: ArrayLike,
    *,
    lengths: ArrayLike | None = None,
    wave: str | Path | None = None,
    clock_mhz: float = CLOCK_MHZ,
    compiled: bool = False,
    progress: Callable[[int, int], None] | None = None,
):
    """Run the RTL on real inputs `x` (samples, n_in) and compare it with the golden model.

    Of a recurrent network: on sequences (samples, steps, n_in), of which `lengths` (samples,) steps
    count; every step is compared. wave: write waveforms to this file, .vcd or .fst; their clock has
    `clock_mhz`. compiled: as C++, some hundred times faster, which needs a C++ compiler and first
    some seconds (small engines) or minutes (large ones). progress: called with (inferences or steps
    done, all). Returns a sim.check.Simulation, whose `equal` says whether all outputs and all
    events agree.
    """
    from sim import check as run  # imports Amaranth

    _check_lengths(network, lengths)
    target = None if wave is None else Wave(file=Path(wave), clock_mhz=clock_mhz)
    options: Any = {"wave": target, "compiled": compiled, "progress": progress}
    if network.recurrent:
        return run.simulate_sequences(network, x, lengths, **options)
    return run.simulate(network, x, **options)


def build(
    network: Network,
    board: str,
    *,
    out: str | Path,
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
):
    """Make a bitstream with `network` in its memories, which classifies over a serial line.

    out: directory for the bitstream and report.json, and for load.bin where the entries are in
    SPRAM: the host sends it before the first vector (docs/boards.md). seed: of place and route.
    Returns a boards.report.BuildReport. Raises ElsieError when the network does not fit the board,
    its clock is not reached, or a tool is missing.
    """
    from boards import registry
    from boards.build import build as run
    from boards.gateware.top import BoardTop

    chosen = registry.find(board)
    check_answers(network)  # before there is a design, whose loss would be a warning
    check_fits(network.config, chosen.preset, what=f"network {network.name}")
    top = BoardTop(network=network, divisor=chosen.divisor())
    return run(top, board, out=out, seed=seed, progress=progress)
