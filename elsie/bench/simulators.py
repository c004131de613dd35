"""Compiled against interpreted simulation: cycles a second with all events recorded, in one run."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from elsie.bench.synthetic import dense_input, random_network
from golden.arithmetic.sequences import Step
from golden.config import EngineConfig
from golden.format.image import encode
from golden.record import Record
from golden.timing.model import TimingModel
from golden.timing.trace import compare
from rtl.engine import Engine
from sim import interpreted
from sim.compiled import run as compiled
from sim.compiled.program import program
from sim.tracer import trace

_SIZE = 256
"""Inputs and outputs of the layer."""
_DENSITY = 0.1
_INTERPRETED = 3
"""Inferences in Amaranth's simulator; the first is not timed, it sets up the simulation."""
_SECONDS = 4.0
"""Least time that the compiled simulation is timed for."""


@dataclass(frozen=True, kw_only=True)
class Rates(Record):
    """Two simulators side by side."""

    pes: int
    """Processing elements of the engine."""
    interpreted_cycles_per_second: float
    """Amaranth's simulator."""
    compiled_cycles_per_second: float
    """The engine as C++."""
    ratio: float
    """How many times faster the second is."""
    compiled_cycles: int
    """Cycles that the second was timed for."""
    compile_seconds: float
    """Compiling the program; next to nothing when the cache has it."""
    trace_equal: bool
    """All events of both are golden's."""


def measure(*, pes: int, progress: Callable[[str], None]) -> Rates:
    """Rates of both simulators on the same inferences, and whether they saw the same events.

    Cycles are counted from the first input to the last output. The compiled time is that of the
    whole program: loading the memories, simulating, writing and reading back every record. Only
    compiling it, which happens once for each configuration, is given separately.
    """
    rows = -(-_SIZE // pes)
    config = EngineConfig(
        pes=pes,
        group=4,
        queue_depth=16,
        entry_depth=1 << round(_SIZE * _SIZE * _DENSITY / pes).bit_length() + 1,
        column_depth=2 * _SIZE,
        row_depth=rows,
        act_depth=max(_SIZE, 4 * rows),
        bias_depth=4 * rows,
        acc_width=40,
        layers=2,
    )
    image = encode(random_network(config, name="random", sizes=(_SIZE, _SIZE), density=_DENSITY))
    x = dense_input(_SIZE, width=config.act_width, seed=2)
    expected, _ = TimingModel(image).run(x)
    step = Step(x=x[None], reset=(True,))

    progress("interpreted simulation")
    ends: list[float] = []
    records, _ = interpreted.run(
        image,
        [step] * _INTERPRETED,
        max_cycles=1_000_000,
        waveforms=None,
        load=False,
        progress=lambda done, total: ends.append(time.perf_counter()),
        engine=Engine,
    )
    cycles = _SIZE + int(expected.events["done"][0, 0])
    slow = cycles * (_INTERPRETED - 1) / (ends[-1] - ends[0])

    progress("compiling (kept in a cache)")
    begin = time.perf_counter()
    program(config)
    making = time.perf_counter() - begin
    progress("compiled simulation")
    number = 1
    while True:
        begin = time.perf_counter()
        found, _ = compiled.run(image, [step] * number, max_cycles=2 * cycles * number)
        seconds = time.perf_counter() - begin
        if seconds >= _SECONDS:
            break
        number = max(2 * number, round(1.3 * number * _SECONDS / seconds))
    fast = cycles * number / seconds
    traces = [*records, trace(config, found[0]), trace(config, found[-1])]
    return Rates(
        pes=pes,
        interpreted_cycles_per_second=slow,
        compiled_cycles_per_second=fast,
        ratio=fast / slow,
        compiled_cycles=cycles * number,
        compile_seconds=making,
        trace_equal=all(compare(expected, one) is None for one in traces),
    )
