"""Sigmoid and tanh on integers: the specification that the RTL must equal bit for bit.

The argument of tanh has PRE_FRAC fraction bits, which reach from -8 to 8; that of sigmoid one less,
from -16 to 16. Results have GATE_FRAC: 16384 is 1.

docs/format.md, "Sigmoid and tanh", gives the same with bit fields.
"""

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.format.program import Function
from golden.kinds import BASE_FRAC, GATE_FRAC

ONE = 1 << GATE_FRAC
_LARGEST = (1 << 15) - 1
_REGIONS = ((0, 2, 6), (2, 4, 5), (4, 8, 4))
"""Where the segments are 2**-n long: from, to, n."""

LINE_ERROR = 2**-12 / 16 * 4 / (3 * math.sqrt(3)) + 2**-18 / 8
"""How far the raised chords are from tanh, in real numbers; see `TANH_ERROR`."""
TANH_ERROR = 2**-15 + 2**-17 + LINE_ERROR
"""No result of `tanh` is further than this from the tanh of the real number that v stands for.

With f = tanh, concave above 0, f'' = -2 t (1 - t^2) and f''' = -2 (1 - t^2)(1 - 3 t^2), t = f(x):

- A chord over a segment of length h lies below f, by at most h^2/8 F, where F is the greatest |f''|
  in the segment. Its ends are raised by h^2/16 |f''| there, which is at most h^2/16 F and at least
  h^2/16 (F - h G), G the greatest |f'''|. So the line is at most h^2/16 F above f, and at most
  h^2/16 F + h^3/16 G below. Below 2, h = 2^-6, F <= 4/(3 sqrt 3) (at t^2 = 1/3), and G <= 2: that
  is LINE_ERROR. Beyond 2 it is less: h = 2^-5, F < .137, G < .26; beyond 4 h = 2^-4, F < .0027.
- The ends are rounded to 16 bits: 2^-17, and points between them are no further off.
- The product's 8 lowest bits are dropped, which changes no result: rounding half up to 14 or 13
  bits looks at no bit below 2^-16. Ends of 65536 become 65535; the first comes after one that is
  65535, and both have the same results.
- The result is rounded: 2^-15.
- -32768 stands for -8 and is treated as -32767: the result, -1, is off by 1 - tanh 8 < 2^-22.
"""
SIGMOID_ERROR = 2**-15 + (2**-17 + LINE_ERROR) / 2
"""The same for `sigmoid` and `sigmoid_complement`: (1 + T) / 2 halves T's error before rounding."""


@functools.cache
def tanh_table() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(base, delta), each (256,): tanh at a segment's start, and how much it grows to its end.

    Both have 16 fraction bits; base is raised by half of what a chord lies below tanh (see
    `TANH_ERROR`). None is nearer to a rounding tie than 2**-25 (2**-9 of the last place), so that
    it does not matter how well a machine computes tanh.
    """
    base, end = [], []
    for low, high, bits in _REGIONS:
        step = 2.0**-bits
        t = np.tanh(np.arange(low, high + step, step))
        raised = np.rint(np.ldexp(t + step**2 / 8 * t * (1 - t * t), BASE_FRAC))
        knots = np.minimum(raised, (1 << BASE_FRAC) - 1).astype(np.int64)
        base.append(knots[:-1])
        end.append(knots[1:])
    bases = np.concatenate(base)
    deltas = np.concatenate(end) - bases
    for table in (bases, deltas):
        table.flags.writeable = False
    return bases, deltas


def _magnitude(v: NDArray[np.int64]) -> NDArray[np.int64]:
    """|tanh(v)| with 16 fraction bits, rounded down: 0..65535."""
    m = np.minimum(np.abs(v), _LARGEST)
    # Segments are 2**6, 2**7, 2**8 steps of v long; fractions are aligned to 8 bits.
    bits = np.where(m >> 14 == 1, 8, np.where(m >> 13 == 1, 7, 6))
    segment = np.where(bits == 8, 192 - 64, np.where(bits == 7, 128 - 64, 0)) + (m >> bits)
    fraction = (m & ((1 << bits) - 1)) << (8 - bits)
    base, delta = tanh_table()
    return base[segment] + (delta[segment] * fraction >> 8)


def tanh(v: ArrayLike) -> NDArray[np.int64]:
    """Tanh of v * 2**-12 as an integer at 2**-14: -16384..16384, the shape of v.

    v: signed 16 bits; what is larger saturates. tanh(-v) == -tanh(v).
    """
    v = np.asarray(v, dtype=np.int64)
    rounded = (_magnitude(v) + 2) >> 2
    return np.where(v < 0, -rounded, rounded)


def sigmoid(v: ArrayLike) -> NDArray[np.int64]:
    """Sigmoid of v * 2**-11 as an integer at 2**-14: 0..16384, the shape of v.

    v: as for `tanh`. (1 + T) / 2, where T is tanh at v * 2**-12, not yet rounded. sigmoid(-v) ==
    16384 - sigmoid(v).
    """
    v = np.asarray(v, dtype=np.int64)
    rounded = ((1 << BASE_FRAC) + _magnitude(v) + 4) >> 3
    return np.where(v < 0, ONE - rounded, rounded)


def sigmoid_complement(v: ArrayLike) -> NDArray[np.int64]:
    """16384 - sigmoid(v): a GRU's 1 - z."""
    return ONE - sigmoid(v)


def _identity(v: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(v, dtype=np.int64)


FUNCTIONS: Mapping[Function, Callable[[ArrayLike], NDArray[np.int64]]] = {
    Function.IDENTITY: _identity,
    Function.TANH: tanh,
    Function.SIGMOID: sigmoid,
    Function.COMPLEMENT: sigmoid_complement,
}
"""What the function unit computes."""
