"""Checks that the tools are installed and run."""

import platform
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from golden.errors import ElsieError
from golden.record import Record
from toolchain import cache, process
from toolchain.compiler import compile_cpp, compiler
from toolchain.programs import TOOLS
from toolchain.scratch import scratch

_ANSWER = "works"
_SMALL = f"""#include <cstdio>
#include <vector>
int main() {{ std::vector<int> empty; return std::puts("{_ANSWER}") < (int)empty.size(); }}
"""


@dataclass(frozen=True, kw_only=True)
class Check(Record):
    """One finding."""

    name: str
    """What was checked."""
    ok: bool
    """It is installed and runs."""
    needed: bool
    """Elsie does not work without it; the others are optional."""
    detail: str
    """Version, or what is wrong."""
    cure: str
    """What to do if it is not ok."""


def examine(*, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """All checks; each tool runs once, which also prepares WebAssembly builds."""
    checks = [_python(), *(_package(name) for name in ("amaranth", "numpy", "onnx"))]
    for number, tool in enumerate(TOOLS.values()):
        checks.append(_attempt(tool.name, tool.version, needed=True))
        if progress is not None:
            progress(number + 1, len(TOOLS))
    return [
        *checks,
        # Both for compiled simulation only.
        _attempt("cache", lambda: str(cache.folder("compiled")), needed=False),
        _attempt("C++ compiler", _compiler, needed=False),
        _program("gtkwave", "shows waveforms; install it with your system's packages"),
    ]


def _python() -> Check:
    return Check(
        name="python",
        ok=sys.version_info >= (3, 11),
        needed=True,
        detail=platform.python_version(),
        cure="install Python 3.11 or newer",
    )


def _package(name: str) -> Check:
    try:
        found = version(name)
    except PackageNotFoundError:
        found = ""
    return Check(
        name=name,
        ok=bool(found),
        needed=True,
        detail=found or "not installed",
        cure=f"run: pip install {name}",
    )


def _attempt(name: str, work: Callable[[], str], *, needed: bool) -> Check:
    """Do a piece of work with something, which says what it found."""
    try:
        return Check(name=name, ok=True, needed=needed, detail=work(), cure="")
    except (ElsieError, OSError) as error:
        return Check(name=name, ok=False, needed=needed, detail="does not work", cure=str(error))


def _compiler() -> str:
    """Compile and run a small program where compiled simulations are kept; the compiler's name."""
    command = compiler()
    with scratch(cache.folder("compiled")) as work:
        source = work / "small.cc"
        source.write_text(_SMALL)
        done = process.run([str(compile_cpp(command, [source], work))], cwd=work)
    if done.code or done.out.strip() != _ANSWER:
        raise ElsieError(f"what {command[0]} compiles does not run: {done.reason}")
    return shlex.join(command)


def _program(name: str, cure: str) -> Check:
    path = shutil.which(name)
    return Check(name=name, ok=bool(path), needed=False, detail=path or "not found", cure=cure)
