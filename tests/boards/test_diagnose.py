"""What is read from the tools' logs: excerpts are of real ones."""

from pathlib import Path

from boards import diagnose
from boards.seeds import Tried

FAILED = """
ERROR: Max frequency for clock 'clk': 33.97 MHz (FAIL at 60.00 MHz)
Info: Max delay <async> -> posedge clk: 4.07 ns
Info: Router1 time 2.97s
ERROR: Max frequency for clock 'clk': 36.18 MHz (FAIL at 60.00 MHz)
"""

TOO_LARGE = """
Info: Device utilisation:
Info: 	         ICESTORM_LC:    8048/   5280   152%
Info: 	        ICESTORM_RAM:      96/     30   320%
Info: 	               SB_IO:       3/     96     3%
Info: 	               SB_GB:       7/      8    87%
Info: 	        ICESTORM_DSP:      16/      8   200%
"""


def test_timing_names_the_last_result_and_a_way_out() -> None:
    missed = diagnose.missed_mhz(FAILED, clock_mhz=60.0)
    assert missed == 36.18
    tried = [Tried(seed=7, fmax_mhz=36.18, met=False)]
    assert diagnose.timing_failure(tried, clock_mhz=60.0, pes=2) == (
        "the design does not reach 60 MHz: place and route got 36.18 MHz, 39.7 % too slow; "
        "try more seeds (--seeds 8), a lower --clock, or compile with fewer --pes"
    )
    one = diagnose.timing_failure(tried, clock_mhz=60.0, pes=1)
    assert one.endswith("or compile for another --board")
    more = [*tried, Tried(seed=8, fmax_mhz=48.0, met=False)]
    assert diagnose.timing_failure(more, clock_mhz=60.0, pes=2) == (
        "the design does not reach 60 MHz with any seed from 7 to 8 (2 tried, 0 met the clock: "
        "36.18 to 48.00 MHz, median 42.09): the best is 20.0 % too slow; try a lower --clock, or "
        "compile with fewer --pes"
    )


def test_timing_that_is_met_after_routing_is_no_failure() -> None:
    log = FAILED + "Info: Max frequency for clock 'clk': 61.00 MHz (PASS at 60.00 MHz)\n"
    assert diagnose.missed_mhz(log, clock_mhz=60.0) is None
    assert diagnose.missed_mhz("", clock_mhz=60.0) is None


def test_capacity_names_every_resource() -> None:
    assert diagnose.capacity_failure(TOO_LARGE, pes=8) == (
        "the design does not fit: it needs 8048 logic cells of 5280 (ICESTORM_LC), 96 block RAMs "
        "of 30 (ICESTORM_RAM), 16 multipliers of 8 (ICESTORM_DSP); compile with fewer --pes, "
        "or for a larger --board"
    )
    assert diagnose.capacity_failure("Info: SB_IO:       3/     96     3%\n", pes=8) is None
    message = diagnose.capacity_failure(
        "ERROR: Unable to find legal placement for cell 'x'\n", pes=1
    )
    assert message is not None
    assert "legal placement for cell 'x'; compile for a larger --board" in message


def test_last_error(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("ERROR: one\nmore\n")
    assert diagnose.last_error(first, second) == "ERROR: one"
    second.write_text("ERROR: two\n")
    assert diagnose.last_error(first, second) == "ERROR: two"
    first.write_text("hello\n")
    second.write_text("")
    assert diagnose.last_error(first, second) == "hello"
    assert diagnose.last_error(second) == ""
