"""What a build leaves."""

import json
from pathlib import Path

from boards.registry import BOARDS
from boards.report import BuildReport
from boards.seeds import Tried


def a_report(board: str = "icebreaker", loads: str = "nothing") -> BuildReport:
    """Some figures, with all kinds of fields."""
    return BuildReport(
        board=board,
        device=BOARDS[board].part,
        pes=4,
        mac="codebook",
        lut=1,
        lc=2,
        ff=3,
        bram=4,
        spram=None,
        dsp=None,
        available={"lc": 9},
        fmax_mhz=40.5,
        clock_mhz=36.0,
        seed=1,
        tried=(Tried(seed=1, fmax_mhz=40.5, met=True),),
        bitstream=f"elsie.{BOARDS[board].family.bitstream}",
        loads=loads,
        in_frac=[3, 4],
        out_frac=5,
        tools={"yosys": "1"},
        seconds=1.0,
    )


def built(folder: Path, board: str = "icebreaker", loads: str = "nothing") -> Path:
    """A folder as a build leaves it."""
    folder.mkdir()
    report = a_report(board, loads)
    (folder / "report.json").write_text(json.dumps(report.to_dict()))
    (folder / report.bitstream).write_bytes(b"bits")
    return folder
