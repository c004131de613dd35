"""The operations that turn the sums of cells into gates, states and outputs, in their order.

An operation takes one cycle of its PE. It multiplies a left and a right operand, adds a row's sum
or the previous operation's total, and sends the total to the group's drain unit. The result goes
back to the PE's cell memory or becomes an activation. A cell has three words there, each with a
left half (gates between 0 and 1) and a right half: A holds the state, B and C hold values between
operations.

Operations run pass by pass, and in a pass cell by cell; a pass begins when all results of the
previous pass are written (docs/timing.md). The operations of a layer are its program; a dense
layer's program has one. (The layer program that the sequencer runs is something else: the
descriptors of all layers.)
"""

from dataclasses import dataclass
from enum import IntEnum

from golden.kinds import LayerKind


class Kind(IntEnum):
    """Which program a layer runs; the field `kind` of its descriptor."""

    DENSE = 0
    LSTM = 1
    PEEPHOLES = 2
    """LSTM with peepholes."""
    GRU = 3


class Word(IntEnum):
    """A cell's words in the cell memory."""

    A = 0
    """Left: f, z. Right: the state, which lasts."""
    B = 1
    """Left: i, r. Right: g, n from the state."""
    C = 2
    """Left: o, 1 - z. Right: tanh of the state; n from the input, then n."""


class Left(IntEnum):
    """The left operand."""

    NONE = 0
    """Zero: nothing is multiplied."""
    MEMORY = 1
    ONE = 2
    """2**14, which is 1."""
    PEEPHOLE = 3
    """A weight of the entry memory."""


class Function(IntEnum):
    """Function of the requantised total."""

    IDENTITY = 0
    TANH = 1
    SIGMOID = 2
    COMPLEMENT = 3
    """1 - sigmoid."""


class Shift(IntEnum):
    """Requantising shift of the total."""

    LAYER = 0
    MORE = 1
    """The layer's and one more, for sigmoids."""
    PRODUCT = 2
    """14, for products with gates."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation on a cell; fields left out do nothing."""

    name: str
    word: Word = Word.A
    """Where the operands are."""
    left: Left = Left.NONE
    old: bool = False
    """The right operand is the state of the previous step: 0 in a sequence's first step."""
    gate: int | None = None
    """Add the sum of this gate's row."""
    clear: bool = True
    """Set that sum to zero."""
    join: bool = False
    """Add the total of the previous operation."""
    shift: Shift = Shift.LAYER
    function: Function = Function.IDENTITY
    narrow: bool = False
    """Round the function's value to the state's fraction bits."""
    raw: Word | None = None
    """Right half that takes the total, requantised, without the function."""
    half: str = ""
    """'left' or 'right': half of `target` that takes the function's value."""
    target: Word = Word.A
    output: bool = False
    """The total, requantised, is an output of the layer."""
    looks: int = 0
    """Which of a cell's three peepholes it takes: i, f or o."""


def _lstm(*, peepholes: bool) -> tuple[tuple[Operation, ...], ...]:
    left = Left.PEEPHOLE if peepholes else Left.NONE
    sigmoid = {"left": left, "shift": Shift.MORE, "function": Function.SIGMOID, "half": "left"}
    i = Operation(name="i", gate=0, old=True, target=Word.B, looks=0, **sigmoid)
    f = Operation(name="f", gate=1, old=True, target=Word.A, looks=1, **sigmoid)
    g = Operation(
        name="g", gate=2, function=Function.TANH, narrow=True, half="right", target=Word.B
    )
    o = Operation(name="o", gate=3, target=Word.C, looks=2, **sigmoid)
    forget = Operation(name="f c", word=Word.A, left=Left.MEMORY, old=True)
    state = Operation(
        name="c",
        word=Word.B,
        left=Left.MEMORY,
        join=True,
        shift=Shift.PRODUCT,
        raw=Word.A,
        function=Function.TANH,
        half="right",
        target=Word.C,
    )
    h = Operation(name="h", word=Word.C, left=Left.MEMORY, shift=Shift.PRODUCT, output=True)
    if peepholes:
        return (i, f, g), (forget, state), (o,), (h,)
    return (i, f, g, o), (forget, state), (h,)


def _gru() -> tuple[tuple[Operation, ...], ...]:
    sigmoid = {"shift": Shift.MORE, "half": "left"}
    z = Operation(
        name="z", gate=0, clear=False, function=Function.SIGMOID, target=Word.A, **sigmoid
    )
    rest = Operation(name="1 - z", gate=0, function=Function.COMPLEMENT, target=Word.C, **sigmoid)
    r = Operation(name="r", gate=1, function=Function.SIGMOID, target=Word.B, **sigmoid)
    n_x = Operation(name="n x", gate=2, half="right", target=Word.C)
    n_h = Operation(name="n h", gate=3, half="right", target=Word.B)
    reset = Operation(name="r n", word=Word.B, left=Left.MEMORY)
    n = Operation(
        name="n",
        word=Word.C,
        left=Left.ONE,
        join=True,
        shift=Shift.PRODUCT,
        function=Function.TANH,
        half="right",
        target=Word.C,
    )
    keep = Operation(name="z h", word=Word.A, left=Left.MEMORY, old=True)
    h = Operation(
        name="h",
        word=Word.C,
        left=Left.MEMORY,
        join=True,
        shift=Shift.PRODUCT,
        raw=Word.A,
        output=True,
    )
    return (z, rest, r, n_x, n_h), (reset, n), (keep, h)


PROGRAMS: dict[Kind, tuple[tuple[Operation, ...], ...]] = {
    Kind.DENSE: ((Operation(name="drain", output=True),),),
    Kind.LSTM: _lstm(peepholes=False),
    Kind.PEEPHOLES: _lstm(peepholes=True),
    Kind.GRU: _gru(),
}
"""Passes of operations. A dense layer's one operation takes the sum of a row, not of a gate."""

FIRST: dict[Kind, int] = {}
"""Number of each program's first operation, counted through all programs."""

OPERATIONS: list[tuple[Kind, int, Operation]] = []
"""All operations by number: program, pass, operation."""

for _kind, _passes in PROGRAMS.items():
    FIRST[_kind] = len(OPERATIONS)
    OPERATIONS += [(_kind, _nth, _one) for _nth, _pass in enumerate(_passes) for _one in _pass]


def program_of(kind: LayerKind, *, peepholes: bool) -> Kind:
    """The program of a layer."""
    if kind is LayerKind.LSTM:
        return Kind.PEEPHOLES if peepholes else Kind.LSTM
    return Kind.GRU if kind is LayerKind.GRU else Kind.DENSE
