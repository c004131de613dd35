"""Which part of the waveforms is shown at first."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Window:
    """The first inference. All times in ps."""

    begin: int
    """Its first input is taken soon."""
    start: int
    """Its last input is taken."""
    done: int
    """The engine says that it is done."""
    end: int
    """A little later."""
