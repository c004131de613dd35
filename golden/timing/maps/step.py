"""The events of one inference of a network with maps (docs/timing.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.integers import round_half_even, saturate
from golden.config import EngineConfig
from golden.timing.maps.machine import Cycles, Machine, Plan
from golden.timing.maps.memory import MapMemory, Row
from golden.timing.maps.order import EVERY, Order, order_of
from golden.timing.maps.sums import Additions, Takings, resolve
from golden.timing.maps.unpack import MapLayer
from golden.timing.phase import within
from golden.timing.schedule import Latencies
from golden.timing.trace import FIELDS, MAP_FIELDS, Trace, sort_events
from golden.timing.unpack import Counters

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """A layer, what it broadcasts, and when."""

    layer: MapLayer
    order: Order
    plan: Plan
    cycles: Cycles
    column: Ints
    """Of each beat's broadcast to each group, counted from the layer's first, (beats, groups)."""
    base: Ints
    """Likewise."""
    value: Ints
    """Likewise."""


class MapStep:
    """Runs one inference; `trace` and `counters` are what happened."""

    def __init__(
        self,
        *,
        config: EngineConfig,
        layers: Sequence[MapLayer],
        memory: MapMemory,
        x: Ints,
    ) -> None:
        """`x` (rows, items): the input as golden.maps.grid.arrange has it."""
        self.config, self.layers, self.memory = config, layers, memory
        self.t = Latencies.of(config)
        self._group = np.arange(config.pes) // config.group
        self._kinds = {**FIELDS, **MAP_FIELDS}
        self._events: dict[str, list[Ints]] = {kind: [] for kind in self._kinds}
        self._busy = self._stalls = 0
        self._input(x)
        finish = 1
        for number, layer in enumerate(layers):
            # First its words are read.
            finish = self._layer(number, finish + 1 + len(layer.sources))
        self._outputs(finish)
        self.trace = Trace(
            events={
                kind: sort_events(
                    np.concatenate(parts) if parts else np.zeros((0, len(names)), np.int64)
                )
                for (kind, names), parts in zip(
                    self._kinds.items(), self._events.values(), strict=True
                )
            }
        )
        self.counters = Counters(
            cycles=self.trace.cycles,
            macs=self.trace.macs,
            stalls=self._stalls,
            starved=config.pes * self.trace.cycles - self._busy,
        )

    def _emit(self, kind: str, *fields: ArrayLike) -> None:
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(f, np.int64)) for f in fields))
        self._events[kind].append(np.stack(columns, axis=1))

    def _input(self, x: Ints) -> None:
        """The network's input."""
        # Every layer that reads it knows where it is; the first layer does in any case.
        at = self.memory.begin(self.layers[0].sources[0]["region"])
        for row in x:
            found: Row = []
            for group in range(self.config.groups):
                value = row[group :: self.config.groups]
                index = np.flatnonzero(value)
                found.append((index, value[index]))
            self.memory.write(at, found)

    # -- layers ------------------------------------------------------------------------------------

    def _layer(self, number: int, start: int) -> int:
        """All of a layer that begins in cycle `start`; returns the cycle after its last output."""
        layer = self.layers[number]
        order = order_of(self.config, layer, self.memory)
        column, base, value = self._beats(layer, order)
        plan = self._plan(layer, order, column)
        cycles = Machine(self.config, plan, start).run()
        work = _Work(
            layer=layer,
            order=order,
            plan=plan,
            cycles=cycles,
            column=column,
            base=base,
            value=value,
        )
        self._emit("layer", start, number, 0)
        self._stalls += cycles.stalls
        self._fronts(work)
        added = self._entries(work)
        taken = self._steps(work)
        running, sums = resolve(self.config.row_depth, added, taken)
        self._emit("commit", added.cycle + self.t.commit, added.pe, added.address, running)
        self._drains(work, taken, sums)
        return cycles.last + self.t.result + 1

    def _beats(self, layer: MapLayer, order: Order) -> tuple[Ints, Ints, Ints]:
        """Column (-1: none), base and value of each beat in each group, all (beats, groups)."""
        shape, items = (order.beats, self.config.groups), order.items
        column, base, value = np.full(shape, -1), np.zeros(shape, int), np.zeros(shape, int)
        assert items is not None
        every = items.group == EVERY
        for here, group in ((every, slice(None)), (~every, items.group[~every])):
            beat = items.beat[here]
            for into, what in (
                (column, items.column - layer.first_column),
                (base, items.base),
                (value, items.value),
            ):
                into[beat, group] = what[here][:, None] if here is every else what[here]
        return column, base, value

    def _plan(self, layer: MapLayer, order: Order, column: Ints) -> Plan:
        """What the PEs have to do."""
        mine = column[:, self._group]
        count = np.where(mine >= 0, layer.count[np.arange(self.config.pes), mine], 0)
        token, ends = np.zeros((2, order.beats), dtype=np.bool_)
        for beat, output in order.tokens:
            token[beat], ends[beat] = True, output >= 0
        pool = layer.word["pool_rows"] + 1
        return Plan(
            count=count,
            token=token,
            ends=ends,
            live=layer.word["live"],
            pool=pool,
            drains=(layer.word["height"] + 1) // pool,
            outputs=layer.word["outputs"] + 1,
            window=layer.window,
        )

    def _fronts(self, work: _Work) -> None:
        """Rows, broadcasts and tokens."""
        beats, order, items = work.cycles.beats, work.order, work.order.items
        assert items is not None
        for beat, source, number in order.rows:
            self._emit("row", beats[beat], source, number)
        for beat, output in order.tokens:
            slot = 0 if work.layer.word["flat"] else (output + 1) % self.config.maps.rows
            self._emit("token", work.cycles.pop[beat], np.arange(self.config.pes), slot)
        sent = beats[items.beat + self.t.broadcast]
        every = items.group == EVERY
        self._emit("broadcast", sent[every], items.column[every], items.value[every])
        own = ~every
        self._emit("local", sent[own], items.group[own], items.column[own], items.value[own])

    def _entries(self, work: _Work) -> Additions:
        """Pushes, pops and issues; returns what is added to sums that exist."""
        layer, plan, cycles, word = work.layer, work.plan, work.cycles, work.layer.word
        pe, k = np.nonzero(plan.count.T)
        group, count = self._group[pe], plan.count[k, pe]
        column, value = work.column[k, group], work.value[k, group]
        push = cycles.beats[k + self.t.read] + self.t.push
        start, pop = layer.start[pe, column], cycles.pop[k, pe]
        self._emit("push", push, pe, start, count, value)
        self._emit("pop", pop, pe)
        issue, nth = cycles.issues(pe, pop, count), within(count)
        self._emit("issue", issue, np.repeat(pe, count), np.repeat(start, count) + nth)
        self._busy += len(issue)
        entry = np.repeat(layer.first[pe, column], count) + nth
        # The state in which each beat is sent, and from it the row of the ring.
        ends = np.array([beat for beat, _ in work.order.tokens])
        state = np.searchsorted(ends, k) - 1 - word["lead"]
        row, state = layer.row[entry], np.repeat(state, count)
        bits = 0 if word["flat"] else self.config.maps.row_bits
        rows = 1 << bits
        unit = np.repeat(work.base[k, group], count) + (row >> bits)
        output = state + (row & (rows - 1))
        exists = (unit >= 0) & (unit <= word["sums"]) & (output >= 0) & (output <= word["height"])
        here = layer.real[entry] & exists
        return Additions(
            pe=np.repeat(pe, count)[here],
            address=(unit * rows + output % rows)[here],
            cycle=issue[here],
            product=(layer.weight[entry] * np.repeat(value, count))[here],
        )

    def _steps(self, work: _Work) -> Takings:
        """The steps of all drains: by group, drain, unit, slot and place in the window."""
        plan, word, config = work.plan, work.layer.word, self.config
        bits, units = word["unit_bits"], 1 << word["unit_bits"]
        deep, wide = word["pool_rows"] + 1, word["pool_columns"] + 1
        found = []
        for group in range(config.groups):
            shape = (plan.drains, plan.outputs, config.group_size(group), deep, wide)
            drain, output, slot, dy, dx = np.indices(shape).reshape(5, -1)
            nth = np.arange(len(drain)) % (len(drain) // plan.drains)
            if word["flat"]:
                address = output
            else:
                unit = ((output >> bits) * wide + dx) * units + output % units
                address = unit * config.maps.rows + (drain * deep + dy) % config.maps.rows
            cycle = work.cycles.drain[drain, group] + nth
            found.append((group * config.group + slot, address, cycle))
        pe, address, cycle = (np.concatenate(each) for each in zip(*found, strict=True))
        self._busy += len(cycle)
        self._emit("steal", cycle, pe, address)
        return Takings(pe=pe, address=address, cycle=cycle)

    def _drains(self, work: _Work, taken: Takings, sums: Ints) -> None:
        """Activations, which become the next rows of the layer's map in each group."""
        plan, word = work.plan, work.layer.word
        config, rows = self.config, self._rows(work, sums)
        at, first = self.memory.begin(word["region"]), 0
        every: list[list[tuple[Ints, Ints]]] = [[] for _ in range(plan.drains)]
        for group in range(config.groups):
            size = config.group_size(group)
            each = plan.outputs * size
            place = np.arange(each)
            output, slot = np.divmod(place, size)
            for drain in range(plan.drains):
                value = rows[first : first + each]
                begin = work.cycles.drain[drain, group]
                cycle = begin + (place + 1) * plan.window - 1 + self.t.result
                self._emit("drain", cycle, group * config.group + slot, output, value)
                some = value != 0
                every[drain].append(((output * config.group + slot)[some], value[some]))
                self._emit("length", cycle[-1] + 1, group, some.sum())
                first += each
        for row in every:
            self.memory.write(at, row)

    def _rows(self, work: _Work, sums: Ints) -> Ints:
        """Activations in the order of the steps: bias, rounding, saturation, relu, maximum."""
        layer, plan, config = work.layer, work.plan, self.config
        bias = []
        for group in range(config.groups):
            shape = (plan.drains, plan.outputs, config.group_size(group), plan.window)
            _, output, slot, _ = np.indices(shape).reshape(4, -1)
            bias.append(layer.bias[group * config.group + slot, output % layer.bias.shape[1]])
        totals = sums + np.concatenate(bias)
        out = saturate(round_half_even(totals, layer.shift), config.act_width)
        out = np.maximum(out, 0) if layer.word["relu"] else out
        return out.reshape(-1, plan.window).max(axis=1)

    def _outputs(self, finish: int) -> None:
        """The results leave one a cycle, groups in turn; their lengths are read first."""
        self._emit("finish", finish)
        row = self.memory.read(self.memory.begin(self.layers[-1].word["region"]))
        groups = self.config.groups
        group = np.concatenate([np.full(len(index), g) for g, (index, _) in enumerate(row)])
        nth = np.concatenate([np.arange(len(index)) for index, _ in row])
        index, value = (np.concatenate(each) for each in zip(*row, strict=True))
        turn = np.lexsort((group, nth))
        start = finish + 3 + self.config.stages.activations
        taken = start + np.arange(len(turn)) + self.t.broadcast + 1
        self._emit("output", taken, index[turn] * groups + group[turn], value[turn], 0)
        quiet = start + len(turn) + self.t.read
        counted = finish + self.config.counter_stages
        last = int(taken[-1]) + 1 if len(taken) else start
        self._emit("done", max(counted, quiet, last))
