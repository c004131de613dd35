"""Environment variables that choose a program."""

import os
import shlex
import shutil
from pathlib import Path

from golden.errors import ElsieError


def chosen(variable: str) -> list[str] | None:
    """The command that an environment variable names; None if it is empty or not there.

    The whole value may be a program, with blanks in its path; else it is split into words as a
    shell does, so that options may follow the program. Raises ElsieError when there is no such
    program.
    """
    value = os.environ.get(variable)
    if not value:
        return None
    if whole := shutil.which(value):
        words = [whole]
    else:
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise ElsieError(f"{variable} is {value!r}: {str(error).lower()}") from None
        found = shutil.which(words[0]) if words else None
        if found is None:
            raise ElsieError(
                f"{variable} is {value!r}, but there is no such program; name one, or unset it"
            )
        words[0] = found
    # Absolute, because programs run in another folder.
    return [str(Path(words[0]).absolute()), *words[1:]]
