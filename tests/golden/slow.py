"""The specification in plain Python, one step at a time: for the tests of the fast one."""

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from golden.network import Layer, Network
from golden.trace import FIELDS

Entry = tuple[int, int]
"""code, run"""


def slow_encode(run_width: int, column: dict[int, int]) -> list[Entry]:
    """Entries of one column of one PE: {row: code} -> [(code, run)].

    As the docstring of golden.csc says: a run counts the rows to skip since the last entry; all
    ones is padding, which skips that many rows and carries nothing.
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
    """One PE: its queue, what it runs, its sums."""

    columns: dict[int, tuple[int, list[tuple[int, int] | None]]] = field(default_factory=dict)
    queue: deque[Job] = field(default_factory=deque)
    running: list[tuple[int, tuple[int, int] | None, int]] = field(default_factory=list)
    level: dict[int, int] = field(default_factory=dict)
    """Jobs in the queue at the end of a cycle."""
    busy: dict[int, bool] = field(default_factory=dict)
    """Whether it had or ran a job in a cycle."""
    sums: dict[int, int] = field(default_factory=dict)


class SlowEngine:
    """One inference, cycle by cycle: DESIGN 5 and 6, and the prose of golden.timing and .config.

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
        self.status = 1 if c.pes <= 16 else 2
        self.margin = 3 + self.levels + c.broadcast_stages + self.status
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
            self.events["layer"].append((cycle, number))
            pes = self._memories(layer, inputs)
            cycle = self._broadcasts(pes, waiting, cycle)
            cycle, waiting, steps = self._drain(layer, pes, cycle)
            self.next_column += columns
            columns, inputs = steps * groups, [int(p) for p in layer.position]
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
                pe.columns[column] = (self.next_entry[number], work)
                self.next_entry[number] += len(work)
            pes.append(pe)
        return pes

    def _broadcasts(self, pes: list[Pe], waiting: list[tuple[int, int, int]], start: int) -> int:
        """Until all PEs are known to be idle; returns the first cycle of the drain."""
        c = self.config
        lists = [deque(e for e in waiting if e[0] == g) for g in range(c.groups)]
        pushes: dict[int, list[tuple[int, int]]] = {}
        wait = 0
        cycle = start
        while True:
            for pe in pes:
                pe.busy[cycle] = bool(pe.queue) or bool(pe.running)
            full = any(
                pe.level.get(cycle - self.status - 1, 0) >= c.queue_depth - self.margin
                for pe in pes
            )
            pending = any(lists)
            granted = pending and not full
            self.stalls += pending and full
            if granted:
                group = next(g for g, elements in enumerate(lists) if elements)
                _, index, value = lists[group].popleft()
                column = index * c.groups + group
                shown = cycle + 2 + self.levels  # memory, tree, address
                self.events["broadcast"].append((shown, self.next_column + column, value))
                # To the PEs, then the pointer is read.
                pushes.setdefault(shown + c.broadcast_stages + 1, []).append((column, value))
            for number, pe in enumerate(pes):
                self._pe(number, pe, cycle, pushes.get(cycle, []))
            idle = (
                not pending
                and not wait
                and not any(pe.busy.get(cycle - self.status, False) for pe in pes)
            )
            # A grant shows in `busy` after its push, one cycle in the queue, and the status.
            settle = 3 + self.levels + c.broadcast_stages + self.status
            wait = settle if granted else max(0, wait - 1)
            cycle += 1
            if idle:
                return cycle + max(0, 2 + c.multiplier_stages - self.status)

    def _pe(self, number: int, pe: Pe, cycle: int, pushes: list[tuple[int, int]]) -> None:
        """One PE in one cycle: issue, pop, push."""
        last = len(pe.running) <= 1
        if pe.running:
            address, entry, value = pe.running.pop(0)
            self.events["issue"].append((cycle, number, address))
            if entry:
                row, weight = entry
                pe.sums[row] = pe.sums.get(row, 0) + weight * value
                commit = cycle + 3 + self.config.multiplier_stages
                self.events["commit"].append((commit, number, row, pe.sums[row]))
                self.macs += 1
        else:
            self.starved += 1
        if pe.queue and last:
            job = pe.queue.popleft()
            self.events["pop"].append((cycle, number))
            pe.running = [(job.start + n, e, job.value) for n, e in enumerate(job.work)]
        for column, value in pushes:
            if column in pe.columns:
                start, work = pe.columns[column]
                self.events["push"].append((cycle, number, start, len(work), value))
                pe.queue.append(Job(start, work, value))
                assert len(pe.queue) <= self.config.queue_depth
        pe.level[cycle] = len(pe.queue)

    def _drain(
        self, layer: Layer, pes: list[Pe], start: int
    ) -> tuple[int, list[tuple[int, int, int]], int]:
        """Biases, rounding; returns the next layer's first cycle and input, and the steps."""
        c = self.config
        places = [self._place(int(position)) for position in layer.position]
        steps = (max(row for _, row, _ in places) + 1) * c.group
        bias = {(pe, row): int(layer.bias[j]) for j, (pe, row, _) in enumerate(places)}
        waiting = []
        for index in range(steps):
            for group in range(c.groups):
                pe, row = group * c.group + index % c.group, index // c.group
                if pe >= c.pes:
                    continue
                total = pes[pe].sums.get(row, 0) + bias.get((pe, row), 0)
                out = slow_requantise(total, layer.shift, c.act_width, layer.activation == "relu")
                # Read, select, add, then three to requantise.
                self.events["drain"].append((start + index + 6, pe, row, out))
                if out:
                    waiting.append((group, index, out))
        return start + steps + 6, waiting, steps

    def _outputs(self, waiting: list[tuple[int, int, int]], start: int) -> None:
        """The results leave as broadcasts do, and each is offered a cycle later."""
        self.events["finish"].append((start,))
        cycle, done = start, start
        for group in range(self.config.groups):
            for element in waiting:
                if element[0] == group:
                    position = element[1] * self.config.groups + group
                    self.events["output"].append((cycle + 3 + self.levels, position, element[2]))
                    done = cycle + 1 + self.margin
                    cycle += 1
        self.events["done"].append((done,))

    def sorted_events(self) -> dict[str, list[tuple[int, ...]]]:
        """As golden.trace orders them."""
        return {kind: sorted(events) for kind, events in self.events.items()}


def as_lists(events: dict[str, np.ndarray]) -> dict[str, list[tuple[Any, ...]]]:
    """A trace's arrays as lists of tuples."""
    return {kind: [tuple(int(v) for v in row) for row in rows] for kind, rows in events.items()}
