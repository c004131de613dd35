"""Sequences on the streams of an engine: which step of which runs when."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.sequences import check_lengths
from golden.format.network import Network
from sim.stimuli import Step


def schedule(
    network: Network, x: NDArray[np.int64], lengths: ArrayLike | None = None
) -> list[Step]:
    """Steps that run integer sequences `x` (samples, steps, n_in), of which `lengths` count.

    Each stream takes the next sequence when it has done one; a stream without one idles on zeros.
    With a head an answer is asked for when a sequence ends, and then all streams give one.
    Raises ElsieError for lengths that do not fit.
    """
    last = check_lengths(lengths, samples=len(x), steps=x.shape[1])
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
