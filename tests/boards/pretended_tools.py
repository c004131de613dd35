"""Programs that pretend to be the tools of a build."""

import json
import stat
import sys
from pathlib import Path

import pytest

from boards.registry import find
from toolchain.programs import TOOLS

NETLIST = '{"modules": {"top": {"attributes": {"top": 1}, "cells": {}, "ports": {}}}}'
"""What the pretended yosys writes."""


def pretend(path: Path, script: str) -> str:
    """A program, in Python, that pretends to be a tool."""
    path.write_text(f"#!{sys.executable} -S\nimport sys\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def pretend_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, board: str = "icebreaker"
) -> Path:
    """A directory of pretended tools that all succeed; yosys writes its statistics."""
    folder.mkdir()
    family = find(board).family
    stat_json = json.dumps({"design": {"num_cells_by_type": {"SB_LUT4": 3, "SB_DFFE": 2}}})
    clock_mhz = find(board).clock_mhz
    route = {
        "utilization": {
            "ICESTORM_LC": {"used": 5, "available": 5280},
            "ICESTORM_RAM": {"used": 0, "available": 30},
            **{cell: {"used": 1, "available": 9} for cell in ("TRELLIS_COMB", "TRELLIS_FF")},
            **{cell: {"used": 1, "available": 9} for cell in ("DP16KD", "MULT18X18D")},
        },
        "fmax": {"clk": {"achieved": 99.0, "constraint": clock_mhz}},
    }
    wrote = {
        "yosys": f"open('elsie.stat.json', 'w').write({stat_json!r}); "
        f"open('elsie.json', 'w').write({NETLIST!r})",
        family.nextpnr: f"open('elsie.pnr.json', 'w').write({json.dumps(route)!r}); "
        f"open('elsie.{family.routed}', 'w').write(sys.argv[sys.argv.index('--seed') + 1])",
        family.packer: f"open('elsie.{family.bitstream}', 'wb').write(b'bits')",
    }
    for name, script in wrote.items():
        # Asked for its version it runs wherever the caller is, and must write nothing there.
        asked = "if '-V' in sys.argv or '--version' in sys.argv"
        script = f"{asked}:\n    print('{name} 1.0')\nelse:\n    {script}"
        monkeypatch.setenv(TOOLS[name].variable, pretend(folder / name, script))
    return folder
