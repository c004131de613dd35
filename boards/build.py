"""From a design to a bitstream, with open tools only."""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from boards import report
from boards.platform_top import Design, PlatformTop
from boards.registry import Board, find
from boards.report import BuildReport
from boards.seeds import Seeds, Tried, best
from boards.steps import NAME, ROUTED, SEED, STATISTICS, Steps, expected
from golden.errors import ElsieError
from toolchain import stopping
from toolchain.locking import folder_locked
from toolchain.programs import TOOLS
from toolchain.scratch import scratch

Progress = Callable[[str], None]

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
    board: Board,
    *,
    out: Path | str,
    seeds: Seeds | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Build `top` for a board; the bitstream and report.json appear in directory `out`.

    top: made with the board's `divisor()`.
    seeds: of place and route, one after the other until one meets the clock; by default only
    seed 1. progress: called with a line for each step.

    Work is done in a temporary directory beside `out`; files are moved at the end, the report last,
    so that `out` never holds half a build. Of several builds at once, the last to end counts.
    Raises ElsieError when a tool is missing or fails, the design does not fit or does not reach the
    board's clock; the logs are then in `<out>.failed`.
    """
    started, out = time.monotonic(), Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with scratch(out.parent) as work:
        try:
            commands = _prepare(top, board, work)
            tools = find_tools(board.name)  # after the elaboration: what never is elaborated warns
            steps = Steps(
                board=board, work=work, pes=top.config.pes, say=progress or (lambda _: None)
            )
            tried: list[Tried] = []
            for name, *arguments in commands:
                if name == board.family.nextpnr:
                    tried = steps.route(arguments, seeds or Seeds())
                elif name in tools:  # else a loader's helper, of no use here
                    steps.run(name, arguments)
            result = _report(top, board, work, tried, time.monotonic() - started)
        except ElsieError as error:
            kept = out.with_name(out.name + ".failed")
            _keep_logs(work, kept)
            raise ElsieError(f"board {board.name}: {error} (logs are in {kept})") from None
        (work / "report.json").write_text(json.dumps(result.to_dict(), indent=2) + "\n")
        _publish(work, out)
        return result


def find_tools(board: str) -> dict[str, list[str]]:
    """The commands of the tools that a build for this board needs.

    Raises ElsieError when one is missing; call it before long work that precedes a build.
    """
    return {name: TOOLS[name].command() for name in find(board).family.programs}


def _prepare(top: Design, board: Board, work: Path) -> list[list[str]]:
    """Write RTLIL, scripts and constraints to `work`; return the commands to run there."""
    plan: Any = board.platform().build(
        PlatformTop(top=top, board=board),
        name=NAME,
        do_build=False,
        # Source paths in the netlist would make the result depend on where Elsie is installed.
        emit_src=False,
        synth_opts=list(board.family.parts[board.part].synthesis),
        script_after_read="\n".join(AFTER_READ),
        script_after_synth=f"tee -q -o {STATISTICS} stat -json",
        nextpnr_opts=["--seed", SEED, "--report", ROUTED, *board.family.levers],
    )
    plan.extract(work)
    return json.loads((work / f"build_{NAME}.json").read_text())["commands"]


def _report(
    top: Design, board: Board, work: Path, tried: Sequence[Tried], seconds: float
) -> BuildReport:
    """The report, from the tools' JSON files."""
    family, chosen = board.family, best(tried)
    places = top.network.positions if top.network else {"in_frac": None, "out_frac": None}
    with expected(family):
        route, synthesis = (json.loads((work / name).read_text()) for name in (ROUTED, STATISTICS))
        figures, available = report.area(family, route=route, synthesis=synthesis)
    return BuildReport(
        board=board.name,
        device=board.part,
        pes=top.config.pes,
        mac=top.config.mac.value,
        available=available,
        fmax_mhz=chosen.fmax_mhz,
        clock_mhz=board.clock_mhz,
        seed=chosen.seed,
        tried=tuple(tried),
        bitstream=f"{NAME}.{family.bitstream}",
        loads=top.loads.name.lower(),
        tools={name: TOOLS[name].version() for name in ("yosys", family.nextpnr)},
        seconds=round(seconds, 1),
        **{**figures, **places},  # pyright: ignore[reportArgumentType]
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
    (out / "report.json").unlink(missing_ok=True)
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
