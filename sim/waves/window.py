"""Which part of the waveforms is shown at first."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Window:
    """The first inference. All times in ps."""

    begin: int
    """Shortly before its first input is taken."""
    start: int
    """Its last input is taken."""
    done: int
    """The engine says that it is done."""
    end: int
    """A little after that."""
