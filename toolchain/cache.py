"""The user's cache: what is expensive to make, by its content's key.

It is in the user's cache folder, or in folder ELSIE_CACHE_DIR. Files are whole or not there, each
is made once even when several processes want it, and a damaged one is made again.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from golden.errors import ElsieError
from toolchain.locking import locked
from toolchain.scratch import Unwritable, scratch

VARIABLE = "ELSIE_CACHE_DIR"
"""Environment variable that names another folder."""
NOEXEC = "its file system lets no program run (noexec)"
"""What is said of such a folder."""


def folder(name: str) -> Path:
    """Folder `name` of the cache, made if need be, for programs.

    Raises ElsieError naming ELSIE_CACHE_DIR when it cannot be written or may hold no programs.
    """
    where = Path(os.environ.get(VARIABLE) or user_cache_path("elsie")).absolute() / name
    try:
        where.mkdir(parents=True, exist_ok=True)
        with scratch(where) as work:
            (work / "probe").write_bytes(b"it holds something")
    except (OSError, Unwritable) as error:
        raise _refusal(where, error) from None
    if runs_nothing(where):
        raise _refusal(where, NOEXEC)
    return where


def runs_nothing(where: Path) -> bool:
    """Whether a folder's file system lets no program run."""
    return hasattr(os, "statvfs") and bool(os.statvfs(where).f_flag & getattr(os, "ST_NOEXEC", 0))


def _refusal(where: Path, why: OSError | Unwritable | str) -> ElsieError:
    if not isinstance(why, str):
        why = f"it cannot be written ({why.strerror if isinstance(why, OSError) else why.why})"
    return ElsieError(
        f"cache folder {where} cannot be used: {why}; set {VARIABLE} to another folder"
    )


def program(name: str, key: str, make: Callable[[Path], Path]) -> Path:
    """The program that `make` makes, from folder `name` of the cache.

    make: given an empty folder, makes the program in it and returns its path. Raises ElsieError as
    `folder` does, and whatever `make` raises.
    """
    where = folder(name)
    target, digest = where / key, where / f"{key}.sha256"
    if _whole(target, digest):
        return target
    try:
        with locked(where / f"{key}.lock"):
            if not _whole(target, digest):  # else another process has made it meanwhile
                with scratch(where) as work:
                    made = make(work)
                    # First the digest: without its program it says nothing.
                    checked = work / digest.name
                    checked.write_text(_digest(made))
                    os.replace(checked, digest)
                    os.replace(made, target)
    except (OSError, Unwritable) as error:
        raise _refusal(where, error) from None
    return target


def _whole(target: Path, digest: Path) -> bool:
    """Whether the program is there and undamaged."""
    try:
        return os.access(target, os.X_OK) and digest.read_text() == _digest(target)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
