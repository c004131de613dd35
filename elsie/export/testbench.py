"""A folder with the engine, a testbench, inputs and expected results; it needs a simulator only."""

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elsie.export.verilog import translate
from golden.arithmetic.sequences import Sequences, Step, interleave, quantise_input
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from golden.kinds import EntryMemory

FOLDER = Path(__file__).parent
FILES = ("testbench.v", "Makefile")
"""What is the same for all engines; beside this file."""


def write_testbench(
    network: Network, x: ArrayLike, folder: str | Path, *, lengths: ArrayLike | None = None
) -> None:
    """Write a folder in which `make` simulates the engine on real inputs `x` (samples, n_in).

    For a recurrent network, `x` has sequences (samples, steps, n_in), of which `lengths` (samples,)
    steps count. For the folder, and what is refused, see `write_steps`.
    """
    given = Sequences.of(network, quantise_input(network, x), lengths)
    write_steps(network, interleave(network, given), folder)


def write_steps(network: Network, steps: Sequence[Step], folder: str | Path) -> None:
    """Write a folder in which `make` simulates the engine on `steps` and compares it with golden.

    engine.v, testbench.v, parameters.vh (sizes), inputs.hex, expected.hex (of each step, outputs by
    stream and position), counters.hex (of each step, cycles, macs, stalls, starved, and the cycle
    of done), Makefile; load.hex, words for the load port, where the entries are in SPRAM. Raises
    ElsieError when there are no steps, the folder exists, Yosys is missing, or it cannot be
    written.
    """
    from toolchain import stopping
    from toolchain.scratch import scratch

    target = Path(folder).absolute()
    if not steps:
        raise ElsieError("a testbench needs at least one step")
    if target.exists():
        raise ElsieError(f"{folder}: already exists; name a new folder")
    if not target.parent.is_dir():
        raise ElsieError(f"{folder}: its directory does not exist; make it first")
    # Beside the target, so that a single rename moves it there.
    with scratch(target.parent) as work:
        made = work / "made"
        made.mkdir()
        translate(network, work)
        shutil.move(work / "out.v", made / "engine.v")
        for file in FILES:
            shutil.copyfile(FOLDER / file, made / file)
        _write_vectors(network, steps, made)
        stopping.check()
        os.replace(made, target)


def _write_vectors(network: Network, steps: Sequence[Step], made: Path) -> None:
    """parameters.vh and the .hex files."""
    from rtl.layouts import input_layout, output_layout
    from rtl.load import load_layout
    from sim.check import budget, predict
    from sim.load import load_words
    from sim.stimuli import payloads

    config, image = network.config, encode(network)
    predicted, outputs = predict(network, image, steps)
    inputs = payloads(config, steps, network.input_shape)
    layout = load_layout(config)
    load = config.entry_memory is EntryMemory.SPRAM
    loads = [layout.const({**word}).as_bits() for word in load_words(image)] if load else []
    parameters = {
        "STEPS": len(steps),
        "INPUTS": inputs.shape[1],
        "STREAMS": config.streams,
        "INPUT_WIDTH": input_layout(config).size,
        "OUTPUT_WIDTH": output_layout(config).size,
        "POSITION_WIDTH": config.position_width,
        "ACT_WIDTH": config.act_width,
        "LOAD_WIDTH": layout.size,
        "LOADS": len(loads),
        "LIMIT": budget(image, steps, predicted),
    }
    lines = [f"localparam {name} = {value};\n" for name, value in parameters.items()]
    (made / "parameters.vh").write_text("".join(lines))
    mask = (1 << config.act_width) - 1
    by_position = np.zeros((len(steps), config.streams, 1 << config.position_width), dtype=np.int64)
    by_position[:, :, network.layers[-1].position] = np.stack(outputs) & mask
    counters = [
        word
        for trace, counts in predicted
        for word in (*_counts(counts), int(trace.events["done"][0, 0]))
    ]
    _write(made / "inputs.hex", inputs.reshape(-1))
    _write(made / "expected.hex", by_position.reshape(-1))
    _write(made / "counters.hex", counters)
    if loads:
        _write(made / "load.hex", loads)


def _counts(counters: Any) -> tuple[int, ...]:
    """In the order of rtl.layouts.counters_layout."""
    return counters.cycles, counters.macs, counters.stalls, counters.starved


def _write(path: Path, words: Iterable[int]) -> None:
    """A word a line, in hexadecimal, for $readmemh."""
    path.write_text("".join(f"{int(word):x}\n" for word in words))
