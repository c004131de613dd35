"""Cell operations on the contents of the cell memories, one operation at a time."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.cells import of_state
from golden.arithmetic.functions import sigmoid, sigmoid_complement, tanh
from golden.arithmetic.integers import round_half_even, saturate
from golden.config import EngineConfig
from golden.format.program import OPERATIONS, Function, Kind, Left, Operation, Shift, Word
from golden.kinds import CELL_WIDTH, GATE_FRAC
from golden.timing.unpack import UnpackedLayer

Ints = NDArray[np.int64]


@dataclass(kw_only=True, eq=False)
class Cells:
    """The cells of one layer and stream, in all PEs."""

    config: EngineConfig
    matrix: UnpackedLayer
    kind: Kind
    cell_base: int
    """Number of the first cell."""
    peephole: Ints
    """Weights of the peepholes, shape (pes, cells, 3)."""
    left: Ints
    """Left halves of the cell memories, shape (pes, cell_words)."""
    right: Ints
    """Right halves, of the same shape."""
    stream: int
    fresh: bool
    """States count as zero."""
    before: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Total of the operation before."""

    @property
    def rows(self) -> int:
        """Cells per PE, or rows of a dense layer."""
        return self.matrix.rows

    def address(self, word: Word) -> Ints:
        """Where the cells' words are, shape (cells,)."""
        config, cell = self.config, np.arange(self.rows)
        if word is Word.A:
            return self.stream * config.cells + self.cell_base + cell
        return (config.streams + word - Word.B) * config.cells + cell

    def run(self, number: int, totals: Ints) -> tuple[Operation, Ints, Ints]:
        """One operation on all cells: it, its requantised total, and the value of its function.

        `totals` (pes, rows) are sums with biases.
        """
        kind, _, one = OPERATIONS[number]
        matrix, address = self.matrix, self.address(one.word)
        gate = slice(one.gate, None, 4) if kind is not Kind.DENSE else slice(None)
        total = np.zeros((len(totals), matrix.rows), dtype=np.int64)
        if one.gate is not None or kind is Kind.DENSE:
            total = total + totals[:, gate]
        if one.left is not Left.NONE:
            left: Ints = {
                Left.MEMORY: self.left[:, address],
                Left.ONE: np.full_like(total, 1 << GATE_FRAC),
                Left.PEEPHOLE: self.peephole[:, :, one.looks],
            }[one.left]
            right = self.right[:, address]
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
        valued = self.function_of(one, result)
        if one.raw is not None:
            self.right[:, self.address(one.raw)] = result
        if one.half:
            half = self.left if one.half == "left" else self.right
            half[:, self.address(one.target)] = valued
        return one, result, valued

    def function_of(self, one: Operation, result: Ints) -> Ints:
        """What the function unit makes of a result."""
        frac = self.config.state_frac
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
