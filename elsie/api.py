"""The steps from a trained model to a bitstream, one function each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from elsie.compiling import compile
from elsie.compress.search.cycles import counters
from elsie.options import whole
from elsie.prediction import Prediction, Timing
from elsie.profiling.cycles import LayerCycles, layer_cycles
from golden.arithmetic import run
from golden.arithmetic.sequences import (
    Sequences,
    clipped,
    largest_input,
    quantise_input,
)
from golden.errors import DoesNotFit
from golden.format import netfile
from golden.format.image import encode
from golden.format.network import Network
from golden.presets import check_answers, check_fits
from golden.timing.model import TimingModel
from golden.timing.unpack import Counters
from sim.simulation import Simulation
from sim.waves.target import CLOCK_MHZ, Wave
from toolchain.scratch import replacing

if TYPE_CHECKING:
    from boards.report import BuildReport

__all__ = ["build", "compile", "load", "predict", "save", "simulate"]


def load(path: str | Path) -> Network:
    """Read a NET file. Raises ElsieError that names the file and what is wrong with it."""
    return netfile.load(path)


def save(network: Network, path: str | Path) -> None:
    """Write `network` to a NET file, whole or not at all; equal networks give equal bytes.

    Raises ElsieError when it cannot be written.
    """
    with replacing(Path(path)) as part:
        part.write_bytes(netfile.dump(network))


def predict(
    network: Network, x: ArrayLike, *, lengths: ArrayLike | None = None, timing: int = 0
) -> Prediction:
    """Outputs for real inputs `x` (samples, n_in), from the golden model.

    For a recurrent network, `x` has sequences (samples, steps, n_in), of which `lengths` (samples,)
    steps count. timing: also predict the cycles of this many of them, 0 for none. Raises ElsieError
    for inputs of the wrong shape.
    """
    count = whole(timing, "timing", least=0)
    outputs, time = run.predict(network, x, lengths), None
    if count:
        given = Sequences.of(network, quantise_input(network, x), lengths)
        time = _time(network, given, count)
    return Prediction(
        outputs=outputs,
        timing=time,
        clipped=clipped(network, x),
        largest_input=largest_input(network, x),
    )


def _time(network: Network, given: Sequences, samples: int) -> Timing:
    """Run the timing model on the first `samples` sequences."""
    first = replace(given, x=given.x[:samples], lengths=given.lengths[:samples])
    count, layers = len(first.x), ()
    if network.maps:
        steps, layers = _on_maps(network, first)
    else:
        steps = counters(network, given, samples)
    cycles, macs = sum(one.cycles for one in steps), sum(one.macs for one in steps)
    return Timing(
        samples=count,
        cycles=cycles / count,
        useful_utilisation=macs / (network.config.pes * cycles),
        sent=macs / _every_mac(network, first) if network.config.delta else None,
        steps=None if given.single else len(steps),
        layers=layers,
    )


def _on_maps(network: Network, given: Sequences) -> tuple[list[Counters], tuple[LayerCycles, ...]]:
    """Counters of each inference, and where the cycles of the first go."""
    image = encode(network)
    model = TimingModel(image)
    traces, steps = zip(*(model.run(x) for x in given.x), strict=True)
    return list(steps), layer_cycles(network, image, traces[0])


def _every_mac(network: Network, given: Sequences) -> int:
    """MACs if every input and output were sent: the head's once, the others' in every step."""
    sizes = [layer.nnz for layer in network.layers]
    head = len(sizes) if network.head is None else network.head
    return sum(sizes[:head]) * int(given.lengths.sum()) + sum(sizes[head:]) * len(given.x)


def simulate(
    network: Network,
    x: ArrayLike,
    *,
    lengths: ArrayLike | None = None,
    wave: str | Path | None = None,
    clock_mhz: float = CLOCK_MHZ,
    compiled: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Simulation:
    """Run the RTL on real inputs `x` (samples, n_in) and compare it with the golden model.

    For a recurrent network, `x` has sequences (samples, steps, n_in), of which `lengths` (samples,)
    steps count; every step is compared. wave: write waveforms to this file, .vcd or .fst; their
    clock runs at `clock_mhz`. compiled: as C++, some hundred times faster; this needs a C++
    compiler, and at first some seconds (small engines) or minutes (large ones). progress: called
    with (inferences or steps done, all). `equal` of the result says whether all outputs and all
    events agree.
    """
    from sim import check  # imports Amaranth

    target = None if wave is None else Wave(file=Path(wave), clock_mhz=clock_mhz)
    return check.simulate(network, x, lengths, wave=target, compiled=compiled, progress=progress)


def build(
    network: Network,
    board: str,
    *,
    out: str | Path,
    seed: int = 1,
    seeds: int = 1,
    best: bool = False,
    clock_mhz: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> "BuildReport":
    """Make a bitstream with `network` in its memories, which a host runs over a serial line.

    out: directory for the bitstream and report.json. Entries in SPRAM are loaded by the host, each
    time the board has been configured (docs/boards.md). seed: of place and route, or the
    first of `seeds`, which are tried until one meets the clock; with `best` all are, and the
    fastest is taken. clock_mhz: another clock than the board's, if its PLL can make it.
    Raises ElsieError when the network does not fit the board, its clock is not reached, or a
    tool is missing.
    """
    from boards import registry
    from boards.build import build as make
    from boards.gateware.top import BoardTop
    from boards.seeds import Seeds

    chosen = registry.find(board).at(clock_mhz)
    count, first = whole(seeds, "seeds", least=1), whole(seed, "seed", least=1)
    tried = Seeds(first=first, count=count, every=best)
    check_answers(network)  # before there is a design: an unused one would cause a warning
    before = network.report and network.report.board
    remedy = f"it was compiled {f'for {before}' if before else 'without --board'}: compile it with "
    try:
        check_fits(network.config, chosen.preset, what=f"network {network.name}")
    except DoesNotFit as error:
        raise DoesNotFit(error.fact, f"{remedy}--board {board}") from None
    if progress and before not in (None, board):
        progress(f"note: {remedy}--board {board} if this does not fit or is too slow")
    top = BoardTop(
        network=network,
        clock_hz=chosen.clock_hz,
        divisor=chosen.divisor(),
        buffer=chosen.family.link_buffer,
    )
    return make(top, chosen, out=out, seeds=tried, progress=progress)
