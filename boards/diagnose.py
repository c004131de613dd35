"""Why a build failed, read from the tools' logs."""

import re
from collections.abc import Sequence
from pathlib import Path

from boards.seeds import Tried, best, sentence

_TIMING = re.compile(r"Max frequency for clock\s+'[^']*': ([\d.]+) MHz \((\w+) at ([\d.]+) MHz\)")
_USE = re.compile(r"(\w+):\s+(\d+)/\s*(\d+)\s+\d+%")

_NAMES = {
    "ICESTORM_LC": "logic cells",
    "ICESTORM_RAM": "block RAMs",
    "ICESTORM_DSP": "multipliers",
    "SB_IO": "pins",
    "TRELLIS_COMB": "LUTs",
    "TRELLIS_FF": "flip-flops",
    "TRELLIS_RAMW": "LUT RAM writers",
    "DP16KD": "block RAMs",
    "MULT18X18D": "multipliers",
}


def missed_mhz(log: str, *, clock_mhz: float) -> float | None:
    """The clock in MHz that nextpnr's log says was reached, if that is too slow, else None.

    Only the last result of each run counts: nextpnr also prints an estimate before routing.
    """
    missed = None
    for reached, verdict, asked in _TIMING.findall(log):
        if verdict == "FAIL":
            missed = float(reached)
        elif abs(float(asked) - clock_mhz) < clock_mhz * 2e-3:
            missed = None
    return missed


def timing_failure(tried: Sequence[Tried], *, clock_mhz: float, pes: int) -> str:
    """A sentence on seeds of which none reaches the clock, and what to try instead."""
    most = best(tried).fmax_mhz
    short = f"{100 * (1 - most / clock_mhz):.1f} % too slow"
    less = f"compile {'with fewer --pes' if pes > 1 else 'for another --board'}"
    if len(tried) == 1:
        return (
            f"the design does not reach {clock_mhz:g} MHz: place and route got {most:.2f} MHz, "
            f"{short}; try more seeds (--seeds 8), a lower --clock, or {less}"
        )
    return (
        f"the design does not reach {clock_mhz:g} MHz with any seed from {tried[0].seed} to "
        f"{tried[-1].seed} ({sentence(tried)}): the best is {short}; try a lower --clock, or {less}"
    )


def capacity_failure(log: str, *, pes: int) -> str | None:
    """A sentence if nextpnr's log says that something does not fit, else None.

    pes: of this build, for what to try instead.
    """
    remedy = f"compile {'with fewer --pes, or ' if pes > 1 else ''}for a larger --board"
    over = {
        cell: (int(used), int(available))
        for cell, used, available in _USE.findall(log)
        if int(used) > int(available)
    }
    if over:
        parts = ", ".join(
            f"{used} {_NAMES.get(cell, cell)} of {available} ({cell})"
            for cell, (used, available) in over.items()
        )
        return f"the design does not fit: it needs {parts}; {remedy}"
    if match := re.search(r"ERROR: (.*(?:no Bels remaining|legal placement).*)", log):
        return f"the design does not fit: {match[1]}; {remedy}"
    return None


def last_error(*logs: Path) -> str:
    """The last line with an error in any of the logs, else the last line, if there is one."""
    lines = [
        line.strip()
        for log in logs
        if log.exists()
        for line in log.read_text(errors="replace").splitlines()
    ]
    errors = [line for line in lines if "ERROR" in line or "error:" in line.lower()]
    if errors:
        return errors[-1]
    return lines[-1] if lines else ""
