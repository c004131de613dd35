"""Where the cycles of a network with maps go, layer by layer, from golden's trace."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.format import csc, layout
from golden.format.image import Image
from golden.format.network import Network
from golden.record import Record
from golden.timing.schedule import Latencies
from golden.timing.trace import Trace

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LayerCycles(Record):
    """Cycles of a layer, and shares of all its PEs' cycles; they add up to 1."""

    name: str
    cycles: int
    useful: float
    """An entry was added to a sum."""
    borders: float
    """An entry was issued whose output lies outside the map."""
    padding: float
    """An entry was issued that has no weight."""
    steals: float
    """A drain took a sum."""
    full_queue: float
    """Nothing was queued, because broadcasts waited for a PE whose queue was nearly full."""
    no_job: float
    """Nothing was queued otherwise: no broadcast came, or none with an entry here."""
    waiting: float
    """Jobs or tokens were queued: a pop of a token, or a row that may not be begun yet."""


def layer_cycles(network: Network, image: Image, trace: Trace) -> tuple[LayerCycles, ...]:
    """Of each layer, from golden's trace of an inference."""
    bounds = [*trace.events["layer"][:, 0].tolist(), trace.cycles + 1]
    busy = _Busy.of(image, trace, bounds[-1] + 1)
    return tuple(
        busy.layer(layer.name, begin, end)
        for layer, begin, end in zip(network.layers, bounds, bounds[1:], strict=False)
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Busy:
    """What happens in each cycle, arrays (cycles, pes) or (cycles,)."""

    issued: Ints
    padded: Ints
    added: Ints
    """At the cycle of its issue."""
    stolen: Ints
    queued: Ints
    """Jobs and tokens in a PE's queue."""
    held: NDArray[np.bool_]
    """Broadcasts wait."""

    @classmethod
    def of(cls, image: Image, trace: Trace, cycles: int) -> "_Busy":
        config, t = image.config, Latencies.of(image.config)

        def grid(events: Ints, delay: int = 0) -> Ints:
            found = np.zeros((cycles, config.pes), dtype=np.int64)
            np.add.at(found, (np.clip(events[:, 0] + delay, 0, cycles - 1), events[:, 1]), 1)
            return found

        issue = trace.events["issue"]
        entry = layout.unpack(layout.entry(config), image.entries[issue[:, 1], issue[:, 2]])
        # A job is in the queue from the cycle after its push on, up to that of its pop.
        into, out = grid(trace.events["push"], 1), grid(trace.events["pop"], 1)
        queued = np.cumsum(into - out, axis=0) + _tokens(trace, config.pes, cycles)
        near = (queued >= config.queue_threshold).any(axis=1)
        held = np.concatenate((np.zeros(t.status - 1, dtype=bool), near))[:cycles]
        return cls(
            issued=grid(issue),
            padded=grid(issue[entry["run"] == csc.padding_run(config)]),
            added=grid(trace.events["commit"], -t.commit),
            stolen=grid(trace.events["steal"]),
            queued=queued,
            held=held,
        )

    def layer(self, name: str, begin: int, end: int) -> LayerCycles:
        """A layer that runs in these cycles."""
        here = slice(begin, end)
        issued, stolen = self.issued[here], self.stolen[here]
        idle = (issued + stolen) == 0
        queued = self.queued[here] > 0
        held = self.held[here, None] & idle & ~queued
        counts = {
            "useful": self.added[here].sum(),
            "borders": (issued - self.padded[here] - self.added[here]).sum(),
            "padding": self.padded[here].sum(),
            "steals": stolen.sum(),
            "full_queue": held.sum(),
            "no_job": (idle & ~queued).sum() - held.sum(),
            "waiting": (idle & queued).sum(),
        }
        shares = {what: round(float(count) / idle.size, 4) for what, count in counts.items()}
        return LayerCycles(name=name, cycles=end - begin, **shares)


def _tokens(trace: Trace, pes: int, cycles: int) -> Ints:
    """Tokens in each PE's queue in each cycle, (cycles, pes).

    The trace has no pushes of tokens. One follows the last job that any PE pops before it.
    """

    def of(kind: str) -> list[Ints]:
        events = trace.events[kind]
        return [np.sort(events[events[:, 1] == pe, 0]) for pe in range(pes)]

    taken, push, pop = of("token"), of("push"), of("pop")
    enters = np.zeros(len(taken[0]), dtype=np.int64)
    for pe in range(pes):
        before = np.searchsorted(pop[pe], taken[pe])
        last = np.concatenate(([0], push[pe]))[before]
        enters = np.maximum(enters, last)
    change = np.zeros((cycles + 1, pes), dtype=np.int64)
    for pe in range(pes):
        np.add.at(change[:, pe], np.minimum(enters + 1, taken[pe]), 1)
        np.add.at(change[:, pe], taken[pe], -1)
    return np.cumsum(change, axis=0)[:cycles]
