"""Divider settings of the PLLs."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.families.ecp5 import Ecp5Dividers
from boards.families.ice40 import Ice40Dividers
from boards.families.pll import MHZ, Dividers
from boards.registry import BOARDS
from golden.errors import ElsieError


@pytest.mark.parametrize("reference", [10, 12, 16, 25, 48, 100, 133])
def test_ice40_settings_keep_the_data_sheets_limits(reference: int) -> None:
    hz = reference * MHZ
    found = list(Ice40Dividers.settings(hz))
    assert found
    for setting in found:
        assert 0 <= setting.divr <= 15
        assert 0 <= setting.divf <= 127
        assert 1 <= setting.divq <= 6
        assert 1 <= setting.filter_range <= 6
        assert 10 * MHZ <= Fraction(hz, setting.divr + 1) <= 133 * MHZ
        assert 533 * MHZ <= setting.vco_hz(hz) <= 1066 * MHZ
        assert 16 * MHZ <= setting.output_hz(hz) <= 275 * MHZ


@pytest.mark.parametrize("reference", [10, 12, 25, 48])
def test_ecp5_settings_keep_the_data_sheets_limits(reference: int) -> None:
    hz = reference * MHZ
    found = list(Ecp5Dividers.settings(hz))
    assert found
    for setting in found:
        assert 1 <= setting.clki <= 80
        assert 1 <= setting.clkfb <= 80
        assert 1 <= setting.clkop <= 128
        assert 1 <= setting.clkos <= 128
        assert Fraction(hz, setting.clki) >= 10 * MHZ
        assert 400 * MHZ <= setting.vco_hz(hz) <= 800 * MHZ
        assert Fraction(25, 8) * MHZ <= setting.output_hz(hz) <= 400 * MHZ
        # The loop: the feedback clock equals the divided reference.
        clkop = setting.vco_hz(hz) / setting.clkop
        assert Fraction(25, 8) * MHZ <= clkop <= 400 * MHZ
        assert clkop / setting.clkfb == Fraction(hz, setting.clki)


def test_known_settings() -> None:
    """The iCE40's as IceStorm's icepll has them; the ECP5's product as ecppll has it."""
    assert Ice40Dividers.find(reference_hz=12 * MHZ, output_hz=18 * MHZ) == Ice40Dividers(
        divr=0, divf=47, divq=5, filter_range=1
    )
    assert Ice40Dividers.find(reference_hz=12 * MHZ, output_hz=36 * MHZ) == Ice40Dividers(
        divr=0, divf=47, divq=4, filter_range=1
    )
    setting = Ecp5Dividers.find(reference_hz=25 * MHZ, output_hz=60 * MHZ)
    assert isinstance(setting, Ecp5Dividers)
    assert setting.output_hz(25 * MHZ) == 60 * MHZ


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_every_board_gets_exactly_its_clock(board) -> None:
    reference = round(board.platform().default_clk_frequency)
    if reference != board.clock_hz:
        setting = board.family.pll.find(reference_hz=reference, output_hz=board.clock_hz)
        assert setting.output_hz(reference) == board.clock_hz


@settings(max_examples=15)
@given(
    pll=st.sampled_from([Ice40Dividers, Ecp5Dividers]),
    output=st.integers(1 * MHZ, 500 * MHZ) | st.integers(1, 100).map(lambda mhz: mhz * MHZ),
)
def test_exact_or_refused(pll: type[Dividers], output: int) -> None:
    reached = {made.output_hz(25 * MHZ) for made in pll.settings(25 * MHZ)}
    if output in reached:
        setting = pll.find(reference_hz=25 * MHZ, output_hz=output)
        assert setting.output_hz(25 * MHZ) == output
    else:
        with pytest.raises(ElsieError, match="the nearest is"):
            pll.find(reference_hz=25 * MHZ, output_hz=output)


def test_refusal_names_the_neighbours() -> None:
    message = r"cannot make 17\.3 MHz from 12 MHz; the nearest is 17\.25 MHz and 17\.625 MHz"
    with pytest.raises(ElsieError, match=message):
        Ice40Dividers.find(reference_hz=12 * MHZ, output_hz=17_300_000)
    with pytest.raises(ElsieError, match=r"the nearest is 16\.125 MHz$"):
        Ice40Dividers.find(reference_hz=12 * MHZ, output_hz=2 * MHZ)
    with pytest.raises(ElsieError, match="the reference is out of its range"):
        Ice40Dividers.find(reference_hz=5 * MHZ, output_hz=20 * MHZ)
