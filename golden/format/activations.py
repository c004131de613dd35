"""What may stand behind a fully connected layer: one row for each function.

A new one needs what it computes too: golden.arithmetic.functions, and the function unit in rtl.
"""

from dataclasses import dataclass

from golden.format.program import Function
from golden.kinds import CELL_WIDTH, GATE_FRAC, PRE_FRAC, LayerKind


@dataclass(frozen=True, kw_only=True)
class Activation:
    """What becomes of the requantised sums of a layer, and at which scales."""

    relu: bool = False
    """Negative ones become 0."""
    function: Function = Function.IDENTITY
    """Taken of them by the function unit; only in engines with functions."""
    argument: int | None = None
    """Fraction bits of the requantised sums; None: those of the outputs."""
    out_frac: int | None = None
    """Fraction bits of the outputs; None: whatever the layer says."""
    signed: bool = True
    """Outputs can be negative."""
    idle: int = 0
    """A requantised sum whose output is 0: what rows of PEs that are no output come to."""

    def sum_frac(self, out_frac: int) -> int:
        """Fraction bits of the requantised sums, from which outputs of `out_frac` bits are made."""
        return out_frac if self.argument is None else self.argument


ACTIVATIONS = {
    "relu": Activation(relu=True, signed=False),
    "identity": Activation(),
    "tanh": Activation(function=Function.TANH, argument=PRE_FRAC, out_frac=GATE_FRAC),
    "sigmoid": Activation(
        function=Function.SIGMOID,
        argument=PRE_FRAC - 1,
        out_frac=GATE_FRAC,
        signed=False,
        idle=1 - (1 << (CELL_WIDTH - 1)),
    ),
}
"""What may stand behind a fully connected layer, by name."""

_CELLS = Activation(argument=PRE_FRAC, out_frac=GATE_FRAC)


def activation_of(kind: LayerKind, name: str) -> Activation:
    """The activation `name` of a layer; cells have their own functions, and `name` says nothing."""
    return _CELLS if kind.cells else ACTIVATIONS[name]
