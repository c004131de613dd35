"""Where results go: bad places are refused before any work."""

import os
from pathlib import Path

from golden.errors import ElsieError


def check_file(target: Path, *inputs: Path | None) -> None:
    """Refuse a file that cannot be written, is not a regular file, or is one of the inputs."""
    if not target.name:
        raise ElsieError(f"{str(target)!r} is no file name; name the file to write")
    if target.exists() and not target.is_file():
        raise ElsieError(f"{target}: is not a regular file; name a file to write")
    for source in inputs:
        if source is not None and target.exists() and source.exists() and target.samefile(source):
            raise ElsieError(f"{target}: is an input of this command; name another file to write")
    _check_writable(target, target.absolute().parent)


def check_directory(target: Path) -> None:
    """Refuse a directory that cannot be made or written."""
    target = target.absolute()
    if target.exists() and not target.is_dir():
        raise ElsieError(f"{target}: is not a directory; name a directory to write")
    folder = target
    while not folder.exists():
        folder = folder.parent
    _check_writable(target, folder)


def _check_writable(target: Path, folder: Path) -> None:
    if not folder.is_dir():
        raise ElsieError(f"{target}: {folder} is not a directory; make it first")
    if not os.access(folder, os.W_OK):
        raise ElsieError(f"{target}: {folder} is not writable; choose another place")
