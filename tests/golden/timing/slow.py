"""Any engine in plain Python, cycle by cycle: for the tests of the fast model.

Written from docs/timing.md; every cycle looks only at what the cycles before have left. It is about
time: what LSTM and GRU cells are worth it takes from golden.arithmetic.run, and so it tells of a
gate only where and when it is written. Sums and fully connected layers it computes itself.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from golden.arithmetic.run import Runner
from golden.format.layer import Layer
from golden.format.network import Network
from golden.format.program import FIRST, PROGRAMS, Operation, Word
from golden.timing.trace import FIELDS
from golden.timing.unpack import Counters
from tests.golden.arithmetic.slow_functions import slow_sigmoid, slow_tanh
from tests.golden.arithmetic.slow_powers import slow_levels, slow_nearest, slow_terms, slow_word
from tests.golden.timing.slow_fifos import SlowFifos
from tests.golden.timing.slow_memories import Work, memories, place

Item = tuple[int, int, int]
"""An activation: group, index, value."""


def slow_requantise(total: int, shift: int, act_width: int, relu: bool) -> int:
    """Python rounds a Fraction half to even."""
    limit = 1 << (act_width - 1)
    value = max(-limit, min(limit - 1, round(Fraction(total, 1 << shift))))
    return max(0, value) if relu else value


def slow_activate(total: int, layer: Layer, network: Network) -> int:
    """Output of a fully connected layer for a sum with its bias."""
    relu, config = layer.activation == "relu", network.config
    if config.act_code != "linear" and layer is not network.layers[-1]:
        value = slow_nearest(config, Fraction(total, 1 << layer.shift))
        return max(0, value) if relu else value
    value = slow_requantise(total, layer.shift, config.act_width, relu)
    if layer.activation == "tanh":
        return slow_tanh(value)
    return slow_sigmoid(value) if layer.activation == "sigmoid" else value


@dataclass
class Phase:
    """A layer of a stream."""

    nth: int
    layer: int
    stream: int
    start: int
    waiting: deque[tuple[int, int]]
    """Column and value of what is not granted yet."""
    line: deque[tuple[int, int] | None]
    ended: deque[bool]
    sums: dict[tuple[int, int], int] = field(default_factory=dict)
    over: dict[int, int] = field(default_factory=dict)
    """PE -> cycle."""
    done: set[int] = field(default_factory=set)
    """PEs whose operations have begun."""
    outputs: list[tuple[int, int, int]] = field(default_factory=list)
    """Cycle, PE and local row of each."""
    fifos: SlowFifos | None = None
    """If groups have them."""
    handed: int = 0


@dataclass
class Pe:
    """Jobs of a PE: phase, address of the first entry, work, activation."""

    queue: deque[tuple[Phase, int, Work, int]] = field(default_factory=deque)
    running: deque[tuple[Phase, int, tuple[int, int] | None, int]] = field(default_factory=deque)


class SlowEngine:
    """Steps of all streams; `step` returns what happened, kind by kind, and the counters."""

    def __init__(self, network: Network) -> None:
        self.network, self.config = network, network.config
        c = self.config
        self.levels, leaves = 0, c.groups
        while leaves > 1:
            leaves, self.levels = -(-leaves // 4), self.levels + 1
        self.collected = 2 + c.stages.grant + c.stages.activations + self.levels
        self.status = 1 if c.pes <= 16 else 2 if c.pes <= 64 else 3
        self.lanes = 2 if c.entry_memory == "spram" else 1
        self.drain = 6 + c.stages.drain
        self.store = c.stages.store
        self.result = c.entry_stages + c.multiplier_stages + self.drain - (0 if c.cells else 2)
        self.values = Runner(network, c.streams)
        self.lists: dict[tuple[int, int], list[Item]] = {}
        """(layer, stream) -> outputs of the last step in which it ran, as written."""
        self.layers = memories(network)

    # -- one step ---------------------------------------------------------------------------------

    def step(
        self, x: np.ndarray, reset: Sequence[bool], answer: bool
    ) -> tuple[dict[str, list[tuple[int, ...]]], Counters]:
        """Events in order, and counters."""
        c, groups = self.config, self.config.groups
        self.events: dict[str, list[tuple[int, ...]]] = {kind: [] for kind in FIELDS}
        self.stalls, self.starved = 0, self.store * c.pes
        self.fresh, self.before = reset, dict(self.lists)
        self.values.reset(np.array(reset))
        self.values.step(x, answer=answer)
        sent = [[self._sent(int(v)) for v in row] for row in x]
        self.inputs = [
            [(j % groups, j // groups, v) for j, words in enumerate(row) for v in words if v]
            for row in sent
        ]
        depth = len(self.layers)
        if self.network.head is not None and not answer:
            depth = self.network.head
        self.order = [(layer, stream) for layer in range(depth) for stream in range(c.streams)]
        self.pes = [Pe() for _ in range(c.pes)]
        self.groups: list[deque[tuple[int, int, int, Operation] | None]] = [
            deque() for _ in range(groups)
        ]
        finish = self._run()
        self.events["finish"].append((finish,))
        self._results(finish, answer)
        counters = Counters(
            cycles=finish - 1,
            macs=len(self.events["commit"]),
            stalls=self.stalls,
            starved=self.starved,
        )
        return {kind: sorted(events) for kind, events in self.events.items()}, counters

    def _sent(self, value: int) -> list[int]:
        """What is sent of an input."""
        if self.config.act_code == "linear":
            return [value]
        return [slow_word(self.config, power) for power in slow_terms(self.config, value)]

    def _meant(self, word: int) -> int:
        """The activation that is sent so."""
        if self.config.act_code == "linear":
            return word
        values = [sign * level for level in slow_levels(self.config) for sign in (1, -1)]
        return next(value for value in values if slow_word(self.config, value) == word)

    def _run(self) -> int:
        """All phases; returns the cycle of finish."""
        full = deque([False] * self.status)
        front: Phase | None = self._begin(0, 1 + self.store)
        back: Phase | None = None
        arriving: deque[tuple[Phase, tuple[int, int]] | None]
        arriving = deque([None] * (1 + self.config.stages.push))
        cycle, end, begun = 1 + self.store, -1, 1
        while True:
            levels = [len(pe.queue) for pe in self.pes]
            quiet = front is not None and front.ended[-1]
            active = front or back
            assert active
            fifos = active.fifos
            if fifos:
                held, pushed = fifos.step(cycle, levels, quiet or front is None)
            else:
                margin = 1 + self.status + self.config.stages.push
                full.append(max(levels) >= self.config.queue_depth - margin)
                held, pushed = full.popleft(), [arriving.popleft()] * self.config.groups
            self.stalls += held and front is not None and not quiet
            stealing = self._operations(back, cycle) if back else set()
            if back and len(back.done) == len(self.pes) and not any(self.groups) and end < 0:
                end = cycle + self._late(back) + self.store
            for number, pe in enumerate(self.pes):
                self._pe(number, pe, cycle, number in stealing, front or back)
                if one := pushed[number // self.config.group]:
                    self._push(number, pe, cycle, *one)
            moved = self._move(front, cycle, held) if front and (fifos or not held) else None
            if fifos and front and moved:
                fifos.arrive((front, moved))
            arriving.append((front, moved) if front and moved else None)
            if back and cycle == end:
                self._written(back)
                back, end = None, -1
                if front is None and begun == len(self.order):
                    return cycle + 1
                if front is None:
                    front, begun = self._begin(begun, cycle + 1), begun + 1
            elif front and quiet and not back:
                back, front = front, None
                back.handed = cycle
                if self.config.streams > 1 and begun < len(self.order):
                    front, begun = self._begin(begun, cycle + 1), begun + 1
            cycle += 1

    def _begin(self, nth: int, cycle: int) -> Phase:
        """A phase whose first cycle is `cycle`."""
        layer, stream = self.order[nth]
        one, groups = self.layers[layer], self.config.groups
        self.events["layer"].append((cycle, layer, stream))
        source = self.lists[layer - 1, stream] if layer else self.inputs[stream]
        back: list[Item] = []
        if one.layer.n_back and not self.fresh[stream]:
            back = self.before.get((layer + one.layer.projected, stream), [])
        waiting = [
            (first + index * groups + group, value)
            for group in range(groups)
            for first, items in ((0, source), (one.back, back))
            for owner, index, value in items
            if owner == group
        ]
        stages = self.collected + self.config.broadcast_stages
        line: deque[tuple[int, int] | None] = deque([None] * stages)
        ended = deque([False] * stages)
        phase = Phase(nth, layer, stream, cycle, deque(waiting), line, ended)
        if self.config.stages.fifo:
            phase.fifos = SlowFifos(self.config, stages, self.levels)
        return phase

    def _move(self, front: Phase, cycle: int, stopped: bool) -> tuple[int, int] | None:
        """A step of all broadcasts; the one whose pointers are read in this cycle.

        Or, if groups have FIFOs, the one that comes to them.
        """
        more = front.waiting and not stopped
        front.line.appendleft(front.waiting.popleft() if more else None)
        if leaving := front.line[self.collected]:
            column, value = leaving
            self.events["broadcast"].append((cycle, self.layers[front.layer].base + column, value))
        front.ended.appendleft(front.line[0] is None and not front.waiting)
        front.ended.pop()
        return front.line.pop()

    def _pe(self, number: int, pe: Pe, cycle: int, stolen: bool, latest: Phase | None) -> None:
        """Issue, unless an operation runs; and pop."""
        free = not pe.running
        self.starved += free and not stolen
        if pe.running and not stolen:
            phase, address, entry, value = pe.running.popleft()
            self.events["issue"].append((cycle, number, address))
            free = not pe.running
            if entry:
                row, weight = entry
                total = phase.sums.get((number, row), 0) + weight * self._meant(value)
                phase.sums[number, row] = total
                commit = cycle + 1 + self.config.entry_stages + self.config.multiplier_stages
                self.events["commit"].append((commit, number, row, total))
        nth = cycle + 1 - latest.start if latest else 0
        if pe.queue and free and nth % self.lanes == number % self.config.group % self.lanes:
            phase, start, work, value = pe.queue.popleft()
            self.events["pop"].append((cycle, number))
            pe.running.extend((phase, start + n, one, value) for n, one in enumerate(work))

    def _push(
        self, number: int, pe: Pe, cycle: int, phase: Phase, arriving: tuple[int, int]
    ) -> None:
        column, value = arriving
        if column in self.layers[phase.layer].columns[number]:
            start, work = self.layers[phase.layer].columns[number][column]
            self.events["push"].append((cycle, number, start // self.lanes, len(work), value))
            pe.queue.append((phase, start, work, value))
            assert len(pe.queue) <= self.config.queue_depth

    def _operations(self, back: Phase, cycle: int) -> set[int]:
        """PEs of which an operation begins in this cycle; groups without one choose."""
        stealing = set()
        for number, pe in enumerate(self.pes):
            busy = any(job[0] is back for job in [*pe.queue, *pe.running])
            closed = back.handed + self.config.stages.push + 1
            if back.fifos:
                closed = back.fifos.closed.get(number // self.config.group, cycle + 1)
            if cycle >= closed and not busy:
                back.over.setdefault(number, cycle)
        for group, running in enumerate(self.groups):
            if running:
                if operation := running.popleft():
                    self._operation(back, cycle, *operation)
                    stealing.add(operation[0])
                continue
            size = self.config.group
            for pe in range(group * size, min((group + 1) * size, self.config.pes)):
                if (
                    pe not in back.done
                    and back.over.get(pe, cycle) + self.config.stages.choose < cycle
                ):
                    back.done.add(pe)
                    running.extend(self._program(back, pe))
                    break
        return stealing

    def _program(self, back: Phase, pe: int) -> list[tuple[int, int, int, Operation] | None]:
        """PE, number, cell and operation, cycle by cycle; None between two passes."""
        mine = self.layers[back.layer]
        number, found = FIRST[mine.kind], []
        for nth, ops in enumerate(PROGRAMS[mine.kind]):
            found += [None] * (self.config.multiplier_stages + self.drain + 5 if nth else 0)
            for cell in range(mine.rows):
                found += [(pe, number + n, cell, one) for n, one in enumerate(ops)]
            number += len(ops)
        return found

    def _operation(
        self, back: Phase, cycle: int, pe: int, number: int, cell: int, one: Operation
    ) -> None:
        """An operation begins; where and when its results are written."""
        if self.config.cells:
            self.events["operation"].append((cycle, pe, number, cell))
        result, c = cycle + self.result, self.config
        state = back.stream * c.cells + self.layers[back.layer].first_cell + cell
        if one.output:
            back.outputs.append((cycle + self._late(back), pe, cell))
        if one.raw is not None:
            self.events["gate"].append((result, pe, 1, state))
        if one.half:
            other = (c.streams + one.target - Word.B) * c.cells + cell
            address = state if one.target is Word.A else other
            self.events["gate"].append((result + 5, pe, int(one.half == "right"), address))

    def _late(self, back: Phase) -> int:
        """Cycles from an operation to its output; a function takes 5 more."""
        function = self.layers[back.layer].layer.activation in ("tanh", "sigmoid")
        return self.result + 5 * function

    def _written(self, back: Phase) -> None:
        """A phase has ended: its outputs as a list."""
        items, size = [], self.config.group
        for cycle, pe, row in sorted(back.outputs):
            out = self._output(back, pe, row)
            self.events["drain"].append((cycle, pe, row, out))
            if out:
                items.append((pe // size, row * size + pe % size, out))
        self.lists[back.layer, back.stream] = items

    def _output(self, back: Phase, pe: int, row: int) -> int:
        """What a row of a PE is worth; 0 when it has none."""
        layer = self.layers[back.layer].layer
        number = {place(self.config, int(p)): n for n, p in enumerate(layer.position)}.get(
            (pe, row)
        )
        if number is None:
            return 0
        if layer.kind.gates > 1:
            return int(self.values.outputs[back.layer][back.stream, number])
        total = back.sums.get((pe, row), 0) + int(layer.bias[number])
        out = slow_activate(total, layer, self.network)
        last = layer is self.network.layers[-1]
        return out if self.config.act_code == "linear" or last else slow_word(self.config, out)

    def _results(self, finish: int, answer: bool) -> None:
        """Stream by stream; and when all is done."""
        leaves, levels = -(-self.config.pes // 16), 0
        while leaves > 1:
            leaves, levels = -(-leaves // 4), levels + 1
        start, done = finish, finish + 1 + levels + self.config.stages.count
        for stream in range(self.config.streams if answer else 0):
            items = sorted(self.lists[len(self.layers) - 1, stream], key=lambda item: item[0])
            for n, (group, index, value) in enumerate(items):
                taken = start + n + 1 + self.collected
                position = index * self.config.groups + group
                self.events["output"].append((taken, position, value, stream))
                done = max(done, taken + 1)
            quiet = start + len(items) + self.collected + self.config.broadcast_stages
            done, start = max(done, quiet), quiet + 1
        self.events["done"].append((done,))


def as_lists(events: dict[str, np.ndarray]) -> dict[str, list[tuple[Any, ...]]]:
    """A trace's arrays as lists of tuples."""
    return {kind: [tuple(int(v) for v in row) for row in rows] for kind, rows in events.items()}
