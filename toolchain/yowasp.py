"""YoWASP's programs: WebAssembly, which its runtime compiles for this machine at the first run.

The runtime writes what it has compiled straight to its place in YOWASP_CACHE_DIR, where another
process may be running the same file. So Elsie has it compiled elsewhere, once, and moves it there.
"""

import hashlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from platformdirs import user_cache_path

from golden.errors import ElsieError
from toolchain import process
from toolchain.cache import NOEXEC, runs_nothing
from toolchain.locking import locked
from toolchain.scratch import Unwritable, scratch

VARIABLE = "YOWASP_CACHE_DIR"
"""Environment variable that names another folder for compiled programs."""

_GROWTH = 5
"""A compiled program is 3 to 4.5 times as large as its WebAssembly."""


def command(name: str, package: str) -> list[str]:
    """How to run program `name` of an installed package: its script, or a function of it."""
    script = Path(sys.executable).parent / f"yowasp-{name}"
    if script.exists():
        return [str(script)]
    function = "run_" + name.replace("-", "_")
    call = f"import sys, {package} as p; sys.exit(p.{function}(sys.argv[1:]))"
    return [sys.executable, "-c", call]


def prepare(name: str, package: str) -> None:
    """Have the program compiled if it is not yet; minutes on a slow machine.

    Raises ElsieError naming YOWASP_CACHE_DIR when that cannot be written.
    """
    found = importlib.util.find_spec(package)
    wasm = Path(found.origin).with_name(f"{name}.wasm") if found and found.origin else None
    if wasm is None or not wasm.exists():
        return  # another layout than that of the pinned version: the runtime does it in its way
    cache = Path(os.environ.get(VARIABLE) or user_cache_path("YoWASP", appauthor=False)).absolute()
    with wasm.open("rb") as file:
        part = Path(package) / wasm.name / hashlib.file_digest(file, "sha1").hexdigest()
    if (cache / part).exists():
        return
    try:
        (cache / part).parent.mkdir(parents=True, exist_ok=True)
        _fit(cache, _GROWTH * wasm.stat().st_size)
        with locked(cache / f"{package}-{name}.lock"):
            if not (cache / part).exists():
                _compile(name, package, cache, part)
    except (OSError, ElsieError) as error:
        why = error.why if isinstance(error, Unwritable) else getattr(error, "strerror", None)
        raise ElsieError(
            f"{name} could not be prepared in {cache}: {why or error}; set {VARIABLE} to another "
            f"folder"
        ) from None


def _fit(cache: Path, needed: int) -> None:
    """Refuses a folder of no use at once: the runtime would compile for minutes, at every start."""
    if runs_nothing(cache):
        raise ElsieError(NOEXEC)
    free = shutil.disk_usage(cache).free
    if free < needed:
        mib = 1 << 20
        raise ElsieError(f"it needs {-(-needed // mib)} MiB there, and {free // mib} are free")


def _compile(name: str, package: str, cache: Path, part: Path) -> None:
    """Run the program with a cache of its own; what it ends with does not matter.

    A second time, because a disk that is full leaves half a file: the runtime cannot load it, and
    writes another.
    """
    command_line = [*command(name, package), "--version"]
    with scratch(cache) as work:
        process.run(command_line, cwd=work, env={VARIABLE: str(work)})
        before = _written(work / part)
        done = process.run(command_line, cwd=work, env={VARIABLE: str(work)})
        if before is None or _written(work / part) != before:
            raise ElsieError(done.reason)
        os.replace(work / part, cache / part)


def _written(path: Path) -> int | None:
    """When the file was written, or None if it is not there."""
    return path.stat().st_mtime_ns if path.exists() else None
