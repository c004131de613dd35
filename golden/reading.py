"""The boundary around every reader of a user's file: right, or refused in a sentence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from golden.errors import ElsieError

FREE = 1 << 28
"""Bytes that any file may ask for."""
RATIO = 100
"""Bytes that a larger one may ask for, for each byte that it has."""


def check_memory(wanted: int, size: int, what: str) -> None:
    """Raise ElsieError if a file of `size` bytes asks for so many that it is no honest file.

    For whatever a header says, before memory is taken.
    """
    if wanted > max(FREE, RATIO * size):
        raise ElsieError(
            f"{what} would take {wanted >> 20} MiB, but the file has only {size} bytes; it is "
            f"damaged, or its contents must be stored with less compression"
        )


@contextmanager
def reading(
    path: str | Path,
    what: str,
    advice: str,
    *,
    where: Callable[[Exception], str] = lambda _: "",
) -> Iterator[None]:
    """Everything that goes wrong inside becomes an ElsieError, a sentence that begins with `path`.

    what: what the file should have been, with its article. advice: what to do, for a file that is
    not. where: finds the place within the file that an unexpected exception is about.
    """
    try:
        yield
    except ElsieError as error:
        named = str(error).startswith(f"{path}: ")
        raise ElsieError(str(error) if named else f"{path}: {error}") from None
    except FileNotFoundError:
        raise ElsieError(f"{path}: no such file") from None
    except MemoryError:
        raise ElsieError(f"{path}: it needs more memory than there is; {advice}") from None
    except Exception as error:  # parsers fail in more ways than anyone can list
        if isinstance(error, OSError) and error.filename is not None:  # opening, not parsing
            raise ElsieError(f"{path}: cannot be read: {error.strerror}") from None
        place = where(error)
        said = " ".join(str(error).split())[:200]
        raise ElsieError(
            f"{path}: not {what}, or damaged ({place}{': ' if place else ''}"
            f"{type(error).__name__}{': ' if said else ''}{said}); {advice}"
        ) from None
