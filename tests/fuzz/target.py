"""What a reader must do with any input: take it rightly, or refuse it in a sentence."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from golden.errors import ElsieError

Mutator = Callable[[Random, bytes], bytes]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A reader, what it reads, how that is damaged, and what it must do."""

    suffix: str
    """Of the file's name."""
    seeds: Callable[[], Sequence[bytes]]
    """Files that are right, each of them small."""
    mutate: Mutator
    """One change; what comes out goes in again. Must do something with any bytes."""
    read: Callable[[Path], Any]
    """The reader. Raises ElsieError, a sentence that begins with the path, for what it refuses."""
    verify: Callable[[Any, Path], None]
    """Takes what was read, and fails if it is not right. It may still be refused, without a name:
    a network that is right by itself may not fit an engine."""
    suite: int = 300
    """Inputs in the test suite."""
    long: int = 3000
    """Inputs in the long tier."""


class Hang(BaseException):
    """An input has taken too long; no reader's boundary may swallow it."""


@dataclass(frozen=True)
class Failure:
    """What a reader must not do."""

    kind: str
    """The exception's type and the line that raised it, equal for the same fault; or 'Hang'."""
    detail: str
    """The traceback."""


def judge(target: Target, path: Path) -> str | Failure:
    """'right' or 'refused', or how the target failed."""
    try:
        try:
            found = target.read(path)
        except ElsieError as error:
            text = str(error)
            assert text.startswith(f"{path}: "), f"the file is not named: {text}"
            assert len(text.splitlines()) == 1, f"not one line: {text!r}"
            assert len(text) < len(str(path)) + 700, f"{len(text)} characters: {text}"
            text.encode()
            return "refused"
        try:
            target.verify(found, path)
        except ElsieError as error:
            str(error).encode()
            return "refused"
        return "right"
    except (Exception, Hang) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f" at {Path(last.filename).name}:{last.lineno}"
        return Failure(
            kind=type(error).__name__ + ("" if isinstance(error, Hang) else place),
            detail="".join(traceback.format_exception(error, limit=-8)),
        )
