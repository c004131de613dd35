"""The operations that an engine can run, as rows of numbers (golden.format.program)."""

from golden.config import EngineConfig
from golden.format.program import FIRST, OPERATIONS, PROGRAMS, Kind, Left, Shift

Row = dict[str, int]

CARRIED = {
    **dict.fromkeys(("word", "target", "function"), 2),
    **dict.fromkeys(("memory", "one", "look", "old", "sums", "clear", "join", "more"), 1),
    **dict.fromkeys(("product", "narrow", "raw", "left_half", "right_half", "output"), 1),
}
"""What travels with an operation: field -> bits. golden.format.program.Operation has the meanings.

memory, one, look: the left operand is from the cell memory, 1, or a peephole. old: the right
operand counts as zero in a sequence's first step. sums: a row's sum is added.
"""


def kinds(config: EngineConfig) -> tuple[Kind, ...]:
    """The programs of an engine."""
    return tuple(Kind) if config.cells else (Kind.DENSE,)


def number_width(config: EngineConfig) -> int:
    """Bits of an operation's number; 0 where there is one operation."""
    return (sum(kind in kinds(config) for kind, _, _ in OPERATIONS) - 1).bit_length()


def rows(config: EngineConfig) -> list[Row]:
    """Every operation of an engine, in the order of their numbers.

    Besides what travels with it, looks: which of a cell's peepholes. gate: whose sum. dense: its
    sum is that of a row, not of a gate. first: number of its pass's first operation. last: it ends
    a pass. final: its pass ends the program.
    """
    found = []
    for kind, nth, one in OPERATIONS:
        if kind not in kinds(config):
            continue
        passes = PROGRAMS[kind]
        dense = kind is Kind.DENSE
        added = one.gate is not None or dense
        row = {
            "word": one.word,
            "target": one.target,
            "function": one.function,
            "memory": one.left is Left.MEMORY,
            "one": one.left is Left.ONE,
            "look": one.left is Left.PEEPHOLE,
            "old": one.old,
            "sums": added,
            "clear": added and one.clear,
            "join": one.join,
            "more": one.shift is Shift.MORE,
            "product": one.shift is Shift.PRODUCT,
            "narrow": one.narrow,
            "raw": one.raw is not None,
            "left_half": one.half == "left",
            "right_half": one.half == "right",
            "output": one.output,
            "looks": one.looks,
            "gate": one.gate or 0,
            "dense": dense,
            "first": FIRST[kind] + sum(len(ops) for ops in passes[:nth]),
            "last": one is passes[nth][-1],
            "final": nth == len(passes) - 1,
        }
        found.append({name: int(value) for name, value in row.items()})
    return found


def constants(config: EngineConfig) -> Row:
    """Fields that are the same in all operations of an engine, and so cost nothing."""
    first, *others = rows(config)
    return {
        name: value
        for name, value in first.items()
        if all(other[name] == value for other in others)
    }
