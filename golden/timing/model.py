"""The timing model of an engine with cells: every event of a step of all its streams.

Written from the specification (docs/timing.md), not from the RTL. It runs an image's operations one
by one on the contents of the engine's memories; golden.arithmetic.cells says what must come of
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.integers import saturate
from golden.format import layout
from golden.format.image import Image
from golden.format.program import Kind
from golden.timing.machine import Operations, Phase, operations
from golden.timing.schedule import Latencies
from golden.timing.step import Round
from golden.timing.trace import Trace
from golden.timing.unpack import Counters, UnpackedLayer, unpack

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RoundLayer:
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
        lists, depth = self.config.stream_lists, self.config.act_depth
        self.sent = np.zeros((lists, self.config.groups, depth), dtype=np.int64)
        """With delta: what was sent last of each activation, shape (lists, groups, act_depth)."""
        self.sums = [
            np.zeros((self.config.pes, self.config.row_depth), dtype=np.int64)
            for _ in range(self.depth)
        ]
        """With delta: each layer's sums, shape (pes, row_depth)."""

    def _layer(self, words: dict[str, Ints], number: int) -> RoundLayer:
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
        return RoundLayer(
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
        if self.config.delta and np.any(reset):
            self.sent[:] = 0
            for sums in self.sums:
                sums[:] = 0
        inputs = np.atleast_2d(np.asarray(x, dtype=np.int64))
        fresh = np.broadcast_to(np.asarray(reset, dtype=bool), self.config.streams)
        run = Round(self, inputs, fresh, answer)
        self.parity ^= 1
        return run.trace, run.counters

    def list_number(self, place: int, *, alternates: int, stream: int, before: bool = False) -> int:
        """Number of a list in this step, or of its counterpart from the step before."""
        parity = (self.parity ^ before) & alternates
        return place + parity + stream * self.config.stream_lists

    def moved(
        self, place: int, group: int, index: Ints, value: Ints, threshold: int
    ) -> tuple[Ints, Ints]:
        """Indices and differences of what is sent of a group's activations, in their order."""
        known = self.sent[place, group]
        difference = saturate(value - known[index], self.config.act_width)
        send = np.abs(difference) > threshold
        known[index[send]] += difference[send]
        return index[send], difference[send]

    def sums_before(self, number: int, rows: int) -> Ints:
        """A layer's sums before its activations, shape (pes, rows); to be changed if they last."""
        more = self.layers[number].more
        if self.config.delta and more["keep"]:
            return self.sums[number][:, :rows]
        return np.zeros((self.config.pes, rows), dtype=np.int64)

    def biases(self, matrix: UnpackedLayer, gates: int) -> Ints:
        """Bias of every row of every PE, shape (pes, rows)."""
        config, image = self.config, self.image
        first, rows = matrix.bias_base - config.column_depth, matrix.rows * gates
        table = image.biases[:, first : first + rows * config.group]
        every = table.reshape(config.groups, rows, config.group).transpose(0, 2, 1)
        return every.reshape(config.slots, rows)[: config.pes]

    def output_list(
        self, phase: Phase, out: Ints, number: int, *, answer: bool
    ) -> list[tuple[Ints, Ints]]:
        """Outputs (pes, rows) as a list: by group, in the order in which they come.

        Those that are not zero, or with delta those that moved; but for the head all as they are.
        """
        config = self.config
        more = self.layers[number].more
        heads = [one.more["head"] for one in self.layers]
        headed = bool(heads[number]) or (
            answer and number + 1 < self.depth and bool(heads[number + 1])
        )
        found = []
        for group in range(config.groups):
            size = config.group_size(group)
            pes = group * config.group + np.arange(size)
            order = pes[np.argsort(phase.first[pes], kind="stable")]
            slot = order % config.group
            index = (np.arange(out.shape[1]) * config.group + slot[:, None]).reshape(-1)
            value = out[order].reshape(-1)
            if config.delta and not headed:
                place, threshold = more["target"], more["threshold"]
                found.append(self.moved(place, group, index, value, threshold))
            else:
                found.append((index[value != 0], value[value != 0]))
        return found
