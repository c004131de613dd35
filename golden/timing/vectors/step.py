"""The events of one step of all streams, of layers of vectors (docs/timing.md)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.powers import decode, encode, split
from golden.config import EngineConfig
from golden.format.program import Operation
from golden.timing.phase import Phase, Timeline
from golden.timing.schedule import FUNCTION_LATENCY
from golden.timing.step import Step, Work
from golden.timing.unpack import UnpackedLayer, accumulate
from golden.timing.vectors.runner import LayerOperations
from golden.timing.vectors.state import Items, State

Ints = NDArray[np.int64]


class VectorStep(Step[Work]):
    """A step of any number of streams: lists of activations, and programs of operations."""

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
        super().__init__(config=config, timeline=timeline)
        self.layers, self.state, self.fresh, self.answer = layers, state, fresh, answer
        for stream, row in enumerate(x):
            self._input(stream, row)
        depth = len(layers)
        if not answer:
            depth = next((n for n, layer in enumerate(layers) if layer.head), depth)
        self.run([(layer, stream) for layer in range(depth) for stream in range(config.streams)])

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

    def broadcasts(self, number: int, stream: int) -> Work:
        """See `Step`: the lists, group by group."""
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
        return Work(
            number=number,
            stream=stream,
            phase=phase,
            column=columns[:, None],
            value=values[:, None],
        )

    # -- phases that are over: their events and results --------------------------------

    def ended(self, work: Work) -> None:
        """See `Step`."""
        layer, column, value = self.layers[work.number], work.column[:, 0], work.value[:, 0]
        self.emit("broadcast", work.phase.broadcast, layer.column_base + column, value)
        self._operate(layer, work, self._sums(layer, work))

    def _sums(self, layer: UnpackedLayer, work: Work) -> Ints:
        """Jobs and commits; returns the sums, shape (pes, rows x gates)."""
        one, levels = self.issued(layer, work), self.config.act_levels
        real = layer.real[one.entry]
        entry, owner, issue = one.entry[real], one.pe[real], one.cycle[real]
        value = (decode(one.value, levels) if levels else one.value)[real]
        row, product = layer.row[entry], layer.weight[entry] * value
        sums = self.state.sums(work.number, layer)
        size = sums.shape[1]
        running, added = accumulate(owner * size + row, issue, product, sums.size)
        self.emit("commit", issue + self.t.commit, owner, row, running + sums[owner, row])
        sums += added.reshape(sums.shape)
        return sums

    def _operate(self, layer: UnpackedLayer, work: Work, sums: Ints) -> None:
        """The operations of a phase, and its outputs."""
        pes, phase, program = self.config.pes, work.phase, layer.operations
        self.busy += pes * len(program.number)
        if self.config.cells:  # else there is only one operation, and its drain stands for it
            pe, nth = np.indices((pes, len(program.number))).reshape(2, -1)
            cycle = phase.first[pe] + program.offset[nth]
            self.emit("operation", cycle, pe, program.number[nth], program.cell[nth])
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
                self.emit("drain", cycle, *_pairs(pes, np.arange(layer.rows)), out.reshape(-1))
        self.state.write(layer.target, work.stream, self._items(work, out))

    def _gates(
        self, one: Operation, run: LayerOperations, cycle: Ints, result: Ints, valued: Ints
    ) -> None:
        """Writes to the cell memories."""
        if one.raw is not None:
            pe, address = _pairs(self.config.pes, run.address(one.raw))
            self.emit("gate", cycle, pe, 1, address, result.reshape(-1))
        if one.half:
            pe, address = _pairs(self.config.pes, run.address(one.target))
            late, half = cycle + FUNCTION_LATENCY, int(one.half == "right")
            self.emit("gate", late, pe, half, address, valued.reshape(-1))

    def _items(self, work: Work, out: Ints) -> Items:
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

    def results(self, finish: int) -> int:
        """See `Step`: those of each stream, list by list."""
        groups, last = self.config.groups, self.layers[-1]
        # The counters are late.
        counted = finish + self.config.counter_stages
        start, done = finish, counted
        for stream in range(self.config.streams if self.answer else 0):
            items = self.state.read(last.target, stream)
            position = np.concatenate([index * groups + g for g, (index, _) in enumerate(items)])
            value = np.concatenate([values for _, values in items])
            quiet, over = self.leave(start, position, value, stream)
            done, start = max(counted, quiet, over), quiet + 1
        return done


def _pairs(pes: int, numbers: Ints) -> tuple[Ints, Ints]:
    """PE and number of every element of an array of shape (pes, numbers), flat."""
    pe, nth = np.indices((pes, len(numbers))).reshape(2, -1)
    return pe, numbers[nth]
