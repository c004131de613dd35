"""The summary of a simulation, in figures."""

from dataclasses import dataclass

from golden.record import Record


@dataclass(frozen=True, kw_only=True)
class Cycles(Record):
    """A mean number of cycles, predicted and simulated."""

    golden: float
    """As predicted."""
    rtl: float
    """As simulated."""


@dataclass(frozen=True, kw_only=True)
class Summary(Record):
    """Counts of what agrees, mean cycles, utilisation of the RTL."""

    inferences: int
    """Simulated inferences; for sequences, the number of sequences."""
    steps: int | None = None
    """For sequences, the steps, which are what was compared; None for single inputs."""
    cycles_per_step: Cycles | None = None
    """Of sequences."""
    outputs_equal: int
    """How many inferences or steps had equal outputs."""
    trace_equal: int
    """How many had equal events and counters."""
    events: int
    """Events of the RTL."""
    cycles_per_inference: Cycles
    """Per sequence, if there are sequences."""
    useful_utilisation: float
    """MACs with a non-zero weight and activation / (PEs x cycles)."""
    first_difference: str | None
    """One sentence, or None."""

    @property
    def compared(self) -> int:
        """How many inferences or steps there were to compare."""
        return self.inferences if self.steps is None else self.steps

    @property
    def equal(self) -> bool:
        """Everything agrees."""
        return self.outputs_equal == self.trace_equal == self.compared
