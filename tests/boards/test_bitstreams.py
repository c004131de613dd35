"""The examples on boards, at their clocks. Run by make test-long."""

from pathlib import Path
from typing import Any

import pytest

import elsie
from boards.registry import BOARDS
from elsie.options import EngineOptions

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


@pytest.mark.long
@pytest.mark.bitstream
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("weights", ["codebook", "fixed", "log"])
def test_digits(board: str, weights: str, tmp_path: Path) -> None:
    network = elsie.compile(
        DIGITS / "digits-pruned.onnx",
        calibration=DIGITS / "calibrate.npz",
        board=board,
        weights=weights,
    )
    report = elsie.build(network, board, out=tmp_path / "out")
    assert report.fmax_mhz >= report.clock_mhz
    assert (tmp_path / "out" / report.bitstream).stat().st_size > 10_000
    assert report.bram > 0
    multipliers = {"ice40": None if board == "hx8k" else 4, "ecp5": 16}[BOARDS[board].family.name]
    assert report.dsp == (0 if weights == "log" and multipliers else multipliers)


@pytest.mark.long
@pytest.mark.bitstream
@pytest.mark.timeout(1800)
def test_digits_on_eight_pes_with_spram(tmp_path: Path) -> None:
    network = elsie.compile(
        DIGITS / "digits-pruned.onnx",
        calibration=DIGITS / "calibrate.npz",
        board="icebreaker",
        engine=EngineOptions(entry_memory="spram", pes=8, group=4, queue_depth=6, weight_width=5),
    )
    report = elsie.build(network, "icebreaker", out=tmp_path / "out")
    assert report.fmax_mhz >= report.clock_mhz
    assert (report.spram, report.dsp) == (4, 8)
    assert report.loads == "entries"


@pytest.mark.long
@pytest.mark.bitstream
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("board", "options", "multipliers"),
    [
        ("ulx3s-85f", {}, 20),
        ("icebreaker", {"weights": "codebook", "engine": EngineOptions(weight_width=12, pes=2)}, 3),
    ],
)
def test_spoken_digits(
    board: str, options: dict[str, Any], multipliers: int, tmp_path: Path
) -> None:
    speech = DIGITS.parent / "speech"
    network = elsie.compile(
        speech / "speech-pruned.onnx",
        calibration=speech / "calibrate.npz",
        board=board,
        **options,
    )
    report = elsie.build(network, board, out=tmp_path / "out")
    assert report.fmax_mhz >= report.clock_mhz
    assert report.dsp == multipliers  # one for each PE, and one for each group's functions
    assert (tmp_path / "out" / report.bitstream).stat().st_size > 10_000
