"""One point of the benchmark, golden and RTL: a problem, a number of PEs, a queue."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elsie.bench.eie import engine, layers
from elsie.bench.eie import scheme as eie_scheme
from elsie.bench.eie.problem import Problem
from golden.config import EngineConfig
from golden.format.network import Network
from golden.record import Record
from golden.timing.losses import Losses, account, assignment_bound
from golden.timing.schedule import Latencies, operation_starts, schedule

SCHEMES = ("elsie", "eie")
"""Elsie's, and that of EIE's paper (elsie.bench.eie.scheme), for which there is no RTL."""


@dataclass(frozen=True, kw_only=True)
class Cycles:
    """The golden model's figures for one point."""

    cycles: int
    losses: Losses
    bound: float
    """Most entries of a PE / the mean: what the row assignment alone would cost."""
    broadcasts: int

    def useful_utilisation(self, pes: int) -> float:
        """MACs / (PEs x cycles)."""
        return self.losses.useful / (pes * self.cycles)


def predict(net: Network, work: engine.Work, x: NDArray[np.int64]) -> Cycles:
    """The golden model's cycles for a network of one layer, without a trace: for many points."""
    config = net.config
    column = np.flatnonzero(x)
    column = column[np.argsort(column % config.groups, kind="stable")]
    stored, real = work.stored[:, column], work.real[:, column]
    jobs = schedule(config, stored, 1)
    last = int(operation_starts(config, jobs.over, length=work.rows).max()) + work.rows - 1
    finish = last + Latencies.of(config).result + 1
    return Cycles(
        cycles=finish - 1,
        losses=account(jobs, stored, real, start=1, end=finish),
        bound=assignment_bound(stored),
        broadcasts=len(column),
    )


def predict_eie(problem: Problem, *, pes: int, queue: int) -> Cycles:
    """The same under EIE's own scheme."""
    entries = eie_scheme.encode(problem.indptr, problem.rows, pes=pes)
    column = np.flatnonzero(problem.x)
    stored, real = entries.stored[:, column], entries.real[:, column]
    run = eie_scheme.schedule(stored, real, queue=queue)
    return Cycles(
        cycles=run.cycles,
        losses=run.losses,
        bound=assignment_bound(np.maximum(stored, 1)),
        broadcasts=len(column),
    )


@dataclass(frozen=True, kw_only=True)
class Row(Record):
    """One point's figures, as in `--json`; None where there is no such figure."""

    layer: str
    scheme: str
    balanced: str | None
    pes: int
    group: int | None
    queue: int
    queue_depth: int
    useful_macs: int
    broadcasts: int
    cycles_golden: int
    cycles_rtl: int | None
    outputs_equal: bool | None
    trace_equal: bool | None
    events: int | None
    useful_utilisation: float
    assignment_bound: float
    eie_scheme_cycles: int
    eie_scheme_utilisation: float
    eie_paper_microseconds: float | None
    eie_paper_cycles: float | None
    eie_paper_utilisation: float | None
    losses: dict[str, int]


class Bench:
    """One problem on one number of PEs; the row assignment is made once."""

    def __init__(
        self,
        problem: Problem,
        *,
        pes: int,
        group: int = engine.GROUP,
        base: EngineConfig = engine.BASE,
    ) -> None:
        """`base`: see engine.engine. Raises ElsieError when the engine has no room for it."""
        self.problem, self.pes, self.group, self._base = problem, pes, group, base
        config = engine.engine(pes=pes, group=group, base=base)
        engine.check_fits(problem, config)
        self._position = engine.assign(problem, config)
        self._work = engine.work(engine.network(problem, self._position, config))
        self._eie = predict_eie(problem, pes=pes, queue=layers.QUEUE)

    def network(self, queue: int) -> Network:
        """The layer for an engine with this queue."""
        config = engine.engine(pes=self.pes, queue=queue, group=self.group, base=self._base)
        return engine.network(self.problem, self._position, config)

    def row(self, queue: int) -> Row:
        """The golden model's figures; those of the RTL are None."""
        net = self.network(queue)
        point = predict(net, self._work, self.problem.x)
        slots = net.config.queue_depth
        return _row(
            self.problem, point, self._eie, pes=self.pes, group=self.group, queue=queue, slots=slots
        )

    def with_rtl(self, row: Row) -> tuple[Row, str | None]:
        """Simulate the RTL of a row's point: the row with its figures, and the first difference."""
        from sim.check import simulate  # Amaranth is slow to import

        net = self.network(row.queue)
        done = simulate(net, engine.real_input(self.problem), compiled=True)
        inference = done.inferences[0]
        found = replace(
            row,
            cycles_rtl=inference.trace.cycles,
            outputs_equal=inference.outputs_equal,
            trace_equal=inference.trace_equal,
            events=sum(len(events) for events in inference.trace.events.values()),
        )
        if inference.expected_trace.cycles != row.cycles_golden:
            return found, f"layer {self.problem.name}: the golden model disagrees with itself"
        return found, done.first_difference()


def eie_row(problem: Problem, *, pes: int, queue: int) -> Row:
    """A row of EIE's scheme; there is no RTL of it."""
    point = predict_eie(problem, pes=pes, queue=queue)
    return _row(problem, point, point, pes=pes, group=None, queue=queue, slots=queue)


def _row(
    problem: Problem,
    point: Cycles,
    eie: Cycles,
    *,
    pes: int,
    group: int | None,
    queue: int,
    slots: int,
) -> Row:
    """A row. `eie`: EIE's scheme on the same data; it has no groups."""
    paper = problem.paper if pes == layers.PES else None
    return Row(
        layer=problem.name,
        scheme="eie" if group is None else "elsie",
        balanced=problem.balanced,
        pes=pes,
        group=group,
        queue=queue,
        queue_depth=slots,
        useful_macs=point.losses.useful,
        broadcasts=point.broadcasts,
        cycles_golden=point.cycles,
        cycles_rtl=None,
        outputs_equal=None,
        trace_equal=None,
        events=None,
        useful_utilisation=point.useful_utilisation(pes),
        assignment_bound=point.bound,
        eie_scheme_cycles=eie.cycles,
        eie_scheme_utilisation=eie.useful_utilisation(pes),
        eie_paper_microseconds=paper.microseconds if paper else None,
        eie_paper_cycles=paper.cycles if paper else None,
        eie_paper_utilisation=paper.useful_utilisation if paper else None,
        losses=point.losses.to_dict(),
    )
