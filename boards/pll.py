"""Divider settings of the iCE40's and ECP5's PLLs: exact, or refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from golden.errors import ElsieError

MHZ = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Ice40Dividers:
    """SB_PLL40 with FEEDBACK_PATH "SIMPLE": out = reference / (divr+1) * (divf+1) / 2**divq.

    Limits from the iCE40 data sheets: reference and phase detector 10..133 MHz, VCO 533..1066 MHz,
    output 16..275 MHz.
    """

    divr: int
    """Reference divider - 1, 0..15."""
    divf: int
    """Feedback divider - 1, 0..127."""
    divq: int
    """Binary logarithm of the output divider, 1..6."""
    filter_range: int
    """Loop filter for the phase detector's frequency, 1..6."""

    def vco_hz(self, reference_hz: int) -> Fraction:
        """Frequency of the oscillator in the PLL."""
        return Fraction(reference_hz * (self.divf + 1), self.divr + 1)

    def output_hz(self, reference_hz: int) -> Fraction:
        """Frequency at the output."""
        return self.vco_hz(reference_hz) / (1 << self.divq)


@dataclass(frozen=True, kw_only=True)
class Ecp5Dividers:
    """EHXPLLL with feedback from CLKOP and the output on CLKOS.

    VCO = reference / clki * clkfb * clkop; out = VCO / clkos. CLKOP is used only for the
    feedback, so the output can divide the VCO by any number. Limits from the ECP5 data sheet:
    reference 8..400 MHz, phase detector 10..400 MHz, VCO 400..800 MHz, output 3.125..400 MHz.
    """

    clki: int
    """Reference divider, 1..80."""
    clkfb: int
    """Feedback divider after CLKOP, 1..80."""
    clkop: int
    """Divider of CLKOP, 1..128."""
    clkos: int
    """Divider of CLKOS, the output, 1..128."""

    def vco_hz(self, reference_hz: int) -> Fraction:
        """Frequency of the oscillator in the PLL."""
        return Fraction(reference_hz * self.clkfb * self.clkop, self.clki)

    def output_hz(self, reference_hz: int) -> Fraction:
        """Frequency at the output."""
        return self.vco_hz(reference_hz) / self.clkos


def ice40_settings(reference_hz: int) -> Iterator[Ice40Dividers]:
    """Every legal setting for a reference, the least divided reference (least jitter) first."""
    if not 10 * MHZ <= reference_hz <= 133 * MHZ:
        return
    # Highest phase detector frequency in MHz -> FILTER_RANGE, as in IceStorm's icepll.
    filters = ((17, 1), (26, 2), (44, 3), (66, 4), (101, 5), (134, 6))
    for divr in range(16):
        detector = Fraction(reference_hz, divr + 1)
        if detector < 10 * MHZ:
            return
        chosen = next(number for limit, number in filters if detector < limit * MHZ)
        for divf in range(128):
            if not 533 * MHZ <= detector * (divf + 1) <= 1066 * MHZ:
                continue
            for divq in range(1, 7):
                setting = Ice40Dividers(divr=divr, divf=divf, divq=divq, filter_range=chosen)
                if 16 * MHZ <= setting.output_hz(reference_hz) <= 275 * MHZ:
                    yield setting


def ecp5_settings(reference_hz: int) -> Iterator[Ecp5Dividers]:
    """Every legal oscillator frequency and output divider, the least divided reference first."""
    if not 8 * MHZ <= reference_hz <= 400 * MHZ:
        return
    for clki in range(1, 81):
        detector = Fraction(reference_hz, clki)
        if detector < 10 * MHZ:
            return
        # clkfb and clkop only count as a product here; CLKOP itself must be 3.125..400 MHz.
        for multiple in range(1, 81 * 128):
            vco = detector * multiple
            if vco > 800 * MHZ:
                break
            if vco < 400 * MHZ:
                continue
            clkop = next(
                (d for d in range(128, 0, -1) if multiple % d == 0 and _clkop_ok(vco / d)), None
            )
            if clkop is None or multiple // clkop > 80:
                continue
            for clkos in range(1, 129):
                if Fraction(3_125_000) <= vco / clkos <= 400 * MHZ:
                    yield Ecp5Dividers(clki=clki, clkfb=multiple // clkop, clkop=clkop, clkos=clkos)


def _clkop_ok(frequency: Fraction) -> bool:
    """Whether CLKOP may have this frequency."""
    return Fraction(3_125_000) <= frequency <= 400 * MHZ


_SETTINGS = {"ice40": ice40_settings, "ecp5": ecp5_settings}


def find_dividers(
    family: str, *, reference_hz: int, output_hz: int
) -> Ice40Dividers | Ecp5Dividers:
    """The first setting that makes exactly `output_hz`.

    Raises ElsieError with the nearest frequencies below and above when there is none.
    """
    if family not in _SETTINGS:
        raise ElsieError(f"no PLL is known for family {family!r}; there are {', '.join(_SETTINGS)}")
    reached: set[Fraction] = set()
    for setting in _SETTINGS[family](reference_hz):
        frequency = setting.output_hz(reference_hz)
        if frequency == output_hz:
            return setting
        reached.add(frequency)
    below = max((f for f in reached if f < output_hz), default=None)
    above = min((f for f in reached if f > output_hz), default=None)
    nearest = " and ".join(f"{float(f) / MHZ:.6g} MHz" for f in (below, above) if f is not None)
    raise ElsieError(
        f"the {family} PLL cannot make {output_hz / MHZ:g} MHz from {reference_hz / MHZ:g} MHz; "
        + (f"the nearest is {nearest}" if nearest else "the reference is out of its range")
    )
