"""Checks that the tools are installed and run."""

import dataclasses
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from golden.errors import ElsieError
from toolchain.programs import TOOLS


@dataclass(frozen=True, kw_only=True)
class Check:
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


def examine(*, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """All checks; each tool runs once, which also prepares WebAssembly builds."""
    checks = [_python(), *(_package(name) for name in ("amaranth", "numpy", "onnx"))]
    for number, name in enumerate(TOOLS):
        checks.append(_tool(name))
        if progress is not None:
            progress(number + 1, len(TOOLS))
    return [*checks, _program("gtkwave", "shows waveforms; install it with your system's packages")]


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


def _tool(name: str) -> Check:
    """Run a tool for its version."""
    tool = TOOLS[name]
    try:
        found = tool.version()
    except (ElsieError, OSError) as error:
        return Check(name=name, ok=False, needed=True, detail="does not run", cure=str(error))
    return Check(name=name, ok=True, needed=True, detail=found, cure="")


def _program(name: str, cure: str) -> Check:
    path = shutil.which(name)
    return Check(name=name, ok=bool(path), needed=False, detail=path or "not found", cure=cure)
