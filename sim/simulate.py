"""The check: the RTL, simulated, against the golden model; all outputs and the whole trace."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import arithmetic
from golden.image import Image, encode
from golden.network import Network
from golden.timing import Counters, TimingModel
from golden.trace import Difference, Trace, compare
from rtl.engine import Engine
from sim.harness import put
from sim.harness import simulate as run_bench
from sim.load import load_image
from sim.recorder import Recorder
from sim.tracer import inferences
from sim.waves import traces


@dataclass(frozen=True, kw_only=True, eq=False)
class Inference:
    """One simulated inference beside its prediction."""

    outputs: NDArray[np.int64]
    """Integer outputs of the RTL, shape (n_out,)."""
    expected: NDArray[np.int64]
    """Integer outputs of the golden model's layer arithmetic, shape (n_out,)."""
    trace: Trace
    """Events of the RTL."""
    expected_trace: Trace
    """Events of the golden model."""
    counters: Counters
    """The RTL's counters."""
    expected_counters: Counters
    """The golden model's counters."""
    difference: Difference | None
    """First event in which the traces differ."""

    @property
    def outputs_equal(self) -> bool:
        """All outputs agree bit for bit."""
        return bool(np.array_equal(self.outputs, self.expected))

    @property
    def trace_equal(self) -> bool:
        """All events agree, with their cycles, and so do the counters."""
        return self.difference is None and self.counters == self.expected_counters


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """All inferences of one simulation."""

    inferences: list[Inference]

    @property
    def equal(self) -> bool:
        """Everything agrees."""
        return all(i.outputs_equal and i.trace_equal for i in self.inferences)

    def summary(self, pes: int) -> dict[str, Any]:
        """Plain values, for JSON: counts of what agrees, mean cycles, utilisation of the RTL."""
        every = self.inferences
        cycles = {
            "golden": float(np.mean([i.expected_trace.cycles for i in every])),
            "rtl": float(np.mean([i.trace.cycles for i in every])),
        }
        macs = sum(i.trace.macs for i in every)
        return {
            "inferences": len(every),
            "outputs_equal": sum(i.outputs_equal for i in every),
            "trace_equal": sum(i.trace_equal for i in every),
            "events": sum(len(events) for i in every for events in i.trace.events.values()),
            "cycles_per_inference": cycles,
            "useful_utilisation": macs / (pes * sum(i.trace.cycles for i in every)),
            "first_difference": self.first_difference(),
        }

    def first_difference(self) -> str | None:
        """One sentence on the first disagreement, or None."""
        for number, one in enumerate(self.inferences):
            if one.difference is not None:
                return f"inference {number}: {one.difference}"
            if not one.outputs_equal:
                row = int(np.flatnonzero(one.outputs != one.expected)[0])
                return (
                    f"inference {number}: output {row} is {one.outputs[row]}, "
                    f"expected {one.expected[row]}"
                )
            if one.counters != one.expected_counters:
                return (
                    f"inference {number}: counters are {one.counters}, "
                    f"expected {one.expected_counters}"
                )
        return None


def simulate(
    network: Network,
    x: ArrayLike,
    *,
    vcd: str | Path | None = None,
    load: bool = False,
    progress: Callable[[int, int], None] | None = None,
    engine: Callable[..., Engine] = Engine,
) -> Simulation:
    """Simulate inferences of real inputs `x` (samples, n_in) and compare them with golden.

    vcd: write waveforms there, and a GTKWave save file beside them. load: fill the memories over
    the load port instead of at reset. progress: called with (inferences done, all). engine: what to
    simulate.
    """
    image = encode(network)
    inputs = arithmetic.quantise_input(network, x)
    dut = engine(config=network.config, image=None if load else image)
    run = _Recording(Recorder(dut), image if load else None, inputs, progress)
    model = TimingModel(image)
    predicted = [model.run(row) for row in inputs]
    budget = sum(t.cycles + len(t.events["output"]) + 64 for t, _ in predicted)
    budget = 2 * budget + inputs.size + 1000 + (run.load_cycles if load else 0)
    budget += network.config.row_depth * network.config.group
    run_bench(
        run.recorder,
        run.drive,
        processes=[run.record],
        max_cycles=budget,
        vcd=vcd,
        traces=lambda: traces(dut),
    )
    expected = arithmetic.forward(network, inputs)[-1]
    recorded = inferences(network.config, run.words)
    return Simulation(
        inferences=[
            _judge(network, recorded[i], run.counters[i], predicted[i], expected[i])
            for i in range(len(inputs))
        ]
    )


def _judge(
    network: Network,
    trace: Trace,
    counters: Counters,
    predicted: tuple[Trace, Counters],
    expected: NDArray[np.int64],
) -> Inference:
    """One inference beside its prediction."""
    by_position = np.zeros(network.config.groups * network.config.act_depth, dtype=np.int64)
    output = trace.events["output"]
    by_position[output[:, 1]] = output[:, 2]
    return Inference(
        outputs=by_position[network.layers[-1].position],
        expected=expected,
        trace=trace,
        expected_trace=predicted[0],
        counters=counters,
        expected_counters=predicted[1],
        difference=compare(predicted[0], trace),
    )


class _Recording:
    """Feeds an engine and writes down what it shows."""

    def __init__(
        self,
        recorder: Recorder,
        image: Image | None,
        inputs: NDArray[np.int64],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.recorder, self._engine = recorder, recorder.engine
        self._image, self._inputs = image, inputs
        self._progress = progress
        self.words: list[int] = []
        self.counters: list[Counters] = []

    @property
    def load_cycles(self) -> int:
        """At most as many cycles as loading takes."""
        if self._image is None:
            return 0
        image = self._image
        return sum(
            part.size
            for part in (image.entries, image.pointers, image.codebook, image.biases, image.program)
        )

    async def record(self, ctx: Any) -> None:
        """Every cycle's probe word."""
        append = self.words.append
        async for _, _, word in ctx.tick().sample(self.recorder.word):
            append(word)

    async def drive(self, ctx: Any) -> None:
        """Inputs in, results taken at once, counters read."""
        engine = self._engine
        if self._image is not None:
            await load_image(ctx, engine, self._image)
        ctx.set(engine.output.ready, 1)
        for number, row in enumerate(self._inputs):
            for column, value in enumerate(row):
                last = int(column == len(row) - 1)
                await put(ctx, engine.input, {"value": int(value), "last": last})
            await ctx.tick().until(engine.done)
            fields = ctx.get(engine.counters)
            self.counters.append(
                Counters(
                    cycles=fields.cycles,
                    macs=fields.macs,
                    stalls=fields.stalls,
                    starved=fields.starved,
                )
            )
            if self._progress is not None:
                self._progress(number + 1, len(self._inputs))
        await ctx.tick()  # the last word is recorded a cycle late
