"""What a family's PLL must offer, and the search for dividers: exact, or refused."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from typing import Self

from amaranth.hdl import Module, Signal
from amaranth.lib import io

from golden.errors import ElsieError

MHZ = 1_000_000


class Dividers(ABC):
    """One setting of a family's PLL."""

    @classmethod
    @abstractmethod
    def settings(cls, reference_hz: int) -> Iterator[Self]:
        """Every legal setting for a reference, the least divided reference (least jitter) first."""

    @abstractmethod
    def output_hz(self, reference_hz: int) -> Fraction:
        """Frequency at the output."""

    @abstractmethod
    def place(
        self,
        m: Module,
        pin: io.SingleEndedPort,
        *,
        reference_hz: int,
        pad: bool,
        clk: Signal,
        locked: Signal,
    ) -> None:
        """Add the PLL to `m`, from the oscillator's pin to `clk` and `locked`.

        pad: the pin is the PLL's own, where a family has such pins.
        """

    @classmethod
    def find(cls, *, reference_hz: int, output_hz: int) -> Self:
        """The first setting that makes exactly `output_hz`.

        Raises ElsieError with the nearest frequencies below and above when there is none.
        """
        reached: set[Fraction] = set()
        for setting in cls.settings(reference_hz):
            frequency = setting.output_hz(reference_hz)
            if frequency == output_hz:
                return setting
            reached.add(frequency)
        below = max((f for f in reached if f < output_hz), default=None)
        above = min((f for f in reached if f > output_hz), default=None)
        nearest = " and ".join(f"{float(f) / MHZ:.6g} MHz" for f in (below, above) if f is not None)
        raise ElsieError(
            f"the PLL cannot make {output_hz / MHZ:g} MHz from {reference_hz / MHZ:g} MHz; "
            + (f"the nearest is {nearest}" if nearest else "the reference is out of its range")
        )
