"""Integers and weight codes as bits in contexts."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from golden.coding.range_coder import Context, Decoder, Encoder, fresh
from golden.errors import ElsieError

_LENGTH = 6
"""Bits of a magnitude's length, 0 to 63."""
_MOST = 63
"""Bits of an integer's magnitude."""
_TREE = 8
"""Highest bits of a code that depend on each other; each lower one stands for itself."""


def write_integers(to: Encoder, values: Iterable[int]) -> None:
    """Write integers below 2**63 in magnitude: the length in bits, the bits, the sign."""
    lengths, sign = fresh(1 << _LENGTH), fresh(1)[0]
    for value in values:
        size = abs(value)
        length = size.bit_length()
        _write_tree(to, length, _LENGTH, lengths)
        to.even(size, length - 1)
        if value:
            to.bit(value < 0, sign)


def read_integers(source: Decoder, count: int) -> list[int]:
    """Read `count` integers."""
    lengths, sign = fresh(1 << _LENGTH), fresh(1)[0]
    found = []
    for _ in range(count):
        value = 0
        if length := _read_tree(source, _LENGTH, lengths):
            value = 1 << (length - 1) | source.even(length - 1)
            value = -value if source.bit(sign) else value
        found.append(value)
    return found


def write_scaled(to: Encoder, values: Sequence[int]) -> None:
    """Write integers below 2**63 in magnitude: how often 2 divides them all, and what is left."""
    every = reduce(or_, values, 0)
    step = (every & -every).bit_length() - 1 if every else 0
    to.even(step, _LENGTH)
    write_integers(to, [value >> step for value in values])


def read_scaled(source: Decoder, count: int) -> list[int]:
    """Read `count` integers in steps; one that does not fit 64 bits is refused."""
    step = source.even(_LENGTH)
    found = [value << step for value in read_integers(source, count)]
    if any(abs(value) >> _MOST for value in found):
        raise ElsieError(f"a number in steps of 2**{step} does not fit 64 bits")
    return found


def write_codes(to: Encoder, codes: Sequence[int], width: int) -> None:
    """Write codes of `width` bits each."""
    top, low = min(width, _TREE), width - min(width, _TREE)
    tree, single = fresh(1 << top), fresh(low)
    for code in codes:
        _write_tree(to, code >> low, top, tree)
        for place in reversed(range(low)):
            to.bit(code >> place & 1, single[place])


def read_codes(source: Decoder, count: int, width: int) -> list[int]:
    """Read `count` codes of `width` bits each."""
    top, low = min(width, _TREE), width - min(width, _TREE)
    tree, single = fresh(1 << top), fresh(low)
    found = []
    for _ in range(count):
        code = _read_tree(source, top, tree)
        for place in reversed(range(low)):
            code = code << 1 | source.bit(single[place])
        found.append(code)
    return found


def read_count(source: Decoder, what: str, most: int) -> int:
    """Read one integer from 0 to `most`. Raises ElsieError naming `what` it counts."""
    (count,) = read_integers(source, 1)
    if not 0 <= count <= most:
        raise ElsieError(f"{what} is {count}, which is not from 0 to {most}")
    return count


def _write_tree(to: Encoder, value: int, width: int, contexts: list[Context]) -> None:
    """A value's bits, the highest first, each in the context of all that were before."""
    node = 1
    for place in reversed(range(width)):
        bit = value >> place & 1
        to.bit(bit, contexts[node])
        node = node << 1 | bit


def _read_tree(source: Decoder, width: int, contexts: list[Context]) -> int:
    node = 1
    for _ in range(width):
        node = node << 1 | source.bit(contexts[node])
    return node - (1 << width)
