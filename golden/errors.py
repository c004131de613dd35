"""The exceptions for bad input: a clear sentence, no traceback."""


class ElsieError(Exception):
    """The user's input cannot be used; the message says what, where, and what to do.

    The command line prints the message on one line and exits with `exit_code`. Any other
    exception is a defect of Elsie.
    """

    exit_code = 2
    """Bad input."""


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
