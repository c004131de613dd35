"""The one exception for bad input: a clear sentence, no traceback."""


class ElsieError(Exception):
    """Something the user gave cannot be used; the message says what, where and the way out.

    The command line prints the message on one line and exits with code 2. Anything else that is
    raised is a defect of Elsie.
    """
