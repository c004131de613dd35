"""The timing model: every event of an inference with its cycle (docs/timing.md).

Written from the specification, not from the RTL, and vectorised over PEs. A broadcast waits for the
one before and for room in every PE's queue; a job starts when it is queued and its PE is free, and
lasts as many cycles as it has entries. Everything else follows at fixed distances.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.integers import round_half_even, saturate
from golden.config import EngineConfig
from golden.format import layout
from golden.format.image import Image
from golden.timing.schedule import Jobs, Latencies, schedule
from golden.timing.trace import FIELDS, Trace, sort_events
from golden.timing.unpack import Counters, UnpackedLayer, accumulate, unpack


class TimingModel:
    """Predicts traces for one image. Unpacks it once; `run` may be called for many inputs."""

    def __init__(self, image: Image) -> None:
        self.config = image.config
        self.latencies = Latencies.of(image.config)
        self._biases = image.biases
        words = layout.unpack(layout.descriptor(image.config), image.program)
        number = int(np.flatnonzero(words["last"])[0]) + 1
        self._layers = [unpack(image, words, index) for index in range(number)]

    def run(self, x: ArrayLike) -> tuple[Trace, Counters]:
        """Trace and counters of one inference; `x` is the integer input, shape (n_in,)."""
        run = _Run(self, np.asarray(x, dtype=np.int64))
        return run.trace, run.counters

    def layer(self, number: int) -> UnpackedLayer:
        """One unpacked layer."""
        return self._layers[number]

    @property
    def depth(self) -> int:
        """Layers of the network."""
        return len(self._layers)

    def biases(self, layer: UnpackedLayer) -> NDArray[np.int64]:
        """Biases of a layer, shape (groups, rows x group)."""
        first = layer.bias_base - self.config.column_depth
        return self._biases[:, first : first + layer.rows * self.config.group]


class _Run:
    """One inference."""

    def __init__(self, model: TimingModel, x: NDArray[np.int64]) -> None:
        self.model, self.config, self.t = model, model.config, model.latencies
        self._events: dict[str, list[NDArray[np.int64]]] = {kind: [] for kind in FIELDS}
        self._stalls = self._starved = 0
        position = np.flatnonzero(x)
        position = position[np.argsort(position % self.config.groups, kind="stable")]
        column, value = position, x[position]
        cycle = 1
        for number in range(model.depth):
            self._emit("layer", cycle, number, 0)
            cycle, column, value = self._layer(model.layer(number), cycle, column, value)
        self._outputs(cycle, column, value)
        self.trace = Trace(
            events={
                kind: sort_events(
                    np.concatenate(parts) if parts else np.zeros((0, len(FIELDS[kind])), np.int64)
                )
                for kind, parts in self._events.items()
            }
        )
        self.counters = Counters(
            cycles=self.trace.cycles,
            macs=self.trace.macs,
            stalls=self._stalls,
            starved=self._starved,
        )

    def _emit(self, kind: str, *fields: ArrayLike) -> None:
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(f, np.int64)) for f in fields))
        self._events[kind].append(np.stack(columns, axis=1))

    def _layer(
        self, layer: UnpackedLayer, start: int, column: NDArray[np.int64], value: NDArray[np.int64]
    ) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
        """One layer from its first cycle; returns the next layer's first cycle and input."""
        jobs = schedule(self.config, layer.count[:, column], start)
        self._stalls += jobs.stalls
        sums, issues = self._work(layer, jobs, column, value)
        self._starved += int((jobs.over - start).sum()) - issues
        reads = drain_reads(self.config, jobs.over + self.t.flush, rows=layer.rows)
        position, out = self._drain(layer, sums, reads)
        return int(reads.max()) + self.t.drain + 1, position, out

    def _work(
        self,
        layer: UnpackedLayer,
        jobs: Jobs,
        column: NDArray[np.int64],
        value: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], int]:
        """Events from broadcast to commit; returns sums (pes, rows) and the number of issues."""
        self._emit("broadcast", jobs.broadcast, layer.column_base + column, value)
        pe, k = np.nonzero(layer.count[:, column])
        count, start = layer.count[pe, column[k]], layer.start[pe, column[k]]
        word = start // self.config.entry_lanes
        self._emit("push", jobs.push[k], pe, word, count, value[k])
        self._emit("pop", jobs.pop[k, pe], pe)
        nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        issue = np.repeat(jobs.pop[k, pe], count) + 1 + nth
        entry = np.repeat(layer.first[pe, column[k]], count) + nth
        address, pe = np.repeat(start, count) + nth, np.repeat(pe, count)
        self._emit("issue", issue, pe, address)
        real = layer.real[entry]
        issue, pe, entry = issue[real], pe[real], entry[real]
        product = layer.weight[entry] * np.repeat(value[k], count)[real]
        running, sums = accumulate(
            pe * layer.rows + layer.row[entry], issue, product, self.config.pes * layer.rows
        )
        self._emit("commit", issue + self.t.commit, pe, layer.row[entry], running)
        return sums.reshape(self.config.pes, layer.rows), len(address)

    def _drain(
        self, layer: UnpackedLayer, sums: NDArray[np.int64], reads: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Drain events; `reads` (pes,) is each PE's last.

        Returns positions and values of the non-zero outputs, in list order.
        """
        config = self.config
        pe, row = (axis.reshape(-1) for axis in np.indices((config.pes, layer.rows)))
        group, index = pe // config.group, row * config.group + pe % config.group
        total = sums[pe, row] + self.model.biases(layer)[group, index]
        out = saturate(round_half_even(total, layer.shift), config.act_width)
        out = np.maximum(out, 0) if layer.relu else out
        cycle = reads[pe] - layer.rows + 1 + row + self.t.drain
        self._emit("drain", cycle, pe, row, out)
        order = np.lexsort((cycle, group))
        order = order[out[order] != 0]
        return (index * config.groups + group)[order], out[order]

    def _outputs(self, start: int, position: NDArray[np.int64], value: NDArray[np.int64]) -> None:
        """The outputs leave one a cycle, when the taker never waits."""
        self._emit("finish", start)
        self._emit(
            "output", start + np.arange(len(value)) + self.t.broadcast + 1, position, value, 0
        )
        # That nothing more comes takes as many steps as a broadcast to the column memory.
        quiet = start + len(value) + self.t.read
        taken = start + len(value) + self.t.broadcast + 1 if len(value) else start
        self._emit("done", max(quiet, taken))


def drain_reads(config: EngineConfig, ready: NDArray[np.int64], *, rows: int) -> NDArray[np.int64]:
    """Cycle of the last read of each PE's drain, shape (pes,).

    `ready` (pes,): from when on each PE may be drained. A group drains one PE at a time, all `rows`
    of it; in a cycle in which it drains none, it chooses the lowest PE that is ready.
    """
    last = np.zeros(config.pes, dtype=np.int64)
    for group in range(config.groups):
        first = group * config.group
        left = list(range(first, first + config.group_size(group)))
        cycle = 0
        while left:
            cycle = max(cycle, int(ready[left].min()))
            pe = next(pe for pe in left if ready[pe] <= cycle)
            left.remove(pe)
            last[pe] = cycle + rows
            cycle += rows + 1
    return last
