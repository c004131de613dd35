"""From a design to a bitstream, with open tools only."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from boards import diagnose, report
from boards.families.family import Family
from boards.platform_top import Design, PlatformTop
from boards.registry import Board, find
from boards.report import BuildReport
from golden.errors import ElsieError
from toolchain import stopping
from toolchain.locking import folder_locked
from toolchain.programs import TOOLS
from toolchain.scratch import scratch

Progress = Callable[[str], None]

NAME = "elsie"
"""Base name of all files of a build but load.bin and report.json."""
_STATISTICS = f"{NAME}.stat.json"
_ROUTED = f"{NAME}.pnr.json"
LOAD = "load.bin"
"""File that the host sends first, if there is one."""

AFTER_READ = [
    # Assertions are for simulators; in a bitstream they would cost LUTs.
    "chformal -remove",
    # Block RAMs never read and write one address in one cycle (asserted in rtl.prim.ram), so the
    # logic that would define such a read may go: 30 LUTs and 42 FFs a memory. Clocked ports only:
    # Yosys 0.70 fails on the mask for a LUT RAM's asynchronous port.
    "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:CLK_ENABLE=1 %i",
    # Registers that must stay apart (rtl.prim.kept).
    "setattr -set keep 1 w:* a:keep %i %ci1 t:$dff %i",
]
_KEPT = {".bin", ".bit", ".svf", ".tim", ".rpt"}
"""Suffixes of the files that a build leaves in `out`."""
_LOGS = {".ys", ".log", ".tim", ".rpt", ".pcf", ".lpf"}
"""Suffixes of the files that a failed build leaves."""


def build(
    top: Design,
    board: str,
    *,
    out: Path | str,
    seed: int = 1,
    progress: Progress | None = None,
) -> BuildReport:
    """Build `top` for a board; the bitstream and report.json appear in directory `out`.

    top: made with the board's `divisor()`; its load frame, if there is one, is written to load.bin.
    seed: of place and route. progress: called with a line for each step.

    Work is done in a temporary directory beside `out`; files are moved at the end, the report last,
    so that `out` never holds half a build. Of several builds at once, the last to end counts.
    Raises ElsieError when a tool is missing or fails, the design does not fit or does not reach the
    board's clock; the logs are then in `<out>.failed`.
    """
    started, chosen, out = time.monotonic(), find(board), Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with scratch(out.parent) as work:
        try:
            commands = _prepare(top, chosen, work, seed)
            steps = find_tools(board)  # after the elaboration: what never is elaborated warns
            for name, *arguments in commands:
                if name in steps:  # else a loader's helper, of no use here
                    _run(chosen, name, arguments, work, seed, progress, pes=top.config.pes)
            result = _report(top, chosen, work, seed, time.monotonic() - started)
        except ElsieError as error:
            kept = out.with_name(out.name + ".failed")
            _keep_logs(work, kept)
            raise ElsieError(f"board {board}: {error} (logs are in {kept})") from None
        (work / "report.json").write_text(json.dumps(result.to_dict(), indent=2) + "\n")
        _publish(work, out)
        return result


def find_tools(board: str) -> dict[str, list[str]]:
    """The commands of the tools that a build for this board needs.

    Raises ElsieError when one is missing; call it before long work that precedes a build.
    """
    return {name: TOOLS[name].command() for name in find(board).family.programs}


def _prepare(top: Design, board: Board, work: Path, seed: int) -> list[list[str]]:
    """Write RTLIL, scripts, constraints, load.bin to `work`; return the commands to run there."""
    plan: Any = board.platform().build(
        PlatformTop(top=top, board=board),
        name=NAME,
        do_build=False,
        # Source paths in the netlist would make the result depend on where Elsie is installed.
        emit_src=False,
        synth_opts=list(board.family.parts[board.part].synthesis),
        script_after_read="\n".join(AFTER_READ),
        script_after_synth=f"tee -q -o {_STATISTICS} stat -json",
        nextpnr_opts=["--seed", str(seed), "--report", _ROUTED],
    )
    plan.extract(work)
    if top.load_frame is not None:
        (work / LOAD).write_bytes(top.load_frame)
    return json.loads((work / f"build_{NAME}.json").read_text())["commands"]


def _run(
    board: Board,
    name: str,
    arguments: list[str],
    work: Path,
    seed: int,
    progress: Progress | None,
    *,
    pes: int,
) -> None:
    """Run one tool in `work`. Only relative paths are given to it: YoWASP hides /tmp."""
    if progress is not None:
        progress(f"running {name}")
    done = TOOLS[name].start(arguments, cwd=work)
    console = work / f"{name}.log"
    console.write_text(done.out + done.err)
    if done.code == 0:
        TOOLS[name].check(work, _made(board.family, name))
        return
    logs = [work / f"{NAME}.{'rpt' if name == 'yosys' else 'tim'}", console]
    text = "\n".join(log.read_text(errors="replace") for log in logs if log.exists())
    reason = None
    if name.startswith("nextpnr"):
        reason = diagnose.capacity_failure(text, pes=pes) or diagnose.timing_failure(
            text, clock_mhz=board.clock_mhz, seed=seed, pes=pes
        )
    raise ElsieError(reason or f"{name} failed: {diagnose.last_error(*logs) or done.reason}")


def _made(family: Family, name: str) -> list[str]:
    """What a tool of a family must have written."""
    return {
        "yosys": [f"{NAME}.json", _STATISTICS],
        family.nextpnr: [f"{NAME}.{family.routed}", _ROUTED],
        family.packer: [f"{NAME}.{family.bitstream}"],
    }[name]


def _report(top: Design, board: Board, work: Path, seed: int, seconds: float) -> BuildReport:
    """The report, from the tools' JSON files."""
    family = board.family
    try:
        route = json.loads((work / _ROUTED).read_text())
        synthesis = json.loads((work / _STATISTICS).read_text())
        figures, available = report.area(family, route=route, synthesis=synthesis)
        reached = report.fmax_mhz(route, clock_mhz=board.clock_mhz)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ElsieError(
            f"the reports of yosys and {family.nextpnr} are not as expected "
            f"({type(error).__name__}: {error}); use the versions that Elsie installs"
        ) from None
    return BuildReport(
        board=board.name,
        device=board.part,
        pes=top.config.pes,
        mac=top.config.mac.value,
        available=available,
        fmax_mhz=reached,
        clock_mhz=board.clock_mhz,
        seed=seed,
        bitstream=f"{NAME}.{family.bitstream}",
        load=None if top.load_frame is None else LOAD,
        tools={name: TOOLS[name].version() for name in ("yosys", family.nextpnr)},
        seconds=round(seconds, 1),
        **{**figures, **top.network.positions},  # pyright: ignore[reportArgumentType]
    )


def _publish(work: Path, out: Path) -> None:
    """Move the results into `out`, the report last; each move is atomic.

    One process at a time, or a bitstream could stand beside another build's report.
    """
    stopping.check()
    out.mkdir(exist_ok=True)
    with folder_locked(out), stopping.later():
        _move(work, out)


def _move(work: Path, out: Path) -> None:
    for name in ("report.json", LOAD):  # an earlier network's frame is of no use to this one
        (out / name).unlink(missing_ok=True)
    for path in sorted(work.iterdir()):
        if path.suffix in _KEPT:
            os.replace(path, out / path.name)
    os.replace(work / "report.json", out / "report.json")


def _keep_logs(work: Path, kept: Path) -> None:
    """Keep the logs and scripts of a failed build, replacing those of an earlier one."""
    kept.mkdir(exist_ok=True)
    with folder_locked(kept), stopping.later():
        for path in kept.iterdir():
            if path.suffix in _LOGS:
                path.unlink()
        for path in work.iterdir():
            if path.suffix in _LOGS:
                os.replace(path, kept / path.name)
