"""The exceptions for bad input: a clear sentence, no traceback."""

import difflib
import re
from collections.abc import Iterable, Mapping

_NAME = re.compile("`([a-z_]+)`")
_LONG = re.compile(r"\S{301,}")
"""A word that is longer than a name that anybody reads."""


def printable(text: str) -> str:
    """`text` on one line: what cannot be printed, as names from files may have, is escaped.

    Of words of more than 300 characters the middle is left out.
    """
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return _LONG.sub(lambda word: f"{word[0][:100]}...{word[0][-50:]}", line)


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The end of a sentence about a name that is not known: the one it may stand for, if any."""
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


class ElsieError(Exception):
    """The user's input cannot be used; the message says what, where, and what to do.

    The command line prints the message on one line and exits with `exit_code`. Any other
    exception is a defect of Elsie.
    """

    exit_code = 2
    """Bad input."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class ArgumentError(ElsieError):
    """Arguments, or fields of a configuration, that cannot be used, or not together.

    The message is given with their names in backquotes. str() shows it without these, and `named`
    with other names, such as those of a command's options.
    """

    def __init__(self, marked: str) -> None:
        super().__init__(_NAME.sub(r"\1", marked))
        self._marked = marked

    def named(self, names: Mapping[str, str]) -> str:
        """The message with other names for those that `names` has."""
        return printable(_NAME.sub(lambda found: names.get(found[1], found[1]), self._marked))


def check_names(
    what: str,
    given: Iterable[str],
    known: Iterable[str],
    error: type[ElsieError] = ArgumentError,
) -> None:
    """Raises `error` for a name that is not known: "engine configuration: no `what` 'name'"."""
    for name in given:
        if name not in known:
            raise error(f"engine configuration: no {what} {name!r}{did_you_mean(name, known)}")


class CheckFailed(ElsieError):
    """The input can be used, but the result misses a goal that the user has set."""

    exit_code = 1
    """A check failed."""


class DoesNotFit(ElsieError):
    """A network that exceeds a board's memories: another engine may hold it."""

    def __init__(self, fact: str, remedy: str) -> None:
        """What is wrong, and what to do."""
        super().__init__(f"{fact}; {remedy}")
        self.fact = fact
