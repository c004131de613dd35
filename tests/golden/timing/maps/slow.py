"""An engine with maps in plain Python, cycle by cycle: for the tests of the fast model.

Written from docs/timing.md ("Maps") and docs/convolution.md; every cycle looks only at what the
cycles before have left. A PE knows where it is from its tokens only.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from golden.format.network import Network
from golden.timing.trace import FIELDS, MAP_FIELDS
from golden.timing.unpack import Counters
from tests.golden.timing.maps.slow_columns import Entries, Reader, Slow, maps_of, slow_layers
from tests.golden.timing.slow import slow_requantise

Rows = list[list[list[tuple[int, int]]]]
"""A map: by row and group, the index and value of each item."""
Sent = tuple[int, int, int]
"""Column, base and value."""


@dataclass
class Beat:
    """What is granted in a beat."""

    row: tuple[int, int] | None = None
    """Source and number of a row that begins."""
    everywhere: Sent | None = None
    own: dict[int, Sent] = field(default_factory=dict)
    token: int | None = None
    """The output row that it ends."""


@dataclass
class Pe:
    """A PE."""

    queue: deque[Beat | tuple[int, Entries, int, int]] = field(default_factory=deque)
    """Tokens; and jobs: first entry, entries, base, value."""
    running: deque[tuple[int, int, int | None, int, int]] = field(default_factory=deque)
    """Address, local row, weight, base and value of each entry that is left."""
    state: int = 0
    sums: dict[int, int] = field(default_factory=dict)
    ended: list[int] = field(default_factory=list)
    """Cycles of tokens that ended a row."""


@dataclass
class Drains:
    """A group's."""

    steps: deque[tuple[int, int, int, bool]] = field(default_factory=deque)
    """PE, sum's unit, output and whether the window ends, of the drain under way."""
    over: list[int] = field(default_factory=list)
    """Cycle of each drain's last step."""
    window: list[int] = field(default_factory=list)
    row: list[tuple[int, int]] = field(default_factory=list)


class SlowMaps:
    """One inference; `events` and `counters` are what happened."""

    def __init__(self, network: Network) -> None:
        self.network, self.config = network, network.config
        c = self.config
        levels, leaves = 0, c.groups
        while leaves > 1:
            leaves, levels = -(-leaves // 4), levels + 1
        self.sent = 3 + c.stages.activations + levels
        self.read = self.sent + c.broadcast_stages
        self.status = 1 if c.pes <= 16 else 2 if c.pes <= 64 else 3
        self.result = c.entry_stages + c.multiplier_stages + 4 + c.stages.drain
        self.layers, self.maps = slow_layers(network), maps_of(network)

    def run(self, x: list[int]) -> tuple[dict[str, list[tuple[int, ...]]], Counters]:
        """Events by kind, and counters, for an input in the order channel, row, column."""
        self.events = {kind: [] for kind in (*FIELDS, *MAP_FIELDS)}
        self.stalls = self.busy = 0
        self.lists: list[Rows] = [self._input(x)]
        cycle = 1
        for number, layer in enumerate(self.layers):
            cycle += 1 + len(layer.readers)
            self.events["layer"].append((cycle, number, 0))
            cycle = self._layer(layer, cycle)
        self.events["finish"].append((cycle,))
        self._results(cycle)
        counters = Counters(
            cycles=cycle - 1,
            macs=len(self.events["commit"]),
            stalls=self.stalls,
            starved=self.config.pes * (cycle - 1) - self.busy,
        )
        return {kind: sorted(events) for kind, events in self.events.items()}, counters

    def _input(self, x: list[int]) -> Rows:
        given, values = self.maps[0], iter(x)
        channels, rows, columns = given.shape
        found: list[list[dict[int, int]]] = [
            [{} for _ in range(self.config.groups)] for _ in range(rows)
        ]
        for channel in range(channels):
            for row in range(rows):
                for column in range(columns):
                    unit = column % given.phases * channels + channel
                    index = (column // given.phases << given.bits) + given.place[unit]
                    if value := next(values):
                        found[row][given.group[unit]][index] = value
        return [[sorted(group.items()) for group in row] for row in found]

    # -- beats -------------------------------------------------------------------------------------

    def _beats(self, one: Slow) -> Iterator[Beat]:
        """Beat by beat."""
        yield Beat(token=-1 - one.lead)
        sent = [0] * len(one.readers)
        for output in range(-one.lead, one.shape[0]):
            for number, reader in enumerate(one.readers):
                step, kernel = reader.step, reader.source.kernel[0]
                due = output * step + kernel - reader.source.pad[0]
                while sent[number] < min(due, reader.given.shape[1]):
                    phase = step - (due - sent[number])
                    yield from self._row(number, reader, phase, sent[number])
                    sent[number] += 1
                last = number == len(one.readers) - 1
                yield Beat(token=output if last else None)

    def _row(self, number: int, reader: Reader, phase: int, row: int) -> Iterator[Beat]:
        groups = self.config.groups
        yield Beat(row=(number, row))
        for _ in range(1 + self.config.stages.activations):
            yield Beat()
        if phase < reader.skipped:
            return
        items = [deque(g) for g in self.lists[reader.source.layer + 1][row]]

        def made(group: int) -> Sent:
            index, value = items[group].popleft()
            column = reader.column(
                phase - reader.skipped, index % (1 << reader.shift), group, groups
            )
            base = 0 if self.flat else ((index >> reader.shift) << reader.more) + reader.first
            return column, base, value

        while any(items):
            if reader.local:
                yield Beat(own={g: made(g) for g in range(groups) if items[g]})
                continue
            for group in range(groups):
                if items[group]:
                    yield Beat(everywhere=made(group))

    # -- cycles ------------------------------------------------------------------------------------

    def _layer(self, one: Slow, cycle: int) -> int:
        """All of a layer; the cycle after its last output."""
        c = self.config
        self.flat = one.flat
        pes, groups = [Pe() for _ in range(c.pes)], [Drains() for _ in range(c.groups)]
        # Behind the last beat the line moves on until that has left it.
        order, line = deque([*self._beats(one)] + [Beat()] * self.read), deque([Beat()] * self.read)
        arriving: deque[Beat] = deque([Beat()] * (1 + c.stages.push))
        full = deque([False] * self.status)
        rows: Rows = [[[] for _ in groups] for _ in range(one.shape[0] // one.pool[0])]
        threshold = c.queue_depth - (1 + self.status + c.stages.push)
        while order or any(len(group.over) < len(rows) for group in groups):
            full.append(max(len(pe.queue) for pe in pes) >= threshold)
            held = full.popleft()
            stolen = {
                self._drain(one, n, group, pes, rows, cycle) for n, group in enumerate(groups)
            }
            for number, pe in enumerate(pes):
                self._pe(one, number, pe, groups[number // c.group], number in stolen, cycle)
            self._push(one, arriving.popleft(), pes, cycle)
            self.stalls += held and len(order) > 0
            moved = Beat()
            if order and not held:
                line.append(order.popleft())
                if line[-1].row:
                    self.events["row"].append((cycle, *line[-1].row))
                self._sent(line[-1 - self.sent], cycle)
                moved = line.popleft()
            arriving.append(moved)
            cycle += 1
        self.lists.append(rows)
        return max(group.over[-1] for group in groups) + self.result + 1

    def _sent(self, beat: Beat, cycle: int) -> None:
        if beat.everywhere:
            self.events["broadcast"].append((cycle, beat.everywhere[0], beat.everywhere[2]))
        for group, (column, _, value) in beat.own.items():
            self.events["local"].append((cycle, group, column, value))

    def _push(self, one: Slow, beat: Beat, pes: list[Pe], cycle: int) -> None:
        for number, pe in enumerate(pes):
            sent = beat.everywhere or beat.own.get(number // self.config.group)
            if beat.token is not None:
                pe.queue.append(beat)
            elif sent and sent[0] in one.columns[number]:
                start, entries = one.columns[number][sent[0]]
                event = (cycle, number, start, len(entries), sent[2])
                self.events["push"].append(event)
                pe.queue.append((start, entries, sent[1], sent[2]))
            assert len(pe.queue) <= self.config.queue_depth

    def _pe(self, one: Slow, number: int, pe: Pe, group: Drains, stolen: bool, cycle: int) -> None:
        c = self.config
        self.busy += stolen
        if pe.running and not stolen:
            self._issue(one, number, pe, cycle)
        if pe.running or not pe.queue:
            return
        head = pe.queue[0]
        if not isinstance(head, Beat):
            pe.queue.popleft()
            self.events["pop"].append((cycle, number))
            start, entries, base, value = head
            pe.running.extend((start + n, *entry, base, value) for n, entry in enumerate(entries))
            return
        assert head.token is not None
        if head.token >= 0:
            freed = sum(over <= cycle - 2 for over in group.over) * one.pool[0]
            if len(pe.ended) - freed + 1 + one.live > c.maps.rows:
                return
            pe.ended.append(cycle)
        pe.queue.popleft()
        pe.state = head.token + 1
        slot = 0 if self.flat else pe.state % c.maps.rows
        self.events["token"].append((cycle, number, slot))

    def _issue(self, one: Slow, number: int, pe: Pe, cycle: int) -> None:
        c, rows = self.config, 1 if self.flat else self.config.maps.rows
        address, n, weight, base, value = pe.running.popleft()
        self.events["issue"].append((cycle, number, address))
        self.busy += 1
        unit, output = base + n // rows, pe.state + n % rows
        if weight is None or not (0 <= unit < one.sums and 0 <= output < one.shape[0]):
            return
        place = unit * rows + output % rows
        pe.sums[place] = pe.sums.get(place, 0) + weight * value
        commit = cycle + 1 + c.entry_stages + c.multiplier_stages
        self.events["commit"].append((commit, number, place, pe.sums[place]))

    def _drain(
        self, one: Slow, number: int, group: Drains, pes: list[Pe], rows: Rows, cycle: int
    ) -> int:
        """A step, of which PE; or -1."""
        c, size = self.config, self.config.group
        mine = range(number * size, min((number + 1) * size, c.pes))
        nth = len(group.over)
        if not group.steps:
            needed = (nth + 1) * one.pool[0]
            ready = all(sum(e <= cycle - 2 for e in pes[pe].ended) >= needed for pe in mine)
            if ready and nth < len(rows):
                group.steps.extend(self._steps(one, nth, mine))
            return -1
        pe, place, output, ends = group.steps.popleft()
        self.events["steal"].append((cycle, pe, place))
        units = one.sums if one.flat else 1 << one.unit_bits
        bias = one.bias.get((pe, output % units), 0)
        total = pes[pe].sums.pop(place, 0) + bias
        relu = one.layer.activation == "relu"
        group.window.append(slow_requantise(total, one.layer.shift, c.act_width, relu))
        if ends:
            value = max(group.window)
            group.window.clear()
            self.events["drain"].append((cycle + self.result, pe, output, value))
            if value:
                rows[nth][number].append((output * size + pe % size, value))
        if not group.steps:
            group.over.append(cycle)
            length = len(rows[nth][number])
            self.events["length"].append((cycle + self.result + 1, number, length))
        return pe

    def _steps(self, one: Slow, nth: int, mine: range) -> Iterator[tuple[int, int, int, bool]]:
        """PE, address, output, and whether it is a window's last."""
        units, (deep, wide) = 1 << one.unit_bits, one.pool
        ring = self.config.maps.rows
        for output in range(one.sums // wide):
            i, unit = divmod(output, units)
            for pe in mine:
                for dy in range(deep):
                    for dx in range(wide):
                        place = ((i * wide + dx) * units + unit) * ring + (nth * deep + dy) % ring
                        ends = (dy, dx) == (deep - 1, wide - 1)
                        yield pe, output if one.flat else place, output, ends

    def _results(self, finish: int) -> None:
        c, groups = self.config, self.config.groups
        items = [deque(group) for group in self.lists[-1][0]]
        start, n = finish + 3 + c.stages.activations, 0
        last = start
        while any(items):
            for group in range(groups):
                if items[group]:
                    index, value = items[group].popleft()
                    taken = start + n + 1 + self.sent
                    event = (taken, index * groups + group, value, 0)
                    self.events["output"].append(event)
                    n, last = n + 1, taken + 1
        leaves, levels = -(-c.pes // 16), 0
        while leaves > 1:
            leaves, levels = -(-leaves // 4), levels + 1
        counted = finish + 1 + levels + c.stages.count
        self.events["done"].append((max(counted, start + n + self.read, last),))
