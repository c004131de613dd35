"""The check: simulated RTL against the golden model, all outputs and the whole trace."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.run import Runner
from golden.arithmetic.sequences import Sequences, Step, interleave, quantise_input
from golden.errors import ArgumentError
from golden.format.image import Image, encode
from golden.format.network import Network
from golden.timing.model import TimingModel
from golden.timing.trace import Trace, compare
from golden.timing.unpack import Counters
from rtl.engine import Engine
from sim import interpreted
from sim.simulation import Inference, Simulation
from sim.stimuli import payloads
from sim.tracer import trace
from sim.waves.record import Waveforms
from sim.waves.target import Wave


def simulate(
    network: Network,
    x: ArrayLike,
    lengths: ArrayLike | None = None,
    *,
    wave: Wave | None = None,
    load: bool = False,
    progress: Callable[[int, int], None] | None = None,
    engine: Callable[..., Engine] = Engine,
    compiled: bool = False,
) -> Simulation:
    """Simulate real inputs `x` (samples, n_in) and compare everything with golden.

    For a recurrent network, `x` has sequences (samples, steps, n_in), of which `lengths` (samples,)
    steps count. For the other arguments see `simulate_steps`.
    """
    given = Sequences.of(network, quantise_input(network, x), lengths)
    done = simulate_steps(
        network,
        interleave(network, given),
        wave=wave,
        load=load,
        progress=progress,
        engine=engine,
        compiled=compiled,
    )
    return done if given.single else replace(done, sequences=len(given.x))


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
    """Simulate steps of any network, states zero at first, and compare them with golden.

    wave: write waveforms there. load: fill the memories over the load port instead of at reset.
    progress: called with (steps done, all). engine: what to simulate. compiled: as C++, for large
    engines (sim.compiled.run).
    """
    image = encode(network)
    predicted, expected = predict(network, image, steps)
    limit = budget(image, steps, predicted)
    if compiled:
        if wave is not None or load or engine is not Engine:
            raise ArgumentError(
                "compiled simulation has neither waveforms nor loading; leave out `compiled`"
            )
        from sim.compiled import run as backend  # needs a C++ compiler

        records, counters = backend.run(image, steps, max_cycles=limit)
        found = [trace(image.config, record) for record in records]
    else:
        found, counters = interpreted.run(
            image,
            steps,
            max_cycles=limit,
            waveforms=Waveforms(wave=wave, network=network) if wave else None,
            load=load,
            progress=progress,
            engine=engine,
        )
    return Simulation(
        inferences=[
            _judge(network, found[i], counters[i], predicted[i], expected[i])
            for i in range(len(steps))
        ]
    )


def predict(
    network: Network, image: Image, steps: Sequence[Step]
) -> tuple[list[tuple[Trace, Counters]], list[NDArray[np.int64]]]:
    """Golden's traces and counters, and the outputs that are handed over, each (streams, n_out)."""
    model, run = TimingModel(image), Runner(network, network.config.streams)
    predicted, expected = [], []
    for step in steps:
        predicted.append(model.run(step.x, reset=step.reset, answer=step.answer))
        run.reset(step.reset)
        before = run.outputs[-1].copy()
        values = run.step(step.x, answer=step.answer)
        if network.config.delta and network.head is None:
            values = values - before  # differences are handed over
        expected.append(values if step.answer else np.zeros_like(before))
    return predicted, expected


def budget(image: Image, steps: Sequence[Step], predicted: list[tuple[Trace, Counters]]) -> int:
    """Cycles after which the simulation gives up: about twice the prediction."""
    config = image.config
    limit = sum(t.cycles + len(t.events["output"]) + 64 * config.streams for t, _ in predicted)
    limit = 2 * limit + 2 * config.items_per_input * payloads(config, steps, image.input_shape).size
    limit += 2 * config.row_depth * config.group + 1000
    if config.delta:  # a reset in every step
        size = max(4 * config.act_lists * config.act_depth, config.layers * config.row_depth)
        limit += len(steps) * size
    return limit


def _judge(
    network: Network,
    got: Trace,
    counters: Counters,
    predicted: tuple[Trace, Counters],
    expected: NDArray[np.int64],
) -> Inference:
    """One step beside its prediction."""
    config, output = network.config, got.events["output"]
    by_position = np.zeros((config.streams, config.groups * config.act_depth), dtype=np.int64)
    by_position[output[:, 3], output[:, 1]] = output[:, 2]
    return Inference(
        outputs=by_position[:, network.layers[-1].position],
        expected=expected,
        trace=got,
        expected_trace=predicted[0],
        counters=counters,
        expected_counters=predicted[1],
        difference=compare(predicted[0], got),
    )
