"""The timing model: every event of an inference with its cycle (docs/timing.md).

Written from the specification, not from the RTL, and vectorised over PEs. A broadcast waits for the
one before and for room in every PE's queue; a job starts when it is queued and its PE is free, and
lasts as many cycles as it has entries. Everything else follows at fixed distances.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import csc, layout
from golden.arithmetic import round_half_even, saturate
from golden.image import Image, unpack_layer
from golden.schedule import Jobs, Latencies, schedule
from golden.trace import FIELDS, Trace, sort_events
from golden.weights import decode

DRAIN_LATENCY = 6
"""Cycles from a drain step's accumulator read to its activation (docs/timing.md)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Layer:
    """One layer as the engine sees it, unpacked from the image."""

    column_base: int
    bias_base: int
    steps: int
    shift: int
    relu: bool
    count: NDArray[np.int64]
    """Entries of each column, shape (pes, columns)."""
    start: NDArray[np.int64]
    """Address of each column's first entry, shape (pes, columns)."""
    offset: NDArray[np.int64]
    """Index of each PE's first entry in the flat arrays, minus its address, shape (pes,)."""
    row: NDArray[np.int64]
    """Local row of each entry, shape (entries,)."""
    weight: NDArray[np.int64]
    """Integer weight of each entry, shape (entries,)."""
    real: NDArray[np.bool_]
    """False for padding entries, shape (entries,)."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What the engine's counters show after an inference."""

    cycles: int
    """Cycles in which layers ran."""
    macs: int
    """Useful multiply-accumulates."""
    stalls: int
    """Cycles in which a broadcast waited because a queue was nearly full."""
    starved: int
    """PE-cycles without an entry to issue, from each layer's start to its idle cycle."""


class TimingModel:
    """Predicts traces for one image. Unpacks it once; `run` may be called for many inputs."""

    def __init__(self, image: Image) -> None:
        self.config = image.config
        self.latencies = Latencies.of(image.config)
        self._biases = image.biases
        words = layout.unpack(layout.descriptor(image.config), image.program)
        number = int(np.flatnonzero(words["last"])[0]) + 1
        self._layers = [_unpack(image, words, index) for index in range(number)]

    def run(self, x: ArrayLike) -> tuple[Trace, Counters]:
        """Trace and counters of one inference; `x` is the integer input, shape (n_in,)."""
        run = _Run(self, np.asarray(x, dtype=np.int64))
        return run.trace, run.counters

    def layer(self, number: int) -> _Layer:
        """One unpacked layer."""
        return self._layers[number]

    @property
    def depth(self) -> int:
        """Layers of the network."""
        return len(self._layers)

    def biases(self, layer: _Layer) -> NDArray[np.int64]:
        """Biases of a layer, shape (groups, steps)."""
        return self._biases[:, layer.bias_base : layer.bias_base + layer.steps]


def _unpack(image: Image, words: dict[str, NDArray[np.int64]], number: int) -> _Layer:
    config = image.config
    compressed, first = unpack_layer(image, number)
    nonzeros, real = csc.decode(config, compressed)
    book = None
    if image.codebook.size:
        base = number << config.code_width
        book = image.codebook[base : base + (1 << config.code_width)]
    before = np.cumsum(compressed.per_pe) - compressed.per_pe
    count = compressed.count
    return _Layer(
        column_base=int(words["column_base"][number]),
        bias_base=int(words["bias_base"][number]),
        steps=int(words["steps"][number]) + 1,
        shift=int(words["shift"][number]),
        relu=bool(words["relu"][number]),
        count=count,
        start=first[:, None] + np.cumsum(count, axis=1) - count,
        offset=before - first,
        row=nonzeros.row,
        weight=decode(config, compressed.code, book),
        real=real,
    )


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
            self._emit("layer", cycle, number)
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
        self, layer: _Layer, start: int, column: NDArray[np.int64], value: NDArray[np.int64]
    ) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
        """One layer from its first cycle; returns the next layer's first cycle and input."""
        jobs = schedule(self.config, layer.count[:, column], start)
        self._stalls += jobs.stalls
        sums, issues = self._work(layer, jobs, column, value)
        idle = start
        if len(column):
            idle = max(idle, int(jobs.grant[-1]) + 1 + self.t.settle)
        if issues:
            idle = max(idle, int(jobs.last_issue.max()) + 1 + self.t.status)
        self._starved += self.config.pes * (idle - start + 1) - issues
        drain = idle + 1 + self.t.drain_wait
        position, out = self._drain(layer, sums, drain)
        return drain + layer.steps + DRAIN_LATENCY, position, out

    def _work(
        self,
        layer: _Layer,
        jobs: Jobs,
        column: NDArray[np.int64],
        value: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], int]:
        """Events from broadcast to commit; returns sums (pes, rows) and the number of issues."""
        self._emit("broadcast", jobs.grant + self.t.broadcast, layer.column_base + column, value)
        pe, k = np.nonzero(layer.count[:, column])
        count, start = layer.count[pe, column[k]], layer.start[pe, column[k]]
        self._emit("push", jobs.grant[k] + self.t.push, pe, start, count, value[k])
        self._emit("pop", jobs.pop[k, pe], pe)
        nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        issue = np.repeat(jobs.pop[k, pe], count) + 1 + nth
        address, pe = np.repeat(start, count) + nth, np.repeat(pe, count)
        self._emit("issue", issue, pe, address)
        entry = address + layer.offset[pe]
        real = layer.real[entry]
        issue, pe, entry = issue[real], pe[real], entry[real]
        product = layer.weight[entry] * np.repeat(value[k], count)[real]
        rows = layer.steps // self.config.group
        running, sums = _accumulate(
            pe * rows + layer.row[entry], issue, product, self.config.pes * rows
        )
        self._emit("commit", issue + self.t.commit, pe, layer.row[entry], running)
        return sums.reshape(self.config.pes, rows), len(address)

    def _drain(
        self, layer: _Layer, sums: NDArray[np.int64], start: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Drain events; returns positions and values of the non-zero outputs, in list order."""
        config = self.config
        group, step = np.divmod(np.arange(config.groups * layer.steps), layer.steps)
        pe, row = group * config.group + step % config.group, step // config.group
        here = pe < config.pes
        group, step, pe, row = group[here], step[here], pe[here], row[here]
        total = sums[pe, row] + self.model.biases(layer)[group, step]
        out = saturate(round_half_even(total, layer.shift), config.act_width)
        out = np.maximum(out, 0) if layer.relu else out
        self._emit("drain", start + step + DRAIN_LATENCY, pe, row, out)
        some = out != 0
        return (step * config.groups + group)[some], out[some]

    def _outputs(self, start: int, position: NDArray[np.int64], value: NDArray[np.int64]) -> None:
        """The outputs leave one a cycle, when the taker never waits."""
        self._emit("finish", start)
        grant = start + np.arange(len(position))
        self._emit("output", grant + self.t.broadcast + 1, position, value)
        done = int(grant[-1]) + 1 + self.t.settle if len(position) else start
        self._emit("done", done)


def _accumulate(
    key: NDArray[np.int64], order: NDArray[np.int64], product: NDArray[np.int64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Running sum after each product of its `key` in `order`, and the final sums, shape (size,)."""
    by_key = np.lexsort((order, key))
    sorted_key, running = key[by_key], np.cumsum(product[by_key])
    first = np.ones(len(key), dtype=bool)
    first[1:] = sorted_key[1:] != sorted_key[:-1]
    begin = np.flatnonzero(first)
    before = np.where(begin > 0, running[begin - 1], 0)
    running = running - np.repeat(before, np.diff(np.append(begin, len(key))))
    result = np.empty_like(running)
    result[by_key] = running
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, key, product)
    return result, sums
