"""The events of one step of all streams of an engine with cells (docs/timing.md)."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.format.program import Kind, Operation
from golden.kinds import tree_levels
from golden.timing.machine import FUNCTION_LATENCY, Machine, Phase
from golden.timing.runner import Cells
from golden.timing.trace import FIELDS, Trace, sort_events
from golden.timing.unpack import Counters, UnpackedLayer, accumulate

if TYPE_CHECKING:
    from golden.timing.model import RoundLayer, RoundModel

Ints = NDArray[np.int64]


class Round:
    """One step of all streams."""

    def __init__(
        self, model: "RoundModel", x: Ints, fresh: NDArray[np.bool_], answer: bool
    ) -> None:
        self.model, self.config, self.t = model, model.config, model.latencies
        self.fresh, self.answer = fresh, answer
        self._events: dict[str, list[Ints]] = {kind: [] for kind in FIELDS}
        for stream, row in enumerate(x):
            self._input(stream, row)
        depth = model.depth
        if not answer:
            depth = next((n for n, one in enumerate(model.layers) if one.more["head"]), depth)
        self._order = [
            (layer, stream) for layer in range(depth) for stream in range(self.config.streams)
        ]
        self._phases: list[tuple[Phase, Ints, Ints, Ints]] = []
        self._settled = 0
        machine = Machine(self.config)
        finish = machine.run(len(self._order), self._begin)
        self._settle(len(self._order))
        self._emit_all(machine)
        self._outputs(finish, answer)
        self.trace = Trace(
            events={
                kind: sort_events(
                    np.concatenate(parts) if parts else np.zeros((0, len(FIELDS[kind])), np.int64)
                )
                for kind, parts in self._events.items()
            }
        )
        busy = len(self.trace.events["issue"]) + len(self.trace.events["operation"])
        self.counters = Counters(
            cycles=self.trace.cycles,
            macs=self.trace.macs,
            stalls=machine.stalls,
            starved=self.config.pes * self.trace.cycles - busy,
        )

    def _input(self, stream: int, row: Ints) -> None:
        """The input list of a stream."""
        model, groups = self.model, self.config.groups
        more = model.layers[0].more
        found = []
        for group in range(groups):
            value = row[group::groups]
            index = np.arange(len(value))
            if self.config.delta:
                threshold = more["source_threshold"]
                found.append(model.moved(more["source"], group, index, value, threshold))
            else:
                found.append((index[value != 0], value[value != 0]))
        number = model.list_number(more["source"], alternates=0, stream=stream)
        model.lists[number] = found

    def _emit(self, kind: str, *fields: ArrayLike) -> None:
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(f, np.int64)) for f in fields))
        self._events[kind].append(np.stack(columns, axis=1))

    # -- phases: what they broadcast, and what comes of it ----------------------------------------

    def _begin(self, nth: int) -> Phase:
        """Phase number `nth` starts: all phases but those that may still run are over."""
        self._settle(nth - 1 if self.config.streams > 1 else nth)
        layer, stream = self._order[nth]
        one = self.model.layers[layer]
        column, value, address = self._inputs(one, stream)
        phase = Phase(count=one.matrix.count[:, column].T, operations=one.operations)
        self._phases.append((phase, column, value, address))
        return phase

    def _inputs(self, layer: "RoundLayer", stream: int) -> tuple[Ints, Ints, Ints]:
        """Column, value and pointer address of what is broadcast, in its order."""
        model, more = self.model, layer.more
        groups = self.config.groups
        numbers = [
            model.list_number(more["source"], alternates=more["source_alternates"], stream=stream)
        ]
        if more["fed_back"] and not self.fresh[stream]:
            numbers.append(
                model.list_number(more["recurrent"], alternates=1, stream=stream, before=True)
            )
        base = layer.matrix.column_base
        offsets = (0, more["recurrent_base"] - base)
        nothing = [(np.zeros(0, np.int64), np.zeros(0, np.int64))] * groups
        column, value = [], []
        for group in range(groups):
            for offset, number in zip(offsets, numbers, strict=False):
                index, values = model.lists.get(number, nothing)[group]
                column.append(offset + index * groups + group)
                value.append(values)
        columns = np.concatenate(column)
        return columns, np.concatenate(value), base + columns

    def _settle(self, until: int) -> None:
        """Run the operations of the phases before number `until` on the memories."""
        while self._settled < until:
            self._operate(self._settled)
            self._settled += 1

    def _operate(self, nth: int) -> None:
        """The sums of one phase, then its operations."""
        (number, stream), (phase, column, value, _) = self._order[nth], self._phases[nth]
        layer = self.model.layers[number]
        matrix, more = layer.matrix, layer.more
        pe, k = np.nonzero(phase.count.T)
        count = phase.count.T[pe, k]
        nth_entry = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        entry = np.repeat(matrix.first[pe, column[k]], count) + nth_entry
        owner, product = np.repeat(pe, count), matrix.weight[entry] * np.repeat(value[k], count)
        real = matrix.real[entry]
        gates = 1 if layer.kind is Kind.DENSE else 4
        sums = self.model.sums_before(number, matrix.rows * gates)
        phase.sums = sums.copy()
        np.add.at(sums, (owner[real], matrix.row[entry][real]), product[real])
        biases = self.model.biases(matrix, gates)
        target = self.model.list_number(
            more["target"], alternates=more["target_alternates"], stream=stream
        )
        cells = Cells(
            config=self.config,
            matrix=matrix,
            kind=layer.kind,
            cell_base=more["cell_base"],
            peephole=layer.peephole,
            left=self.model.left,
            right=self.model.right,
            stream=stream,
            fresh=bool(self.fresh[stream]),
        )
        out = np.zeros((self.config.pes, matrix.rows), dtype=np.int64)
        program = layer.operations
        for op in np.unique(program.number):
            one, result, valued = cells.run(int(op), sums + biases)
            offset = program.offset[program.number == op]
            cycle = phase.first[:, None] + offset + self.t.result
            self._results(one, cells, cycle, result, valued)
            if one.output:
                out = result
                at = np.arange(matrix.rows)
                self._emit(
                    "drain", cycle.reshape(-1), *_pairs(self.config.pes, at), out.reshape(-1)
                )
        self.model.lists[target] = self.model.output_list(phase, out, number, answer=self.answer)

    def _results(
        self, one: Operation, cells: Cells, cycle: Ints, result: Ints, valued: Ints
    ) -> None:
        """Writes to the cell memories."""
        if one.raw is not None:
            address = cells.address(one.raw)
            self._emit(
                "gate",
                cycle.reshape(-1),
                _pairs(self.config.pes, address)[0],
                1,
                _pairs(self.config.pes, address)[1],
                result.reshape(-1),
            )
        if one.half:
            pe, address = _pairs(self.config.pes, cells.address(one.target))
            late, half = cycle.reshape(-1) + FUNCTION_LATENCY, int(one.half == "right")
            self._emit("gate", late, pe, half, address, valued.reshape(-1))

    # -- events ------------------------------------------------------------------------------------

    def _emit_all(self, machine: Machine) -> None:
        """Events of all phases, now that it is known which cycles operations took."""
        stolen = np.array(machine.stolen).T  # (pes, cycles), from cycle 1 on
        free = [1 + np.flatnonzero(~row) for row in stolen]
        for (layer, stream), (phase, column, value, address) in zip(
            self._order, self._phases, strict=True
        ):
            self._emit("layer", phase.start, layer, stream)
            steps = np.array(phase.steps)
            total = phase.total
            broadcast = steps[self.t.broadcast : self.t.broadcast + total]
            self._emit("broadcast", broadcast, address, value)
            one = self.model.layers[layer]
            push = steps[self.t.read : self.t.read + total] + 1
            self._entries(one.matrix, phase, column, value, push, free)
            program = one.operations
            for pe, first in enumerate(phase.first.tolist()):
                self._emit("operation", first + program.offset, pe, program.number, program.cell)

    def _entries(
        self,
        matrix: UnpackedLayer,
        phase: Phase,
        column: Ints,
        value: Ints,
        push: Ints,
        free: list[Ints],
    ) -> None:
        """Pushes, pops, issues and commits of one phase."""
        pe, k = np.nonzero(phase.count.T)
        count, start = phase.count.T[pe, k], matrix.start[pe, column[k]]
        word = start // self.config.entry_lanes
        self._emit("push", push[k], pe, word, count, value[k])
        pop = phase.pop[k, pe]
        self._emit("pop", pop, pe)
        nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        issue = np.empty(len(nth), dtype=np.int64)
        for number in range(self.config.pes):
            mine = np.flatnonzero(pe == number)
            first = np.searchsorted(free[number], pop[mine] + 1)
            here = np.repeat(pe == number, count)
            issue[here] = free[number][np.repeat(first, count[mine]) + nth[here]]
        entry = np.repeat(matrix.first[pe, column[k]], count) + nth
        owner, values = np.repeat(pe, count), np.repeat(value[k], count)
        self._emit("issue", issue, owner, np.repeat(start, count) + nth)
        real = matrix.real[entry]
        row, product = matrix.row[entry][real], matrix.weight[entry][real] * values[real]
        size = self.config.row_depth
        running, _ = accumulate(
            owner[real] * size + row, issue[real], product, self.config.pes * size
        )
        running = running + phase.sums[owner[real], row]
        self._emit("commit", issue[real] + self.t.commit, owner[real], row, running)

    def _outputs(self, finish: int, answer: bool) -> None:
        """The results of each stream leave one a cycle, when the taker never waits."""
        self._emit("finish", finish)
        # The counters are late.
        counted = finish + 1 + tree_levels(-(-self.config.pes // 16), radix=4)
        start, done = finish, counted
        for stream in range(self.config.streams if answer else 0):
            more = self.model.layers[-1].more
            number = self.model.list_number(
                more["target"], alternates=more["target_alternates"], stream=stream
            )
            groups = self.config.groups
            lists = self.model.lists[number]
            position = np.concatenate([index * groups + g for g, (index, _) in enumerate(lists)])
            value = np.concatenate([values for _, values in lists])
            taken = start + np.arange(len(value)) + self.t.broadcast + 1
            self._emit("output", taken, position, value, stream)
            quiet = start + len(value) + self.t.read
            done = max(counted, quiet, int(taken[-1]) + 1 if len(value) else start)
            start = quiet + 1
        self._emit("done", done)


def _pairs(pes: int, numbers: Ints) -> tuple[Ints, Ints]:
    """PE and number of every element of an array of shape (pes, numbers), flat."""
    pe, nth = np.indices((pes, len(numbers)))
    return pe.reshape(-1), numbers[nth.reshape(-1)]
