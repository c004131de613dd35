"""Folders for unfinished work: none stays behind, however a command ends.

Each holds a lock, which the system frees when the process that made the folder is gone, even after
kill -9. Whoever makes the next one in the same place takes away those that nobody holds.
"""

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from golden.errors import ElsieError
from toolchain import locking, stopping

PREFIX = ".elsie-"
"""How their names begin."""
LOCK = "owner.lock"
"""The file in each that its owner has locked."""
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""Errors that a disk causes; they come without the file's name when it was open already."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
"""Those of them that room helps against."""
_NAME = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")


class Unwritable(ElsieError):
    """A place that cannot be written."""

    def __init__(self, place: Path, error: OSError) -> None:
        self.why = error.strerror or str(error)
        """The system's reason."""
        room = "make room there or " if error.errno in _FULL else ""
        super().__init__(f"{place}: cannot be written ({self.why}); {room}choose another place")


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, which goes away afterwards; stale ones there go first.

    `parent` should be where the result goes, so that a single rename moves it there. Raises
    Unwritable when nothing can be written there, also later on, as on a full disk.
    """
    parent = parent.absolute()
    with _owned(parent) as folder:
        try:
            yield folder
        except OSError as error:
            raise _explained(error, folder) from None


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A file to write, which in the end takes the place of `target`: whole, or not at all.

    Raises ElsieError for a target that is not a regular file, and as `scratch` does.
    """
    target = target.absolute()
    if target.exists() and not target.is_file():
        raise ElsieError(f"{target}: is not a regular file; name a file to write")
    with scratch(target.parent) as work:
        yield work / "whole"
        stopping.check()
        os.replace(work / "whole", target)


def _explained(error: OSError, folder: Path) -> OSError | ElsieError:
    """Without the names of the folder's files, which are gone when somebody reads the message."""
    path = error.filename2 or error.filename
    if path is None and error.errno not in _DISK:
        return error
    if path is None or Path(path).is_relative_to(folder):
        return Unwritable(folder.parent, error)
    return Unwritable(Path(path), error)


@contextmanager
def _owned(parent: Path) -> Iterator[Path]:
    """A new folder, locked."""
    try:
        _tidy(parent)
        with ExitStack() as stack:
            with stopping.later():
                folder, lock = _make(parent)
                stack.callback(_drop, folder, lock)
            stack = stack.pop_all()
    except OSError as error:
        raise Unwritable(parent, error) from None
    with stack:
        yield folder


def _drop(folder: Path, lock: int) -> None:
    with stopping.later():
        remove(folder)
        os.close(lock)


def _make(parent: Path) -> tuple[Path, int]:
    """A folder and its lock; a `_tidy` that comes before the lock takes both, and we try again."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            lock = locking.lock(folder / LOCK)
        except FileNotFoundError:
            continue
        except BaseException:
            remove(folder)
            raise
        assert lock is not None, "it waits"
        return folder, lock


def _tidy(parent: Path) -> None:
    """Take away folders without an owner; whatever is not certainly ours stays."""
    for folder in parent.iterdir():
        if not _NAME.fullmatch(folder.name):
            continue
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                continue
            if not any(folder.iterdir()):
                folder.rmdir()  # its owner ended before it had locked it
            elif (folder / LOCK).exists():
                lock = locking.lock(folder / LOCK, wait=False)
                if lock is not None:
                    remove(folder)
                    os.close(lock)


def remove(folder: Path) -> None:
    """Take a folder away, its lock last, so that an interrupted removal can be finished later."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name == LOCK:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
