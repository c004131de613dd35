"""The system's C++ compiler."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from golden.errors import ElsieError
from toolchain import process
from toolchain.choice import chosen

_NAMES = ("g++", "clang++", "c++")
_FLAGS = ("-std=c++14", "-O1", "-w")


def compiler() -> list[str]:
    """The command of the C++ compiler: the one in CXX, else the system's.

    Raises ElsieError when CXX names no program, and with the packages when there is no compiler.
    """
    if command := chosen("CXX"):
        return command
    for name in _NAMES:
        if path := shutil.which(name):
            return [path]
    raise ElsieError(
        "compiled simulation needs a C++ compiler and found none; install one (Debian, Ubuntu: "
        "apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install), or "
        "simulate interpreted"
    )


def compile_cpp(
    cxx: Sequence[str], sources: Sequence[Path], work: Path, *, flags: Sequence[str] = ()
) -> Path:
    """Compile `sources` in folder `work`, on all processors, and link them; returns the program.

    Raises ElsieError when the compiler fails, or says that it has not and wrote nothing.
    """
    objects = [f"{source.stem}.o" for source in sources]
    commands = [
        [*cxx, *_FLAGS, *flags, "-c", str(source), "-o", name]
        for source, name in zip(sources, objects, strict=True)
    ]
    _run(commands, work, makes=objects)
    _run([[*cxx, *objects, "-o", "program"]], work, makes=["program"])
    if not os.access(work / "program", os.X_OK):
        raise ElsieError(f"{cxx[0]} ended without an error, but what it wrote is no program")
    return work / "program"


def _run(commands: Sequence[Sequence[str]], work: Path, *, makes: Sequence[str]) -> None:
    for done in process.run_all(commands, cwd=work, at_once=os.cpu_count() or 1):
        if done.code:
            raise ElsieError(f"{commands[0][0]} failed: {done.reason}")
    for name in makes:
        if not (work / name).is_file() or not (work / name).stat().st_size:
            raise ElsieError(
                f"{commands[0][0]} ended without an error but wrote no {name}; name another "
                f"compiler in CXX"
            )
