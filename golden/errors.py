"""The one exception for bad input: a clear sentence, no traceback."""


class ElsieError(Exception):
    """The user's input cannot be used; the message says what, where, and what to do.

    The command line prints the message on one line and exits with code 2. Any other
    exception is a defect of Elsie.
    """
