"""Figures from the tools' JSON, as dictionary and table."""

import json

import pytest

from boards import report
from boards.families import ecp5, ice40
from boards.seeds import Tried
from golden.errors import ElsieError

ICE40 = {
    "utilization": {
        "ICESTORM_LC": {"used": 2997, "available": 5280},
        "ICESTORM_RAM": {"used": 23, "available": 30},
        "ICESTORM_SPRAM": {"used": 0, "available": 4},
        "ICESTORM_DSP": {"used": 4, "available": 8},
    },
    "fmax": {"clk": {"achieved": 37.397, "constraint": 18.0}},
}
STAT = {"design": {"num_cells_by_type": {"SB_LUT4": 1959, "SB_DFF": 41, "SB_DFFESR": 1600}}}
ECP5 = {
    "utilization": {
        "TRELLIS_COMB": {"used": 8673, "available": 83640},
        "TRELLIS_FF": {"used": 4896, "available": 83640},
        "DP16KD": {"used": 7, "available": 208},
        "MULT18X18D": {"used": 16, "available": 156},
    },
    "fmax": {
        "$glbnet$clk": {"achieved": 98.38, "constraint": 60.002},
        "other": {"achieved": 10.0, "constraint": 12.0},
    },
}


def test_ice40() -> None:
    used, available = report.area(ice40.ICE40, route=ICE40, synthesis=STAT)
    assert used == {"lc": 2997, "spram": 0, "dsp": 4, "bram": 23, "lut": 1959, "ff": 1641}
    assert available == {"lc": 5280, "bram": 30, "spram": 4, "dsp": 8}


def test_a_part_without_multipliers_has_none() -> None:
    cells = {"ICESTORM_LC": {"used": 1, "available": 7680}, "ICESTORM_DSP": ICE40["fmax"]}
    cells["ICESTORM_DSP"] = {"used": 0, "available": 0}
    cells["ICESTORM_RAM"] = {"used": 3, "available": 32}
    used, available = report.area(ice40.ICE40, route={"utilization": cells}, synthesis=STAT)
    assert used["dsp"] is None
    assert used["spram"] is None
    assert "dsp" not in available


def test_ecp5() -> None:
    used, available = report.area(ecp5.ECP5, route=ECP5, synthesis={})
    assert used == {"lut": 8673, "ff": 4896, "bram": 7, "dsp": 16, "lc": None, "spram": None}
    assert available["lut"] == 83640


def test_fmax_is_of_the_clock_that_was_asked_for() -> None:
    assert report.fmax_mhz(ICE40, clock_mhz=18.0) == 37.397
    assert report.fmax_mhz(ECP5, clock_mhz=60.0) == 98.38
    with pytest.raises(ElsieError, match="saw no clock of 50 MHz in this design"):
        report.fmax_mhz(ECP5, clock_mhz=50.0)


def test_report_as_text_and_json() -> None:
    used, available = report.area(ice40.ICE40, route=ICE40, synthesis=STAT)
    made = report.BuildReport(
        board="icebreaker",
        device="iCE40UP5K",
        pes=4,
        mac="codebook",
        available=available,
        fmax_mhz=37.397,
        clock_mhz=18.0,
        seed=1,
        tried=(Tried(seed=1, fmax_mhz=37.4, met=True),),
        bitstream="elsie.bin",
        in_frac=[7, 3],
        out_frac=4,
        tools={"yosys": "Yosys 0.70", "nextpnr-ice40": "nextpnr-0.11.1"},
        seconds=42.3,
        loads="nothing",
        **used,  # pyright: ignore[reportArgumentType]
    )
    assert json.loads(json.dumps(made.to_dict()))["lut"] == 1959
    assert json.loads(json.dumps(made.to_dict()))["tried"] == [
        {"seed": 1, "fmax_mhz": 37.4, "met": True}
    ]
    assert made.to_dict()["in_frac"] == [7, 3]
    table = made.table()
    assert "clock        18 MHz, reached 37.40 MHz" in table
    assert "logic cells  2997 of 5280 (57 %)" in table
    assert "LUTs         1959\n" in table
    assert "seeds" not in table
