"""The check: the RTL, simulated, against the golden model; all outputs and the whole trace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic import layers
from golden.arithmetic.sequences import Recurrence
from golden.errors import ElsieError
from golden.format.image import Image, encode
from golden.format.network import Network
from golden.timing.model import RoundModel
from golden.timing.single import TimingModel
from golden.timing.trace import Difference, Trace, compare
from golden.timing.unpack import Counters
from rtl.engine import Engine
from sim import interpreted
from sim.sequences import schedule
from sim.stimuli import Inputs, Step, payloads
from sim.summary import Cycles, Summary
from sim.tracer import trace
from sim.waves.record import Waveforms
from sim.waves.target import Wave


@dataclass(frozen=True, kw_only=True, eq=False)
class Inference:
    """One simulated inference beside its prediction."""

    outputs: NDArray[np.int64]
    """Integer outputs of the RTL, shape (n_out,); of a step (streams, n_out)."""
    expected: NDArray[np.int64]
    """Integer outputs of the golden model's layer arithmetic, of the same shape."""
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
    """Of a recurrent network, steps."""
    sequences: int | None = None
    """How many sequences the steps are of; None of single inputs."""

    @property
    def equal(self) -> bool:
        """Everything agrees."""
        return all(i.outputs_equal and i.trace_equal for i in self.inferences)

    def summary(self, pes: int) -> Summary:
        """The figures; of sequences, what agrees are steps, and cycles are given for a step too."""
        every = self.inferences
        golden = sum(i.expected_trace.cycles for i in every)
        rtl = sum(i.trace.cycles for i in every)

        def mean(count: int) -> Cycles:
            return Cycles(golden=golden / count, rtl=rtl / count)

        single = self.sequences is None
        count = len(every) if self.sequences is None else self.sequences
        return Summary(
            inferences=count,
            steps=None if single else len(every),
            cycles_per_step=None if single else mean(len(every)),
            outputs_equal=sum(i.outputs_equal for i in every),
            trace_equal=sum(i.trace_equal for i in every),
            events=sum(len(events) for i in every for events in i.trace.events.values()),
            cycles_per_inference=mean(count),
            useful_utilisation=sum(i.trace.macs for i in every) / (pes * rtl),
            first_difference=self.first_difference(),
        )

    def first_difference(self) -> str | None:
        """One sentence on the first disagreement, or None."""
        what = "inference" if self.sequences is None else "step"
        for number, one in enumerate(self.inferences):
            if one.difference is not None:
                return f"{what} {number}: {one.difference}"
            if not one.outputs_equal:
                row = int(np.flatnonzero(one.outputs != one.expected)[0])
                return (
                    f"{what} {number}: output {row} is {one.outputs.flat[row]}, "
                    f"expected {one.expected.flat[row]}"
                )
            if one.counters != one.expected_counters:
                return (
                    f"{what} {number}: counters are {one.counters}, "
                    f"expected {one.expected_counters}"
                )
        return None


def simulate(
    network: Network,
    x: ArrayLike,
    *,
    wave: Wave | None = None,
    load: bool = False,
    progress: Callable[[int, int], None] | None = None,
    engine: Callable[..., Engine] = Engine,
    compiled: bool = False,
) -> Simulation:
    """Simulate inferences of real inputs `x` (samples, n_in) and compare them with golden.

    wave: write waveforms there. load: fill the memories over
    the load port instead of at reset. progress: called with (inferences done, all). engine: what to
    simulate. compiled: as C++, for large engines (sim.compiled.run).
    """
    if network.recurrent:
        raise ElsieError("a recurrent network is simulated step by step: simulate_steps")
    image = encode(network)
    inputs = layers.quantise_input(network, x)
    model = TimingModel(image)
    predicted = [model.run(row) for row in inputs]
    expected = layers.forward(network, inputs)[-1]
    return _run(
        network,
        image,
        inputs,
        predicted,
        expected,
        compiled=compiled,
        wave=wave,
        load=load,
        progress=progress,
        engine=engine,
    )


def simulate_sequences(
    network: Network, x: ArrayLike, lengths: ArrayLike | None = None, **options: Any
) -> Simulation:
    """Simulate real sequences `x` (samples, steps, n_in) of a recurrent network, step by step.

    lengths: (samples,), how many steps of each count. options: as of `simulate_steps`.
    """
    steps = schedule(network, layers.quantise_input(network, x), lengths)
    done = simulate_steps(network, steps, **options)
    return replace(done, sequences=len(np.asarray(x)))


def simulate_steps(
    network: Network,
    steps: Sequence[Step],
    *,
    wave: Wave | None = None,
    load: bool = False,
    progress: Callable[[int, int], None] | None = None,
    engine: Callable[..., Engine] = Engine,
    compiled: bool = False,
) -> Simulation:
    """Simulate steps of a recurrent network, states zero at first, and compare them with golden.

    An inference of the result is a step; its outputs have shape (streams, n_out), and are zero
    where no answer was asked for. The others: see `simulate`.
    """
    image = encode(network)
    model, run = RoundModel(image), Recurrence(network, network.config.streams)
    predicted, expected = [], []
    for step in steps:
        predicted.append(model.run(step.x, reset=step.reset, answer=step.answer))
        run.reset(np.array(step.reset, dtype=bool))
        before = run.outputs[-1].copy()
        values = run.step(step.x, answer=step.answer)
        if network.config.delta and network.head is None:
            values = values - before  # differences are handed over
        shape = (network.config.streams, network.n_out)
        expected.append(values if step.answer else np.zeros(shape, dtype=np.int64))
    return _run(
        network,
        image,
        steps,
        predicted,
        expected,
        compiled=compiled,
        wave=wave,
        load=load,
        progress=progress,
        engine=engine,
    )


def _run(
    network: Network,
    image: Image,
    inputs: Inputs,
    predicted: list[tuple[Trace, Counters]],
    expected: Sequence[NDArray[np.int64]] | NDArray[np.int64],
    *,
    compiled: bool,
    wave: Wave | None,
    load: bool,
    progress: Callable[[int, int], None] | None,
    engine: Callable[..., Engine],
) -> Simulation:
    """Run the RTL, which may take twice as long as predicted, and judge every inference."""
    config = image.config
    budget = sum(t.cycles + len(t.events["output"]) + 64 * config.streams for t, _ in predicted)
    budget = 2 * budget + 2 * payloads(config, inputs).size
    budget += 2 * config.row_depth * config.group + 1000
    if config.delta:  # a reset in every step
        size = max(4 * config.act_lists * config.act_depth, config.layers * config.row_depth)
        budget += len(inputs) * size
    if compiled:
        if wave is not None or load or engine is not Engine:
            raise ElsieError("compiled simulation has no waveforms and no load; leave out compiled")
        from sim.compiled import run as backend  # needs a C++ compiler

        records, counters = backend.run(image, inputs, max_cycles=budget)
        found = [trace(config, record) for record in records]
    else:
        found, counters = interpreted.run(
            image,
            inputs,
            max_cycles=budget,
            waveforms=Waveforms(wave=wave, network=network) if wave else None,
            load=load,
            progress=progress,
            engine=engine,
        )
    return Simulation(
        inferences=[
            _judge(network, found[i], counters[i], predicted[i], expected[i])
            for i in range(len(predicted))
        ]
    )


def _judge(
    network: Network,
    got: Trace,
    counters: Counters,
    predicted: tuple[Trace, Counters],
    expected: NDArray[np.int64],
) -> Inference:
    """One inference beside its prediction."""
    config, output = network.config, got.events["output"]
    by_position = np.zeros((config.streams, config.groups * config.act_depth), dtype=np.int64)
    by_position[output[:, 3], output[:, 1]] = output[:, 2]
    outputs = by_position[:, network.layers[-1].position]
    return Inference(
        outputs=outputs if network.recurrent else outputs[0],
        expected=expected,
        trace=got,
        expected_trace=predicted[0],
        counters=counters,
        expected_counters=predicted[1],
        difference=compare(predicted[0], got),
    )
