"""Locks between processes, which the system frees when their holder ends, however it ends.

The system's own call does it: a folder can be locked without a file in it, and a lock that somebody
else holds, in another container too, is never mistaken for a stale one, as process numbers can be.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEVER = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of file systems without locks."""
_POLL = 0.05
"""Seconds between two tries; waiting in the kernel would delay signals in some threads."""


def lock(path: Path, *, wait: bool = True) -> int | None:
    """Lock file `path`, made if need be; returns its descriptor, and closing that frees it.

    wait: until it is free; otherwise None is returned while somebody holds it. Threads of one
    process exclude each other too. Where the file system has no locks, waiting ones succeed: work
    is then done twice, or its leftovers stay. Raises OSError.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            while not _try(file, without=wait):
                if not wait:
                    os.close(file)
                    return None
                time.sleep(_POLL)
            # Somebody may have deleted it while we waited, and then it guards nothing.
            if os.fstat(file).st_nlink:
                return file
            os.close(file)
        except BaseException:
            os.close(file)
            raise


def _try(file: int, *, without: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if not without or error.errno not in _NEVER:
            raise
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock `path`, after waiting for it. Raises OSError."""
    file = lock(path)
    assert file is not None, "it waits"
    try:
        yield
    finally:
        os.close(file)


@contextmanager
def folder_locked(path: Path) -> Iterator[None]:
    """The same with a folder, which needs no file in it."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while not _try(file, without=True):
            time.sleep(_POLL)
        yield
    finally:
        os.close(file)
