"""What can go wrong between host and board."""

from golden.errors import ElsieError


class BoardError(ElsieError):
    """Something between host and board."""


class NoPort(BoardError):
    """There is no serial port, or it cannot be used."""


class NoAnswer(BoardError):
    """Nothing that speaks the protocol answers."""


class WrongNetwork(BoardError):
    """The board has another network, or none, or cannot take this one."""


class Interrupted(Exception):
    """An answer did not come, or not as it should; the caller recovers, and goes on or gives up."""
