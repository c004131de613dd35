"""The timing model of an engine with cells: every event of a step of all its streams.

Written from the specification (docs/timing.md), not from the RTL. It runs an image's operations one
by one on the contents of the engine's memories; golden.cells says what must come of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import layout
from golden.arithmetic import round_half_even, saturate
from golden.cell_program import OPERATIONS, Function, Kind, Left, Operation, Shift, Word
from golden.cells import of_state
from golden.functions import sigmoid, sigmoid_complement, tanh
from golden.image import Image
from golden.kinds import CELL_WIDTH, GATE_FRAC, tree_levels
from golden.overlap import FUNCTION_LATENCY, Machine, Operations, Phase, operations
from golden.schedule import Latencies
from golden.timing import Counters, UnpackedLayer, accumulate, unpack
from golden.trace import FIELDS, Trace, sort_events

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Layer:
    """A layer, and what its descriptor has more with cells."""

    matrix: UnpackedLayer
    more: dict[str, int]
    kind: Kind
    operations: Operations
    peephole: Ints
    """Weights of the peepholes, shape (pes, cells, 3)."""


class RoundModel:
    """Runs an image step by step, with all its states; `run` is one step of every stream."""

    def __init__(self, image: Image) -> None:
        self.image, self.config = image, image.config
        self.latencies = Latencies.of(image.config)
        words = layout.unpack(layout.descriptor(image.config), image.program)
        self.depth = int(np.flatnonzero(words["last"])[0]) + 1
        self.layers = [self._layer(words, number) for number in range(self.depth)]
        self.left = np.zeros((self.config.pes, self.config.cell_words), dtype=np.int64)
        """Left halves of the cell memories, shape (pes, cell_words); `right` the right ones."""
        self.right = np.zeros_like(self.left)
        self.lists: dict[int, list[tuple[Ints, Ints]]] = {}
        """Lists of activations: number -> of each group the indices and values."""
        self.parity = 0

    def _layer(self, words: dict[str, Ints], number: int) -> _Layer:
        image, config = self.image, self.config
        more = {name: int(words[name][number]) for name in layout.cell_descriptor(config)}
        matrix = unpack(image, words, number)
        kind, rows = Kind(more["kind"]), int(words["rows"][number]) + 1
        peephole = np.zeros((config.pes, rows, 3), dtype=np.int64)
        if kind is Kind.PEEPHOLES:
            first = more["peephole"]
            entries = image.entries[:, first : first + 3 * rows]
            code = layout.unpack(layout.entry(config), entries)["code"]
            peephole = matrix.decode(code).reshape(config.pes, rows, 3)
        return _Layer(
            matrix=matrix,
            more=more,
            kind=kind,
            operations=operations(config, kind, rows),
            peephole=peephole,
        )

    def run(
        self, x: ArrayLike, *, reset: Sequence[bool] | bool = False, answer: bool = True
    ) -> tuple[Trace, Counters]:
        """Trace and counters of one step; `x` is integer, shape (streams, n_in).

        reset: of each stream, its state is zero before this step. answer: the head runs, and
        outputs are handed over.
        """
        inputs = np.atleast_2d(np.asarray(x, dtype=np.int64))
        fresh = np.broadcast_to(np.asarray(reset, dtype=bool), self.config.streams)
        run = _Round(self, inputs, fresh, answer)
        self.parity ^= 1
        return run.trace, run.counters

    def list_number(self, place: int, *, alternates: int, stream: int, before: bool = False) -> int:
        """Number of a list in this step, or of its counterpart from the step before."""
        parity = (self.parity ^ before) & alternates
        return place + parity + stream * self.config.stream_lists


class _Round:
    """One step of all streams."""

    def __init__(self, model: RoundModel, x: Ints, fresh: NDArray[np.bool_], answer: bool) -> None:
        self.model, self.config, self.t = model, model.config, model.latencies
        self.fresh = fresh
        self._events: dict[str, list[Ints]] = {kind: [] for kind in FIELDS}
        for stream, row in enumerate(x):
            groups = np.arange(len(row)) % self.config.groups
            number = model.list_number(model.layers[0].more["source"], alternates=0, stream=stream)
            model.lists[number] = [
                (np.flatnonzero(here) // self.config.groups, row[here])
                for here in ((groups == group) & (row != 0) for group in range(self.config.groups))
            ]
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

    def _inputs(self, layer: _Layer, stream: int) -> tuple[Ints, Ints, Ints]:
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
        sums = np.zeros((self.config.pes, matrix.rows * gates), dtype=np.int64)
        np.add.at(sums, (owner[real], matrix.row[entry][real]), product[real])
        biases = self._biases(matrix, gates)
        target = self.model.list_number(
            more["target"], alternates=more["target_alternates"], stream=stream
        )
        cells = _Cells(self.model, layer, stream, fresh=bool(self.fresh[stream]))
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
        self.model.lists[target] = self._list(phase, out)

    def _results(
        self, one: Operation, cells: "_Cells", cycle: Ints, result: Ints, valued: Ints
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

    def _biases(self, matrix: UnpackedLayer, gates: int) -> Ints:
        """Bias of every row of every PE, shape (pes, rows)."""
        config, image = self.config, self.model.image
        first, rows = matrix.bias_base - config.column_depth, matrix.rows * gates
        table = image.biases[:, first : first + rows * config.group]
        every = table.reshape(config.groups, rows, config.group).transpose(0, 2, 1)
        return every.reshape(config.slots, rows)[: config.pes]

    def _list(self, phase: Phase, out: Ints) -> list[tuple[Ints, Ints]]:
        """Non-zero outputs (pes, rows) as a list: by group, in the order in which they come."""
        config = self.config
        found = []
        for group in range(config.groups):
            size = config.group_size(group)
            pes = group * config.group + np.arange(size)
            order = pes[np.argsort(phase.first[pes], kind="stable")]
            slot = order % config.group
            index = (np.arange(out.shape[1]) * config.group + slot[:, None]).reshape(-1)
            value = out[order].reshape(-1)
            found.append((index[value != 0], value[value != 0]))
        return found

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


class _Cells:
    """The cell memories of one layer and stream."""

    def __init__(self, model: RoundModel, layer: _Layer, stream: int, *, fresh: bool) -> None:
        self.model, self.layer, self.stream, self.fresh = model, layer, stream, fresh
        self.before: Ints = np.zeros(0, dtype=np.int64)

    def address(self, word: Word) -> Ints:
        """Where the cells' words are, shape (cells,)."""
        config, cell = self.model.config, np.arange(self.layer.matrix.rows)
        if word is Word.A:
            return self.stream * config.cells + self.layer.more["cell_base"] + cell
        return (config.streams + word - Word.B) * config.cells + cell

    def run(self, number: int, totals: Ints) -> tuple[Operation, Ints, Ints]:
        """One operation on all cells: it, its requantised total, and the value of its function.

        `totals` (pes, rows) are sums with biases.
        """
        kind, _, one = OPERATIONS[number]
        matrix, address = self.layer.matrix, self.address(one.word)
        gate = slice(one.gate, None, 4) if kind is not Kind.DENSE else slice(None)
        total = np.zeros((len(totals), matrix.rows), dtype=np.int64)
        if one.gate is not None or kind is Kind.DENSE:
            total = total + totals[:, gate]
        if one.left is not Left.NONE:
            left: Ints = {
                Left.MEMORY: self.model.left[:, address],
                Left.ONE: np.full_like(total, 1 << GATE_FRAC),
                Left.PEEPHOLE: self.layer.peephole[:, :, one.looks],
            }[one.left]
            right = self.model.right[:, address]
            total = total + left * (0 if one.old and self.fresh else right)
        if one.join:
            total = total + self.before
        self.before = total
        shift = {
            Shift.LAYER: matrix.shift,
            Shift.MORE: matrix.shift + 1,
            Shift.PRODUCT: GATE_FRAC,
        }[one.shift]
        result = saturate(round_half_even(total, shift), CELL_WIDTH)
        result = np.maximum(result, 0) if kind is Kind.DENSE and matrix.relu else result
        valued = self._function(one, result)
        if one.raw is not None:
            self.model.right[:, self.address(one.raw)] = result
        if one.half:
            half = self.model.left if one.half == "left" else self.model.right
            half[:, self.address(one.target)] = valued
        return one, result, valued

    def _function(self, one: Operation, result: Ints) -> Ints:
        """What the function unit makes of a result."""
        frac = self.model.config.state_frac
        if one.function is Function.TANH and one.raw is not None:
            return tanh(of_state(result, frac))
        function = {
            Function.IDENTITY: lambda v: v,
            Function.TANH: tanh,
            Function.SIGMOID: sigmoid,
            Function.COMPLEMENT: sigmoid_complement,
        }[one.function]
        value = function(result)
        return round_half_even(value, GATE_FRAC - frac) if one.narrow else value


def _pairs(pes: int, numbers: Ints) -> tuple[Ints, Ints]:
    """PE and number of every element of an array of shape (pes, numbers), flat."""
    pe, nth = np.indices((pes, len(numbers)))
    return pe.reshape(-1), numbers[nth.reshape(-1)]
