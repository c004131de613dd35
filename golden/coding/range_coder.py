"""A binary range coder (Martin, 1979) whose probabilities adapt; docs/format.md specifies it."""

from golden.errors import ElsieError

_TOP = 1 << 24
_FULL = (1 << 32) - 1
_MOST = 2046
"""Of both counts of a context together; beyond it they are halved."""

Context = list[int]
"""Twice the zeros plus 1, and twice the ones plus 1, that were seen; odd, so never 0."""


def fresh(count: int) -> list[Context]:
    """That many contexts that have seen nothing."""
    return [[1, 1] for _ in range(count)]


class Encoder:
    """Writes bits, each in a context that learns from it."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._low, self._width = 0, _FULL
        self._bytes = bytearray()

    def bit(self, bit: int, context: Context) -> None:
        """Write a bit."""
        zeros, ones = context
        bound = (self._width >> 16) * ((zeros << 16) // (zeros + ones))
        if bit:
            self._low += bound
            self._width -= bound
            ones += 2
        else:
            self._width = bound
            zeros += 2
        if zeros + ones > _MOST:
            zeros, ones = zeros >> 1 | 1, ones >> 1 | 1
        context[0], context[1] = zeros, ones
        while self._width < _TOP:
            self._shift()

    def even(self, value: int, count: int) -> None:
        """Write the lowest `count` bits of a value as they are, the highest first."""
        for place in reversed(range(count)):
            self._width >>= 1
            if value >> place & 1:
                self._low += self._width
            while self._width < _TOP:
                self._shift()

    def _shift(self) -> None:
        if self._low > _FULL:  # carry
            self._low &= _FULL
            place = len(self._bytes) - 1
            while self._bytes[place] == 255:
                self._bytes[place] = 0
                place -= 1
            self._bytes[place] += 1
        self._bytes.append(self._low >> 24)
        self._low = (self._low << 8) & _FULL
        self._width <<= 8

    def end(self) -> bytes:
        """All bytes; the last holds as much of the number as is needed, and zeros follow."""
        self._low += _TOP - 1
        self._shift()
        return bytes(self._bytes)


class Decoder:
    """Reads what an Encoder wrote, given the same contexts in the same order.

    Of damaged bytes it makes other bits, and raises ElsieError when it needs more than there are.
    """

    def __init__(self, blob: bytes) -> None:
        """Begin to read."""
        self._bytes, self._next = blob + bytes(4), 4
        self._size = len(blob)
        self._code, self._width = int.from_bytes(self._bytes[:4], "big"), _FULL

    def bit(self, context: Context) -> int:
        """Read a bit."""
        zeros, ones = context
        bound = (self._width >> 16) * ((zeros << 16) // (zeros + ones))
        bit = 0
        if self._code < bound:
            self._width = bound
            zeros += 2
        else:
            bit = 1
            self._code -= bound
            self._width -= bound
            ones += 2
        if zeros + ones > _MOST:
            zeros, ones = zeros >> 1 | 1, ones >> 1 | 1
        context[0], context[1] = zeros, ones
        while self._width < _TOP:
            self._shift()
        return bit

    def even(self, count: int) -> int:
        """Read a value of `count` bits as they are."""
        value = 0
        for _ in range(count):
            self._width >>= 1
            bit = self._code >= self._width
            if bit:
                self._code -= self._width
            value = value << 1 | bit
            while self._width < _TOP:
                self._shift()
        return value

    def _shift(self) -> None:
        if self._next >= self._size + 3:
            raise ElsieError("its weights are cut short")
        self._code = (self._code << 8 | self._bytes[self._next]) & _FULL
        self._width <<= 8
        self._next += 1

    @property
    def over(self) -> bool:
        """All bytes were read."""
        return self._next == self._size + 3
