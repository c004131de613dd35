"""Where a network lies in an engine: columns, biases, cells, lists and entries of every layer.

It depends only on the engine's shape and on kinds, widths and row assignments. So it can be drawn
up before the engine's depths are chosen, and `AddressMap.needs` says what they must be. Where the
entries lie also depends on the non-zeros: see `AddressMap.entries`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format import csc
from golden.format.layer import Layer, locate, locate_rows
from golden.format.lists import Lists, allocate

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Region:
    """Where one layer lies: first address and number of words in each unit's memory."""

    column_base: int
    """First pointer in every PE."""
    input_columns: int
    """Pointers of the layer's input, padded to whole groups, or to whole PEs."""
    columns: int
    """Pointers of the input and, after them, of what is fed back."""
    inputs: Ints
    """Column of each input and of each fed-back output, from 0, shape (n_columns,)."""
    outputs: int
    """Outputs per PE: rows, or cells."""
    rows: int
    """Sums per PE: one for each gate of each output."""
    bias_base: int
    """First bias in every group, counted from the end of the pointers."""
    biases: int
    """Biases in every group."""
    cell_base: int
    """First cell in every PE: where the layer's are, or would be."""
    cells: int
    """Cells in every PE."""
    peepholes: int
    """Entries in every PE that are peepholes, before all others of the layer."""

    @property
    def next_cell(self) -> int:
        """First cell in every PE after the layer's."""
        return self.cell_base + self.cells

    @property
    def recurrent_base(self) -> int:
        """First pointer of what is fed back; 0 when nothing is."""
        fed_back = self.columns > self.input_columns
        return self.column_base + self.input_columns if fed_back else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class EntryRegion:
    """Where one layer's entries lie in the PEs' entry memories."""

    peephole_base: int
    """First peephole, at one address in all PEs; 0 without."""
    start: Ints
    """Address of each column's first entry, 0 where it has none, shape (pes, columns)."""
    end: Ints
    """First free address after the layer, shape (pes,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AddressMap:
    """Where a network lies in an engine."""

    config: EngineConfig
    """The engine: its shape, kind of entry memory and delta matter here."""
    layers: tuple[Layer, ...]
    """In order."""
    regions: tuple[Region, ...]
    """One for each layer."""
    lists: Lists
    """Lists of activations."""

    @classmethod
    def of(cls, config: EngineConfig, layers: Sequence[Layer]) -> "AddressMap":
        """The map of at least one layer, in order."""
        regions: list[Region] = []
        for number in range(len(layers)):
            regions.append(_region(config, layers, number, regions[-1] if regions else None))
        return cls(
            config=config,
            layers=tuple(layers),
            regions=tuple(regions),
            lists=allocate(layers, delta=config.delta),
        )

    @property
    def columns(self) -> int:
        """Pointers of each PE."""
        return self.regions[-1].column_base + self.regions[-1].columns

    @property
    def biases(self) -> int:
        """Biases of each group."""
        return self.regions[-1].bias_base + self.regions[-1].biases

    @property
    def rows(self) -> int:
        """The most rows of a PE in one layer."""
        return max(region.rows for region in self.regions)

    @property
    def cells(self) -> int:
        """Cells of each PE."""
        return self.regions[-1].next_cell

    @property
    def activations(self) -> int:
        """The longest list of activations of a group."""
        widths = [region.input_columns for region in self.regions]
        widths[0] *= self.config.items_per_input
        return max(*widths, _slots(self.config, self.layers[-1])) // self.config.groups

    def needs(self) -> dict[str, int]:
        """The smallest sufficient values of the configuration's fields, without `entry_depth`."""
        return {
            "column_depth": self.columns,
            "row_depth": self.rows,
            "act_depth": self.activations,
            "bias_depth": self.biases,
            "layers": len(self.regions),
            "cells": self.cells,
            "act_lists": self.lists.per_stream * self.config.streams,
        }

    def entries(self, counts: Sequence[Ints]) -> tuple[EntryRegion, ...]:
        """Where the entries lie; `counts` are those of each column (pes, columns), by layer."""
        lanes = self.config.entry_lanes
        free = np.zeros(self.config.pes, dtype=np.int64)
        found = []
        for region, count in zip(self.regions, counts, strict=True):
            peephole = 0
            if region.peepholes:
                peephole = int(free.max())
                free = np.full_like(free, peephole + region.peepholes)
            size = -(-count // lanes) * lanes
            start = np.where(count, free[:, None] + np.cumsum(size, axis=1) - size, 0)
            free = free + size.sum(axis=1)
            found.append(EntryRegion(peephole_base=peephole, start=start, end=free))
        return tuple(found)

    def nonzeros(self, number: int) -> csc.Nonzeros:
        """The matrix of layer `number` by PE, local row and column."""
        return layer_nonzeros(self.config, self.layers[number], self.regions[number].inputs)

    def entry_places(self, run_widths: Sequence[int]) -> Ints:
        """Places for entries that each PE needs for each run width, shape (run widths, pes).

        Counts padding and, where a word holds more than one entry, the free places in a column's
        last word.
        """
        gaps = [
            csc.gaps(self.config, self.nonzeros(number), columns=region.columns)
            for number, region in enumerate(self.regions)
        ]
        ends = [self.entries([one.count(width) for one in gaps])[-1].end for width in run_widths]
        return np.stack(ends)


def layer_nonzeros(config: EngineConfig, layer: Layer, inputs: Ints) -> csc.Nonzeros:
    """A layer's matrix by PE, local row and column; `inputs` is where each column stands."""
    pe, row = locate_rows(config, layer)
    return csc.Nonzeros(
        pe=pe[layer.rows], row=row[layer.rows], column=inputs[layer.columns], code=layer.codes
    )


def outputs_per_pe(config: EngineConfig, layer: Layer) -> int:
    """Outputs of a layer, rows or cells, in the PE with the most."""
    return int(locate(config, layer.position)[1].max()) + 1


def _slots(config: EngineConfig, layer: Layer) -> int:
    """Columns of a layer's outputs, equally many for every PE position."""
    return outputs_per_pe(config, layer) * config.slots


def _region(
    config: EngineConfig, layers: Sequence[Layer], number: int, before: Region | None
) -> Region:
    """The region of layer `number`, after `before`."""
    layer = layers[number]
    if number:
        inputs, width = layers[number - 1].position, _slots(config, layers[number - 1])
    else:
        inputs = np.arange(layer.n_in)
        width = -(-layer.n_in // config.groups) * config.groups
    columns = width
    if layer.n_back:
        back = layers[number + layer.projected]
        inputs = np.concatenate((inputs, width + back.position))
        columns += _slots(config, back)
    outputs = outputs_per_pe(config, layer)
    rows = layer.kind.gates * outputs
    has_cells = layer.kind.cells
    return Region(
        column_base=before.column_base + before.columns if before else 0,
        input_columns=width,
        columns=columns,
        inputs=inputs,
        outputs=outputs,
        rows=rows,
        bias_base=before.bias_base + before.biases if before else 0,
        biases=rows * config.group,
        cell_base=before.next_cell if before else 0,
        cells=outputs if has_cells else 0,
        peepholes=3 * outputs if layer.peepholes else 0,
    )
