"""The tools of a build, one after the other."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from boards import diagnose, report
from boards.families.family import Family
from boards.registry import Board
from boards.seeds import Seeds, Tried, best
from golden.errors import ElsieError
from toolchain.programs import TOOLS

NAME = "elsie"
"""Base name of all files of a build but report.json."""
STATISTICS = f"{NAME}.stat.json"
ROUTED = f"{NAME}.pnr.json"
SEED = "SEED"
"""Among nextpnr's arguments, in the place of a number."""


@contextlib.contextmanager
def expected(family: Family) -> Iterator[None]:
    """Reading the tools' JSON files: what is wrong with them becomes an ElsieError."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ElsieError(
            f"the reports of yosys and {family.nextpnr} are not as expected "
            f"({type(error).__name__}: {error}); use the versions that Elsie installs"
        ) from None


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The tools of one build. Only relative paths are given to them: YoWASP hides /tmp."""

    board: Board
    """What it is for."""
    work: Path
    """Where everything is."""
    pes: int
    """Of the engine, for advice."""
    say: Callable[[str], None]
    """Called with a line for each step."""

    def run(self, name: str, arguments: list[str]) -> None:
        """Run one; ElsieError if it fails."""
        self.say(f"running {name}")
        if text := self._failed(name, arguments):
            raise ElsieError(text)
        if name == "yosys":
            with expected(self.board.family):
                self.board.family.finish(self.work / f"{NAME}.json")

    def route(self, arguments: list[str], seeds: Seeds) -> list[Tried]:
        """Place and route until a seed meets the clock, or with all; the best one's files stay.

        Raises ElsieError when the design does not fit, none of the seeds meets the clock, or the
        program fails.
        """
        name, tried = self.board.family.nextpnr, []
        for seed in seeds:
            self.say(f"running {name}" + (f", seed {seed}" if seeds.count > 1 else ""))
            given = [str(seed) if argument == SEED else argument for argument in arguments]
            tried.append(self._seed(name, given, seed))
            if seeds.count > 1:
                self.say(f"seed {seed}: {tried[-1].fmax_mhz:.2f} MHz")
            if best(tried).seed == seed:
                self._move("", ".best")
            if tried[-1].met and not seeds.every:
                break
        self._move(".best", "")
        if not best(tried).met:
            clock_mhz = self.board.clock_mhz
            raise ElsieError(diagnose.timing_failure(tried, clock_mhz=clock_mhz, pes=self.pes))
        return tried

    def _move(self, before: str, after: str) -> None:
        """Rename what place and route wrote: these endings are added to the names."""
        names = [f"{NAME}.{end}" for end in (self.board.family.routed, "tim", "rpt")]
        for name in (*names, ROUTED):
            if (self.work / (name + before)).exists():
                os.replace(self.work / (name + before), self.work / (name + after))

    def _seed(self, name: str, arguments: list[str], seed: int) -> Tried:
        """One run of place and route."""
        failure = self._failed(name, arguments)
        if failure is None:
            with expected(self.board.family):
                route = json.loads((self.work / ROUTED).read_text())
                reached = report.fmax_mhz(route, clock_mhz=self.board.clock_mhz)
            return Tried(seed=seed, fmax_mhz=round(reached, 2), met=True)
        text = self._logs(name)
        if reason := diagnose.capacity_failure(text, pes=self.pes):
            raise ElsieError(reason)
        missed = diagnose.missed_mhz(text, clock_mhz=self.board.clock_mhz)
        if missed is None:
            raise ElsieError(failure)
        return Tried(seed=seed, fmax_mhz=missed, met=False)

    def _failed(self, name: str, arguments: list[str]) -> str | None:
        """Run a tool; a sentence if it failed. Raises ElsieError if it wrote nothing."""
        done = TOOLS[name].start(arguments, cwd=self.work)
        console = self.work / f"{name}.log"
        console.write_text(done.out + done.err)
        if done.code == 0:
            TOOLS[name].check(self.work, _made(self.board.family, name))
            return None
        return f"{name} failed: {diagnose.last_error(*self._log_files(name)) or done.reason}"

    def _log_files(self, name: str) -> list[Path]:
        ending = "rpt" if name == "yosys" else "tim"
        return [self.work / f"{NAME}.{ending}", self.work / f"{name}.log"]

    def _logs(self, name: str) -> str:
        logs = self._log_files(name)
        return "\n".join(log.read_text(errors="replace") for log in logs if log.exists())


def _made(family: Family, name: str) -> list[str]:
    """What a tool of a family must have written."""
    return {
        "yosys": [f"{NAME}.json", STATISTICS],
        family.nextpnr: [f"{NAME}.{family.routed}", ROUTED],
        family.packer: [f"{NAME}.{family.bitstream}"],
    }[name]
