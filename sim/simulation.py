"""The results of a simulation beside golden's, and a summary."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.timing.trace import Difference, Trace
from golden.timing.unpack import Counters
from sim.summary import Cycles, Summary


@dataclass(frozen=True, kw_only=True, eq=False)
class Inference:
    """One simulated step of all streams beside its prediction."""

    outputs: NDArray[np.int64]
    """Integer outputs of the RTL, shape (streams, n_out); zero when no answer was requested."""
    expected: NDArray[np.int64]
    """Integer outputs of the golden model's layer arithmetic, of the same shape."""
    trace: Trace
    """Events of the RTL."""
    expected_trace: Trace
    """Events of the golden model."""
    counters: Counters
    """The RTL's counters."""
    expected_counters: Counters
    """The golden model's counters."""
    difference: Difference | None
    """First event in which the traces differ."""

    @property
    def vector(self) -> NDArray[np.int64]:
        """Integer outputs of the RTL on the first stream, shape (n_out,)."""
        return self.outputs[0]

    @property
    def outputs_equal(self) -> bool:
        """All outputs agree bit for bit."""
        return bool(np.array_equal(self.outputs, self.expected))

    @property
    def trace_equal(self) -> bool:
        """All events agree, with their cycles, and so do the counters."""
        return self.difference is None and self.counters == self.expected_counters


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """All steps of one simulation."""

    inferences: list[Inference]
    """One for each step; a single vector is a step."""
    sequences: int | None = None
    """How many sequences the steps belong to; None for single vectors."""

    @property
    def equal(self) -> bool:
        """Everything agrees."""
        return all(i.outputs_equal and i.trace_equal for i in self.inferences)

    def summary(self, pes: int) -> Summary:
        """The figures that a command prints."""
        every, several = self.inferences, self.sequences is not None
        golden = sum(i.expected_trace.cycles for i in every)
        rtl = sum(i.trace.cycles for i in every)
        count = len(every) if self.sequences is None else self.sequences
        each = Cycles(golden=golden / len(every), rtl=rtl / len(every))
        return Summary(
            inferences=count,
            steps=len(every) if several else None,
            cycles_per_step=each if several else None,
            outputs_equal=sum(i.outputs_equal for i in every),
            trace_equal=sum(i.trace_equal for i in every),
            events=sum(len(events) for i in every for events in i.trace.events.values()),
            cycles_per_inference=Cycles(golden=golden / count, rtl=rtl / count),
            useful_utilisation=sum(i.trace.macs for i in every) / (pes * rtl),
            first_difference=self.first_difference(),
        )

    def first_difference(self) -> str | None:
        """One sentence on the first disagreement, or None."""
        what = "inference" if self.sequences is None else "step"
        for number, one in enumerate(self.inferences):
            if one.difference is not None:
                return f"{what} {number}: {one.difference}"
            if not one.outputs_equal:
                row = int(np.flatnonzero(one.outputs != one.expected)[0])
                return (
                    f"{what} {number}: output {row} is {one.outputs.flat[row]}, "
                    f"expected {one.expected.flat[row]}"
                )
            if one.counters != one.expected_counters:
                return (
                    f"{what} {number}: counters are {one.counters}, "
                    f"expected {one.expected_counters}"
                )
        return None
