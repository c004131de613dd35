"""The events of one step of all streams (docs/timing.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.powers import decode, encode, split
from golden.config import EngineConfig
from golden.format.program import Operation
from golden.timing.phase import Phase, Timeline, within
from golden.timing.runner import LayerOperations
from golden.timing.schedule import FUNCTION_LATENCY, Latencies
from golden.timing.state import Items, State
from golden.timing.trace import FIELDS, Trace, sort_events
from golden.timing.unpack import Counters, UnpackedLayer, accumulate

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """A phase and what it broadcasts, in its order."""

    number: int
    """The layer's."""
    stream: int
    phase: Phase
    column: Ints
    """Columns of the layer, shape (K,)."""
    value: Ints
    """Activations, or their words where they are coded, shape (K,)."""


class StepEvents:
    """Runs one step; `trace` and `counters` are what happened."""

    def __init__(
        self,
        *,
        config: EngineConfig,
        layers: Sequence[UnpackedLayer],
        state: State,
        timeline: Timeline,
        x: Ints,
        fresh: NDArray[np.bool_],
        answer: bool,
    ) -> None:
        """`x` (streams, n_in) is integer; `fresh` (streams,): its state counts as zero."""
        self.config, self.layers, self.state = config, layers, state
        self.timeline, self.fresh, self.answer = timeline, fresh, answer
        self.t = Latencies.of(config)
        self._events: dict[str, list[Ints]] = {kind: [] for kind in FIELDS}
        self._busy = 0  # PE-cycles with an entry or an operation
        for stream, row in enumerate(x):
            self._input(stream, row)
        depth = len(layers)
        if not answer:
            depth = next((n for n, layer in enumerate(layers) if layer.head), depth)
        self._order = [
            (layer, stream) for layer in range(depth) for stream in range(config.streams)
        ]
        self._work: list[_Work] = []
        self._settled = 0
        finish = timeline.run(len(self._order), self._begin)
        self._settle(len(self._order))
        self._outputs(finish)
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
            stalls=timeline.stalls,
            starved=config.pes * self.trace.cycles - self._busy,
        )

    def _emit(self, kind: str, *fields: ArrayLike) -> None:
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(f, np.int64)) for f in fields))
        self._events[kind].append(np.stack(columns, axis=1))

    def _input(self, stream: int, row: Ints) -> None:
        """The input list of a stream."""
        first, groups, powers = self.layers[0], self.config.groups, self.config.input_powers
        sent, terms = row, powers.terms
        if powers.levels:  # the powers of one input follow one another
            sent = encode(split(row, powers), powers.levels)
        sent = sent.reshape(terms, -1)
        found: Items = []
        for group in range(groups):
            value = sent[:, group::groups].T.reshape(-1)
            index = np.repeat(np.arange(len(value) // terms), terms)
            if self.config.delta:
                place, threshold = first.source, first.source_threshold
                found.append(self.state.moved(place, group, index, value, threshold))
            else:
                found.append((index[value != 0], value[value != 0]))
        self.state.write(first.source, stream, found)

    # -- phases: what they broadcast ---------------------------------------------------------------

    def _begin(self, nth: int) -> Phase:
        """Phase number `nth` starts."""
        self._settle(nth - self.timeline.overlap)
        number, stream = self._order[nth]
        layer, groups = self.layers[number], self.config.groups
        lists = [(0, self.state.read(layer.source, stream))]
        if layer.back is not None and not self.fresh[stream]:
            behind = layer.recurrent_base - layer.column_base
            lists.append((behind, self.state.read(layer.back, stream, before=True)))
        column, value = [], []
        for group in range(groups):
            for offset, items in lists:
                index, values = items[group]
                column.append(offset + index * groups + group)
                value.append(values)
        columns = np.concatenate(column)
        phase = Phase(
            count=layer.count[:, columns].T,
            operations=layer.operations,
            output=self.t.result + (FUNCTION_LATENCY if layer.function else 0),
        )
        values = np.concatenate(value)
        self._work.append(
            _Work(number=number, stream=stream, phase=phase, column=columns, value=values)
        )
        return phase

    # -- phases that are over: their events and results --------------------------------

    def _settle(self, until: int) -> None:
        """Everything that the phases before number `until` did."""
        while self._settled < until:
            work = self._work[self._settled]
            layer, phase = self.layers[work.number], work.phase
            self._emit("layer", phase.start, work.number, work.stream)
            self._emit("broadcast", phase.broadcast, layer.column_base + work.column, work.value)
            self._operate(layer, work, self._entries(layer, work))
            self._settled += 1

    def _entries(self, layer: UnpackedLayer, work: _Work) -> Ints:
        """Pushes, pops, issues and commits; returns the sums, shape (pes, rows x gates)."""
        phase = work.phase
        pe, k = np.nonzero(phase.count.T)
        count, column = phase.count[k, pe], work.column[k]
        start, pop = layer.start[pe, column], phase.pop[k, pe]
        push, lanes = phase.push[k, pe], self.config.entry_lanes
        self._emit("push", push, pe, start // lanes, count, work.value[k])
        self._emit("pop", pop, pe)
        issue, nth = self.timeline.issues(phase, pe, pop, count), within(count)
        owner = np.repeat(pe, count)
        self._emit("issue", issue, owner, np.repeat(start, count) + nth)
        self._busy += len(issue)
        entry = np.repeat(layer.first[pe, column], count) + nth
        real = layer.real[entry]
        entry, owner, issue = entry[real], owner[real], issue[real]
        levels, value = self.config.act_levels, work.value
        value = np.repeat((decode(value, levels) if levels else value)[k], count)[real]
        row, product = layer.row[entry], layer.weight[entry] * value
        sums = self.state.sums(work.number, layer)
        size = sums.shape[1]
        running, added = accumulate(owner * size + row, issue, product, sums.size)
        self._emit("commit", issue + self.t.commit, owner, row, running + sums[owner, row])
        sums += added.reshape(sums.shape)
        return sums

    def _operate(self, layer: UnpackedLayer, work: _Work, sums: Ints) -> None:
        """The operations of a phase, and its outputs."""
        pes, phase, program = self.config.pes, work.phase, layer.operations
        self._busy += pes * len(program.number)
        if self.config.cells:  # else there is only one operation, and its drain stands for it
            pe, nth = np.indices((pes, len(program.number))).reshape(2, -1)
            cycle = phase.first[pe] + program.offset[nth]
            self._emit("operation", cycle, pe, program.number[nth], program.cell[nth])
        run = LayerOperations(
            config=self.config,
            layer=layer,
            state=self.state,
            stream=work.stream,
            fresh=bool(self.fresh[work.stream]),
        )
        out = np.zeros((pes, layer.rows), dtype=np.int64)
        for number in np.unique(program.number):
            one, result, valued = run.run(int(number), sums + layer.bias)
            offset = program.offset[program.number == number]
            begin = (phase.first[:, None] + offset).reshape(-1)
            self._gates(one, run, begin + self.t.result, result, valued)
            if one.output:
                out, cycle = valued, begin + phase.output
                self._emit("drain", cycle, *_pairs(pes, np.arange(layer.rows)), out.reshape(-1))
        self.state.write(layer.target, work.stream, self._items(work, out))

    def _gates(
        self, one: Operation, run: LayerOperations, cycle: Ints, result: Ints, valued: Ints
    ) -> None:
        """Writes to the cell memories."""
        if one.raw is not None:
            pe, address = _pairs(self.config.pes, run.address(one.raw))
            self._emit("gate", cycle, pe, 1, address, result.reshape(-1))
        if one.half:
            pe, address = _pairs(self.config.pes, run.address(one.target))
            late, half = cycle + FUNCTION_LATENCY, int(one.half == "right")
            self._emit("gate", late, pe, half, address, valued.reshape(-1))

    def _items(self, work: _Work, out: Ints) -> Items:
        """Outputs (pes, rows) as a list: by group, in the order in which they come.

        Those that are not zero, or with delta those that moved; but all, unchanged, for the head.
        """
        config, layer = self.config, self.layers[work.number]
        after = self.layers[work.number + 1 : work.number + 2]
        headed = layer.head or (self.answer and any(one.head for one in after))
        found: Items = []
        for group in range(config.groups):
            pes = group * config.group + np.arange(config.group_size(group))
            order = pes[np.argsort(work.phase.first[pes], kind="stable")]
            slot = order % config.group
            index = (np.arange(layer.rows) * config.group + slot[:, None]).reshape(-1)
            value = out[order].reshape(-1)
            if config.delta and not headed:
                place, threshold = layer.target, layer.threshold
                found.append(self.state.moved(place, group, index, value, threshold))
            else:
                found.append((index[value != 0], value[value != 0]))
        return found

    def _outputs(self, finish: int) -> None:
        """The results of each stream leave one a cycle, as the taker never waits."""
        self._emit("finish", finish)
        groups, last = self.config.groups, self.layers[-1]
        # The counters are late.
        counted = finish + self.config.counter_stages
        start, done = finish, counted
        for stream in range(self.config.streams if self.answer else 0):
            items = self.state.read(last.target, stream)
            position = np.concatenate([index * groups + g for g, (index, _) in enumerate(items)])
            value = np.concatenate([values for _, values in items])
            taken = start + np.arange(len(value)) + self.t.broadcast + 1
            self._emit("output", taken, position, value, stream)
            quiet = start + len(value) + self.t.read
            done = max(counted, quiet, int(taken[-1]) + 1 if len(value) else start)
            start = quiet + 1
        self._emit("done", done)


def _pairs(pes: int, numbers: Ints) -> tuple[Ints, Ints]:
    """PE and number of every element of an array of shape (pes, numbers), flat."""
    pe, nth = np.indices((pes, len(numbers))).reshape(2, -1)
    return pe, numbers[nth]
