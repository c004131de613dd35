"""The specification in plain Python, one step at a time: for the tests of the fast one."""

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from golden.format.layer import Layer
from golden.format.network import Network
from golden.timing.trace import FIELDS

Entry = tuple[int, int]
"""code, run"""


def slow_encode(run_width: int, column: dict[int, int]) -> list[Entry]:
    """Entries of one column of one PE: {row: code} -> [(code, run)].

    As the docstring of golden.format.csc says: a run counts the rows to skip since the last entry;
    all ones is padding, which skips that many rows and carries nothing.
    """
    longest = (1 << run_width) - 1
    entries, row = [], 0
    for target in sorted(column):
        while target - row >= longest:
            entries.append((0, longest))
            row += longest
        entries.append((column[target], target - row))
        row = target + 1
    return entries


def slow_requantise(total: int, shift: int, act_width: int, relu: bool) -> int:
    """Python rounds a Fraction half to even."""
    limit = 1 << (act_width - 1)
    value = max(-limit, min(limit - 1, round(Fraction(total, 1 << shift))))
    return max(0, value) if relu else value


@dataclass
class Job:
    """A column of one PE, waiting with its activation."""

    start: int
    work: list[tuple[int, int] | None]
    """(row, weight) of each entry; None for padding."""
    value: int


@dataclass
class Pe:
    """One PE: its queue, what it runs, its sums, how far its drain is."""

    columns: dict[int, tuple[int, list[tuple[int, int] | None]]] = field(default_factory=dict)
    queue: deque[Job] = field(default_factory=deque)
    running: list[tuple[int, tuple[int, int] | None, int]] = field(default_factory=list)
    sums: dict[int, int] = field(default_factory=dict)
    finished: int | None = None
    """First cycle in which it knows that it has issued all of the layer's entries."""
    drained: bool = False


@dataclass
class GroupDrain:
    """What the drain unit of a group is doing."""

    pe: int = -1
    row: int = 0
    busy: bool = False


class SlowEngine:
    """One inference, cycle by cycle: DESIGN 5 and 6, and docs/timing.md.

    Nothing is computed ahead: every cycle looks only at what the cycles before have left.
    """

    def __init__(self, network: Network, x: list[int]) -> None:
        self.network, self.config = network, network.config
        self.events: dict[str, list[tuple[int, ...]]] = {kind: [] for kind in FIELDS}
        self.stalls = self.starved = self.macs = 0
        c = self.config
        self.levels, leaves = 0, -(-c.pes // c.group)
        while leaves > 1:  # one register for every level of a tree of four-input nodes
            leaves, self.levels = -(-leaves // 4), self.levels + 1
        self.status = 1 if c.pes <= 16 else 2 if c.pes <= 64 else 3
        self.lanes = 2 if c.entry_memory == "spram" else 1
        self.next_entry = [0] * c.pes
        self.next_column = 0
        self._run(x)

    def _run(self, x: list[int]) -> None:
        groups = self.config.groups
        # (group, index, value), a group's in the order in which they were written.
        waiting = [(j % groups, j // groups, value) for j, value in enumerate(x) if value]
        columns = -(-len(x) // groups) * groups
        inputs = list(range(len(x)))
        cycle = 1
        for number, layer in enumerate(self.network.layers):
            self.events["layer"].append((cycle, number, 0))
            rows = max(self._place(int(position))[1] for position in layer.position) + 1
            pes = self._memories(layer, inputs)
            cycle, waiting = self._layer(layer, pes, waiting, cycle, rows)
            self.next_column += columns
            columns = rows * self.config.group * groups
            inputs = [int(p) for p in layer.position]
        self._outputs(waiting, cycle)

    def _place(self, position: int) -> tuple[int, int, int]:
        """PE, local row and index within the group of a position (Layer.position)."""
        group, index = position % self.config.groups, position // self.config.groups
        slot = index % self.config.group
        return group * self.config.group + slot, index // self.config.group, index

    def _memories(self, layer: Layer, inputs: list[int]) -> list[Pe]:
        """What each PE stores of one layer."""
        slices: list[dict[int, dict[int, tuple[int, int]]]] = [{} for _ in range(self.config.pes)]
        for nth, (row, weight) in enumerate(
            zip(layer.rows, layer.weights(self.config), strict=True)
        ):
            pe, local, _ = self._place(int(layer.position[row]))
            column = inputs[int(layer.columns[nth])]
            slices[pe].setdefault(column, {})[local] = (nth, int(weight))
        pes = []
        for number, columns in enumerate(slices):
            pe = Pe()
            for column in sorted(columns):
                rows = columns[column]
                work: list[tuple[int, int] | None] = []
                row = 0
                coded = slow_encode(self.config.run_width, dict.fromkeys(rows, 0))
                for _, run in coded:
                    row += run
                    if run == (1 << self.config.run_width) - 1:
                        work.append(None)
                        continue
                    work.append((row, rows[row][1]))
                    row += 1
                assert self.next_entry[number] % self.lanes == 0
                pe.columns[column] = (self.next_entry[number], work)
                self.next_entry[number] += len(work) + len(work) % self.lanes
            pes.append(pe)
        return pes

    def _layer(
        self,
        layer: Layer,
        pes: list[Pe],
        waiting: list[tuple[int, int, int]],
        start: int,
        rows: int,
    ) -> tuple[int, list[tuple[int, int, int]]]:
        """One layer; returns the next one's first cycle and its input."""
        c = self.config
        lists = [deque(e for e in waiting if e[0] == g) for g in range(c.groups)]
        # Registers between the grant and the read of the pointers; they move in step or not at all.
        stages = 2 + self.levels + c.broadcast_stages
        line: deque[tuple[int, int] | None] = deque([None] * stages)
        ended = deque([False] * stages)  # travels beside: nothing more comes
        full = deque([False] * self.status)
        drains = [GroupDrain() for _ in range(c.groups)]
        outputs: list[tuple[int, int, int]] = []
        arriving, closed, cycle, last = None, False, start, 0
        while not all(pe.drained for pe in pes) or any(drain.busy for drain in drains):
            margin = self.status + 1
            full.append(any(len(pe.queue) >= c.queue_depth - margin for pe in pes))
            held, over = full.popleft(), ended[-1]
            self.stalls += held and not over
            for number, pe in enumerate(pes):
                self._pe(number, pe, cycle - start, cycle, arriving, closed)
            for group, drain in enumerate(drains):
                if self._drain(drain, pes, group, cycle, rows):
                    outputs.append((cycle, drain.pe, drain.row - 1))
                    last = cycle
            arriving, closed = None, over
            if not held:
                line.appendleft(self._grant(lists))
                if leaving := line[2 + self.levels]:
                    column, value = leaving
                    self.events["broadcast"].append((cycle, self.next_column + column, value))
                arriving = line.pop()
                ended.appendleft(line[0] is None)
                ended.pop()
            cycle += 1
        return last + 6, self._activations(layer, pes, outputs)

    def _grant(self, lists: list[deque[tuple[int, int, int]]]) -> tuple[int, int] | None:
        """Column and value of the next activation, the lowest group's first."""
        for group, elements in enumerate(lists):
            if elements:
                _, index, value = elements.popleft()
                return index * self.config.groups + group, value
        return None

    def _pe(
        self,
        number: int,
        pe: Pe,
        nth: int,
        cycle: int,
        arriving: tuple[int, int] | None,
        closed: bool,
    ) -> None:
        """One PE in the layer's cycle number `nth`: issue, pop, push."""
        issuing, last = bool(pe.running), len(pe.running) <= 1
        if issuing:
            address, entry, value = pe.running.pop(0)
            self.events["issue"].append((cycle, number, address))
            if entry:
                row, weight = entry
                pe.sums[row] = pe.sums.get(row, 0) + weight * value
                commit = cycle + 1 + self.config.entry_stages + self.config.multiplier_stages
                self.events["commit"].append((commit, number, row, pe.sums[row]))
                self.macs += 1
        elif closed and not pe.queue and pe.finished is None:
            pe.finished = cycle
        self.starved += not issuing and pe.finished is None
        turn = (nth + 1) % self.lanes == number % self.config.group % self.lanes
        if pe.queue and last and turn:
            job = pe.queue.popleft()
            self.events["pop"].append((cycle, number))
            pe.running = [(job.start + n, e, job.value) for n, e in enumerate(job.work)]
        if arriving and arriving[0] in pe.columns:
            start, work = pe.columns[arriving[0]]
            word = start // self.lanes
            self.events["push"].append((cycle, number, word, len(work), arriving[1]))
            pe.queue.append(Job(start, work, arriving[1]))
            assert len(pe.queue) <= self.config.queue_depth

    def _drain(self, drain: GroupDrain, pes: list[Pe], group: int, cycle: int, rows: int) -> bool:
        """One cycle of a group's drain; whether it reads a sum."""
        if drain.busy:
            drain.row += 1
            drain.busy = drain.row < rows
            return True
        first = group * self.config.group
        for number in range(first, min(first + self.config.group, self.config.pes)):
            pe = pes[number]
            # The last entry must have gone through decode, multiply and add.
            wait = self.config.entry_stages + self.config.multiplier_stages
            if not pe.drained and pe.finished is not None and pe.finished + wait <= cycle:
                pe.drained = drain.busy = True
                drain.pe, drain.row = number, 0
                break
        return False

    def _activations(
        self, layer: Layer, pes: list[Pe], reads: list[tuple[int, int, int]]
    ) -> list[tuple[int, int, int]]:
        """Biases, rounding; the next layer's input."""
        c = self.config
        bias = {self._place(int(p))[:2]: int(layer.bias[j]) for j, p in enumerate(layer.position)}
        waiting = []
        for cycle, pe, row in reads:
            total = pes[pe].sums.get(row, 0) + bias.get((pe, row), 0)
            out = slow_requantise(total, layer.shift, c.act_width, layer.activation == "relu")
            # Read, add, then three to requantise and one to be there.
            self.events["drain"].append((cycle + 5, pe, row, out))
            if out:
                waiting.append((pe // c.group, row * c.group + pe % c.group, out))
        return waiting

    def _outputs(self, waiting: list[tuple[int, int, int]], start: int) -> None:
        """The results leave as broadcasts do, and each is offered a cycle later."""
        self.events["finish"].append((start,))
        cycle = done = start
        for group in range(self.config.groups):
            for element in waiting:
                if element[0] == group:
                    position = element[1] * self.config.groups + group
                    self.events["output"].append((cycle + 3 + self.levels, position, element[2], 0))
                    cycle += 1
                    done = cycle + 3 + self.levels
        quiet = cycle + 2 + self.levels + self.config.broadcast_stages
        self.events["done"].append((max(done, quiet),))

    def sorted_events(self) -> dict[str, list[tuple[int, ...]]]:
        """As golden.timing.trace orders them."""
        return {kind: sorted(events) for kind, events in self.events.items()}


def as_lists(events: dict[str, np.ndarray]) -> dict[str, list[tuple[Any, ...]]]:
    """A trace's arrays as lists of tuples."""
    return {kind: [tuple(int(v) for v in row) for row in rows] for kind, rows in events.items()}
