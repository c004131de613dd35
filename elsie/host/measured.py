"""What a run took."""

from dataclasses import dataclass

from golden.record import Record


@dataclass(frozen=True, kw_only=True)
class Measured(Record):
    """The last run: how many inferences or steps, and where their time went."""

    inferences: int
    """Samples, or sequences."""
    steps: int
    """Of all sequences; the inferences, for a network without states."""
    cycles: int
    """Clock cycles of the layers, all in all."""
    seconds: float
    """From the first byte sent to the last answer."""
    line_seconds: float
    """What the bytes of the busier direction take at the line's speed."""
    engine_seconds: float
    """What the cycles take at the engine's clock."""
    baud: int
    """The line's speed."""
    recovered: int
    """How often something was sent again."""

    @property
    def per_second(self) -> float:
        """Inferences per second."""
        return self.inferences / self.seconds if self.seconds else 0.0

    @property
    def bound(self) -> str:
        """Where the time goes: the line, the engine, or the host and its adapter."""
        most = max(self.line_seconds, self.engine_seconds)
        if self.seconds > 2 * most:
            return "host"
        return "line" if self.line_seconds >= self.engine_seconds else "engine"
