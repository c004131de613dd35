"""A layer's operations on the contents of the engine's memories, one operation at a time."""

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.cells import of_state
from golden.arithmetic.functions import FUNCTIONS, tanh
from golden.arithmetic.integers import round_half_even, saturate
from golden.arithmetic.powers import doubled, encode, nearest
from golden.config import EngineConfig
from golden.format.program import OPERATIONS, Function, Left, Operation, Shift, Word
from golden.kinds import GATE_FRAC
from golden.timing.unpack import UnpackedLayer
from golden.timing.vectors.state import State

Ints = NDArray[np.int64]


class LayerOperations:
    """The operations of one layer and stream, in all PEs at once."""

    def __init__(
        self,
        *,
        config: EngineConfig,
        layer: UnpackedLayer,
        state: State,
        stream: int,
        fresh: bool,
    ) -> None:
        """`fresh`: the states of the previous step count as zero."""
        self.config, self.layer, self.state = config, layer, state
        self.stream, self.fresh = stream, fresh
        self._before = np.zeros(0, dtype=np.int64)

    def address(self, word: Word) -> Ints:
        """Where the cells' words are, shape (cells,)."""
        config, cell = self.config, np.arange(self.layer.rows)
        if word is Word.A:
            return self.stream * config.cells + self.layer.cell_base + cell
        return (config.streams + word - Word.B) * config.cells + cell

    def run(self, number: int, totals: Ints) -> tuple[Operation, Ints, Ints]:
        """One operation on all rows: it, its requantised total, and the value of its function.

        `totals` (pes, rows x gates) are sums with biases.
        """
        _, _, one = OPERATIONS[number]
        layer, state = self.layer, self.state
        total = self._sum(one, totals)
        if one.left is not Left.NONE:
            address = self.address(one.word)
            left: Ints = {
                Left.MEMORY: state.left[:, address],
                Left.ONE: np.full_like(total, 1 << GATE_FRAC),
                Left.PEEPHOLE: layer.peephole[:, :, one.looks],
            }[one.left]
            right = state.right[:, address]
            total = total + left * (0 if one.old and self.fresh else right)
        if one.join:
            total = total + self._before
        self._before = total
        shift = {
            Shift.LAYER: layer.shift,
            Shift.MORE: layer.shift + 1,
            Shift.PRODUCT: GATE_FRAC,
        }[one.shift]
        result = self._requantised(total, shift)
        valued = self._function_of(one, result)
        if one.raw is not None:
            state.right[:, self.address(one.raw)] = result
        if one.half:
            half = state.left if one.half == "left" else state.right
            half[:, self.address(one.target)] = valued
        return one, result, valued

    def _requantised(self, total: Ints, shift: int) -> Ints:
        """An activation, or its word where it is sent as a code."""
        levels, relu = self.config.act_levels, self.layer.relu
        if self.layer.coded:
            value = nearest(doubled(total, shift), levels)
            return encode(np.maximum(value, 0) if relu else value, levels)
        result = saturate(round_half_even(total, shift), self.config.act_width)
        return np.maximum(result, 0) if relu else result

    def _sum(self, one: Operation, totals: Ints) -> Ints:
        """The sums that it takes, shape (pes, rows): its gate's, or the only ones."""
        gates = self.layer.gates
        if one.gate is None and gates > 1:
            return np.zeros((len(totals), self.layer.rows), dtype=np.int64)
        return totals[:, one.gate or 0 :: gates]

    def _function_of(self, one: Operation, result: Ints) -> Ints:
        """The function unit's value for a result."""
        frac = self.config.state_frac
        if one.function is Function.TANH and one.raw is not None:
            return tanh(of_state(result, frac))
        value = FUNCTIONS[one.function or self.layer.function](result)
        return round_half_even(value, GATE_FRAC - frac) if one.narrow else value
