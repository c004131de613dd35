"""Runs inferences, whatever happens on the line."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from boards.link.protocol import Command, State
from elsie.host.errors import BoardError, Interrupted, WrongNetwork
from elsie.host.link import Link
from elsie.host.loading import RETRIES
from elsie.host.packing import Packing, Result
from golden.arithmetic.sequences import Sequences
from golden.format.network import Network


def run_steps(
    link: Link,
    network: Network,
    given: Sequences,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[NDArray[np.int64], int]:
    """Outputs of every step, shape (samples, steps, n_out), and the cycles of all of them.

    Inputs go out while the engine works on those before. After an error it goes on with the first
    sample or sequence without an answer. progress: called with (samples done, all). Raises
    BoardError when the line is too bad, WrongNetwork when the board has lost its network.
    """
    packing = Packing(network)
    many = packing.samples if given.single else 1
    units = [range(n, min(n + many, len(given.x))) for n in range(0, len(given.x), many)]
    out = np.zeros((*given.x.shape[:2], network.n_out), dtype=np.int64)
    cycles, done, failures = 0, 0, 0
    while done < len(units):
        try:
            for unit, results in _stream(link, packing, given, units[done:]):
                cycles += sum(one.cycles for one in results)
                found = np.array([one.outputs for one in results])
                if given.single:
                    out[unit.start : unit.stop, 0] = found
                else:
                    out[unit.start, : len(found)] = found
                done, failures = done + 1, 0
                if progress:
                    progress(unit.stop, len(out))
        except Interrupted as why:
            failures += 1
            _begin_again(link, why, failures)
    return out, cycles


def _stream(
    link: Link, packing: Packing, given: Sequences, units: Sequence[range]
) -> Iterator[tuple[range, list[Result]]]:
    """Samples that go together, or a sequence, and the results of their steps."""
    frames: list[int] = []  # of each unit on its way, how many

    def requests() -> Iterator[tuple[Command, bytes]]:
        for unit in units:
            x = given.x[unit.start : unit.stop]
            steps = x[:, 0] if given.single else x[0, : given.lengths[unit.start]]
            payloads = list(packing.payloads(steps, sequence=not given.single))
            frames.append(len(payloads))
            yield from ((Command.RUN, payload) for payload in payloads)

    answers = link.stream(requests())
    for number, unit in enumerate(units):
        results = list(packing.results(next(answers)))
        for _ in range(frames[number] - 1):
            results += packing.results(next(answers))
        wanted = len(unit) if given.single else int(given.lengths[unit.start])
        if len(results) != wanted:
            raise BoardError(
                f"the board ended {len(results)} steps of {wanted}; load the network again"
            )
        yield unit, results


def _begin_again(link: Link, why: Interrupted, failures: int) -> None:
    """After an answer that did not come: agree again, and forget half a step."""
    if failures > RETRIES:
        raise BoardError(
            f"no whole answer in {RETRIES} tries ({why}); the line on port {link.line.name} is "
            f"bad: try a lower speed or another cable"
        )
    try:
        found = link.recover()
        if State.LOADED not in found.state:
            raise WrongNetwork(
                "the board has lost its network; was it configured again? Load it again"
            )
        link.ask(Command.RESET)
    except Interrupted as again:
        _begin_again(link, again, failures + 1)
