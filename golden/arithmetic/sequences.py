"""Inputs of any network as sequences, and the order in which their steps run.

A sample of a network without a state is a sequence of one step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.powers import rounded
from golden.errors import ElsieError
from golden.format.network import Network
from golden.kinds import ActCode
from golden.maps.inputs import channels_first, described, flattened

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One step of all streams of an engine."""

    x: Ints
    """Integer inputs, shape (streams, n_in)."""
    reset: tuple[bool, ...]
    """Of each stream: its state is zero before this step."""
    answer: bool = True
    """The head runs, and results are handed over."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequences:
    """Integer inputs of one network; each sequence begins with all states zero."""

    x: Ints
    """Shape (samples, steps, n_in)."""
    lengths: Ints
    """How many steps of each sequence count, shape (samples,)."""
    single: bool
    """The samples came as single vectors, for a network without a state."""

    @classmethod
    def of(cls, network: Network, x: ArrayLike, lengths: ArrayLike | None = None) -> "Sequences":
        """Integer inputs (samples, n_in), or of a recurrent network (samples, steps, n_in).

        lengths: (samples,), how many steps of each count; all when left out. Raises ElsieError when
        they do not fit, or when the network takes no sequences.
        """
        inputs = np.asarray(x, dtype=np.int64)
        if network.recurrent:
            last = check_lengths(lengths, samples=len(inputs), steps=inputs.shape[1])
            return cls(x=inputs, lengths=last, single=False)
        if lengths is not None:
            raise ElsieError(f"network {network.name} takes no sequences; leave out lengths")
        return cls(x=inputs[:, None], lengths=np.ones(len(inputs), dtype=np.int64), single=True)


def quantise_input(network: Network, x: ArrayLike) -> Ints:
    """Real inputs (samples, n_in) to integer activations: scale, round half to even, saturate.

    Where each is sent as one power: round to the nearest that there is. Samples of maps come as
    golden.maps.inputs.flattened says; inputs of a recurrent network have shape (samples, steps,
    n_in). Raises ElsieError for a wrong shape or a value that
    is not finite.
    """
    config, scaled = network.config, _scaled(network, x)
    limit = 1 << (config.act_width - 1)
    if config.act_code is ActCode.LINEAR or config.input_terms > 1:
        return np.clip(np.rint(scaled), -limit, limit - 1).astype(np.int64)
    return rounded(np.clip(scaled, -limit, limit), config.input_powers)


def clipped(network: Network, x: ArrayLike) -> float:
    """The share of the inputs (see `quantise_input`) that an engine cuts by more than an eighth."""
    limit = 1 << (network.config.act_width - 1)
    return float(np.mean(np.abs(_scaled(network, x)) > 1.125 * limit))


def largest_input(network: Network, x: ArrayLike) -> float:
    """The largest magnitude of inputs, as a share of what the engine's inputs hold."""
    limit = 1 << (network.config.act_width - 1)
    return float(np.abs(_scaled(network, x)).max()) / limit


def _scaled(network: Network, x: ArrayLike) -> NDArray[np.float64]:
    """Checked inputs in units of the integers, neither rounded nor saturated."""
    try:
        real = np.asarray(x, dtype=np.float64)
    except (ValueError, TypeError):
        raise ElsieError(
            "input is not an array of numbers; pad sequences to (samples, steps, n_in) "
            "and give lengths"
        ) from None
    if network.input_shape:
        real = in_order(network, real)
    axes = ("samples", "steps") if network.recurrent else ("samples",)
    if real.ndim != 1 + len(axes) or real.shape[-1] != network.n_in:
        raise ElsieError(
            f"input has shape {real.shape}, but network {network.name} takes "
            f"({', '.join(axes)}, {network.n_in})"
        )
    if not real.size:
        raise ElsieError("input has no samples; give at least one")
    if not np.isfinite(real).all():
        raise ElsieError("input has values that are NaN or infinite; remove them first")
    with np.errstate(over="ignore"):  # what is too large saturates anyway
        return np.ldexp(real, network.input_frac or network.layers[0].in_frac)


def in_order(network: Network, real: NDArray[np.float64]) -> NDArray[np.float64]:
    """Samples of a network whose input is a map, flat, channels first.

    Raises ElsieError where they do not fit (golden.maps.inputs.flattened).
    """
    shape, axes = network.input_shape, network.input_axes
    found = flattened(real, shape, axes) if real.ndim > 1 else None
    if found is None:
        raise ElsieError(
            f"input has shape {real.shape}, but network {network.name} takes "
            f"{described(shape, axes)}"
        )
    return channels_first(found, shape, axes)


def check_lengths(lengths: ArrayLike | None, *, samples: int, steps: int) -> Ints:
    """Steps of each sample, shape (samples,); all of them when not given.

    Raises ElsieError when they do not fit the data.
    """
    if lengths is None:
        return np.full(samples, steps, dtype=np.int64)
    found = np.asarray(lengths)
    if found.shape != (samples,) or found.dtype.kind not in "iu":
        raise ElsieError(f"lengths must be {samples} integers, one for each sample")
    if found.min() < 1 or found.max() > steps:
        raise ElsieError(f"lengths must be from 1 to the number of steps, {steps}")
    return found.astype(np.int64)


def interleave(network: Network, sequences: Sequences) -> list[Step]:
    """The steps that run all sequences on the streams of the network's engine.

    Each stream takes the next sequence when it has finished one; a stream without one idles on
    zeros. With a head an answer is requested when a sequence ends, and then all streams give one.
    """
    x, last = sequences.x, sequences.lengths
    streams, waiting = network.config.streams, list(range(len(x)))[::-1]
    running: list[tuple[int, int] | None] = [None] * streams
    found: list[Step] = []
    while True:
        for stream, now in enumerate(running):
            if now is None or now[1] == last[now[0]]:
                running[stream] = (waiting.pop(), 0) if waiting else None
        if not any(running):
            return found
        inputs = np.zeros((streams, network.n_in), dtype=np.int64)
        for stream, now in enumerate(running):
            if now is not None:
                inputs[stream] = x[now[0], now[1]]
        ends = any(now is not None and now[1] + 1 == last[now[0]] for now in running)
        found.append(
            Step(
                x=inputs,
                reset=tuple(now is None or now[1] == 0 for now in running),
                answer=network.head is None or ends,
            )
        )
        running = [now and (now[0], now[1] + 1) for now in running]
