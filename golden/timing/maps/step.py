"""The events of one inference of a network with maps (docs/timing.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.integers import round_half_even, saturate
from golden.config import EngineConfig
from golden.timing.maps.memory import MapMemory, Row
from golden.timing.maps.order import EVERY, Order, in_turn, order_of
from golden.timing.maps.sums import Additions, Takings, resolve
from golden.timing.maps.unpack import MapLayer
from golden.timing.phase import Phase, Plan, Timeline
from golden.timing.step import Step, Work

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RowWork(Work):
    """A layer, what it broadcasts in each beat, and when."""

    layer: MapLayer
    order: Order
    plan: Plan
    base: Ints
    """Of each beat's broadcast to each group, (beats, groups)."""


class MapStep(Step[RowWork]):
    """An inference: rows of maps, tokens, and drains."""

    def __init__(
        self,
        *,
        config: EngineConfig,
        layers: Sequence[MapLayer],
        memory: MapMemory,
        timeline: Timeline,
        x: Ints,
    ) -> None:
        """`x` (rows, items): the input as golden.maps.grid.arrange has it."""
        super().__init__(config=config, timeline=timeline)
        self.layers, self.memory = layers, memory
        self._input(x)
        self.run([(number, 0) for number in range(len(layers))])

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

    def broadcasts(self, number: int, stream: int) -> RowWork:
        """See `Step`: rows of all maps in turn, and tokens."""
        layer = self.layers[number]
        order = order_of(self.config, layer, self.memory)
        column, base, value = self._beats(layer, order)
        plan, mine = self._plan(layer, order), column[:, self.group]
        phase = Phase(
            count=np.where(mine >= 0, layer.count[np.arange(self.config.pes), mine], 0),
            output=self.t.result,
            plan=plan,
            fetch=1 + len(layer.sources),
        )
        return RowWork(
            number=number,
            stream=stream,
            phase=phase,
            layer=layer,
            order=order,
            plan=plan,
            column=column,
            base=base,
            value=value,
        )

    def ended(self, work: RowWork) -> None:
        """See `Step`."""
        self._fronts(work)
        added = self._additions(work)
        taken = self._steps(work)
        running, sums = resolve(self.config.row_depth, added, taken)
        self.emit("commit", added.cycle + self.t.commit, added.pe, added.address, running)
        self._drains(work, taken, sums)

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

    def _plan(self, layer: MapLayer, order: Order) -> Plan:
        """Tokens and drains."""
        token, ends = np.zeros((2, order.beats), dtype=np.bool_)
        for beat, output in order.tokens:
            token[beat], ends[beat] = True, output >= 0
        pool = layer.word["pool_rows"] + 1
        return Plan(
            token=token,
            ends=ends,
            live=layer.word["live"],
            pool=pool,
            drains=(layer.word["height"] + 1) // pool,
            outputs=layer.word["outputs"] + 1,
            window=layer.window,
        )

    def _fronts(self, work: RowWork) -> None:
        """Rows, broadcasts and tokens."""
        beats, order, items = work.phase.beats, work.order, work.order.items
        assert items is not None
        for beat, source, number in order.rows:
            self.emit("row", beats[beat], source, number)
        for beat, output in order.tokens:
            slot = 0 if work.layer.word["flat"] else (output + 1) % self.config.maps.rows
            self.emit("token", work.phase.pop[beat], np.arange(self.config.pes), slot)
        sent = beats[items.beat + self.t.broadcast]
        every = items.group == EVERY
        self.emit("broadcast", sent[every], items.column[every], items.value[every])
        own = ~every
        self.emit("local", sent[own], items.group[own], items.column[own], items.value[own])

    def _additions(self, work: RowWork) -> Additions:
        """Jobs; returns what is added to sums that exist."""
        layer, word, one = work.layer, work.layer.word, self.issued(work.layer, work)
        # The state in which each beat is sent, and from it the row of the ring.
        ends = np.array([beat for beat, _ in work.order.tokens])
        state = np.searchsorted(ends, one.broadcast) - 1 - word["lead"]
        row = layer.row[one.entry]
        bits = 0 if word["flat"] else self.config.maps.row_bits
        rows = 1 << bits
        unit = work.base[one.broadcast, self.group[one.pe]] + (row >> bits)
        output = state + (row & (rows - 1))
        exists = (unit >= 0) & (unit <= word["sums"]) & (output >= 0) & (output <= word["height"])
        here = layer.real[one.entry] & exists
        return Additions(
            pe=one.pe[here],
            address=(unit * rows + output % rows)[here],
            cycle=one.cycle[here],
            product=(layer.weight[one.entry] * one.value)[here],
        )

    def _steps(self, work: RowWork) -> Takings:
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
            cycle = work.phase.drain[drain, group] + nth
            found.append((group * config.group + slot, address, cycle))
        pe, address, cycle = (np.concatenate(each) for each in zip(*found, strict=True))
        self.busy += len(cycle)
        self.emit("steal", cycle, pe, address)
        return Takings(pe=pe, address=address, cycle=cycle)

    def _drains(self, work: RowWork, taken: Takings, sums: Ints) -> None:
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
                begin = work.phase.drain[drain, group]
                cycle = begin + (place + 1) * plan.window - 1 + self.t.result
                self.emit("drain", cycle, group * config.group + slot, output, value)
                some = value != 0
                every[drain].append(((output * config.group + slot)[some], value[some]))
                self.emit("length", cycle[-1] + 1, group, some.sum())
                first += each
        for row in every:
            self.memory.write(at, row)

    def _rows(self, work: RowWork, sums: Ints) -> Ints:
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

    def results(self, finish: int) -> int:
        """See `Step`: groups in turn; the lengths of their rows are read first."""
        row = self.memory.read(self.memory.begin(self.layers[-1].word["region"]))
        group, index, value = in_turn(row)
        start = finish + 3 + self.config.stages.activations
        quiet, over = self.leave(start, index * self.config.groups + group, value, 0)
        return max(finish + self.config.counter_stages, quiet, over)
