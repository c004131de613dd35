"""All points of one run of the benchmark: layers x PEs x queues."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from elsie.bench.eie import balanced, engine, layers, measure
from elsie.bench.eie.problem import Problem, published
from golden.config import EngineConfig
from golden.errors import ElsieError

Make = Callable[[EngineConfig], Problem]
"""Makes a problem for an engine only when needed, as a large layer takes a second or more."""
_Simulate = Callable[[measure.Row], tuple[measure.Row, str | None]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure."""

    problems: tuple[Make, ...]
    """The layers."""
    pes: tuple[int, ...] = (layers.PES,)
    """Numbers of PEs."""
    queues: tuple[int, ...] | None = None
    """Jobs that may wait in a queue; None: the scheme's default."""
    group: int = engine.GROUP
    """PEs that share a drain unit."""
    base: EngineConfig = engine.BASE
    """Everything else of the engine, but for its memories."""
    scheme: str = "elsie"
    """One of measure.SCHEMES."""
    rtl: bool = True
    """Simulate the RTL of every point."""
    spot_checks: int = 0
    """Otherwise simulate the RTL of this many points, evenly chosen."""

    @property
    def points(self) -> int:
        """How many rows there will be."""
        return len(self.problems) * len(self.pes) * len(self.queues or (0,))

    def queues_for(self, pes: int) -> tuple[int, ...]:
        """The queues for a number of PEs."""
        if self.queues is not None:
            return self.queues
        if self.scheme == "eie":
            return (layers.QUEUE,)
        return (engine.waiting(self.base, pes=pes),)

    def simulated(self, point: int) -> bool:
        """Whether the RTL is simulated for this point."""
        if self.rtl:
            return True
        wanted = min(self.spot_checks, self.points)
        return any(point == (2 * n + 1) * self.points // (2 * wanted) for n in range(wanted))


@dataclass(kw_only=True)
class Results:
    """The results."""

    rows: list[measure.Row] = field(default_factory=list)
    """A row for each point."""
    differences: list[str] = field(default_factory=list)
    """First difference between RTL and golden of each point that has one."""


def of_paper(names: list[str] | None, *, seed: int, balance: str | None = None) -> tuple[Make, ...]:
    """The paper's layers of these names, or all; pruned with this balance, or else at random.

    Raises ElsieError for an unknown one.
    """
    chosen = layers.LAYERS if names is None else [layers.find(name) for name in names]
    if balance is None:
        return tuple(partial(_random, layer, seed) for layer in chosen)
    return tuple(partial(balanced.pruned, layer, per=balance, seed=seed) for layer in chosen)


def _random(layer: layers.PaperLayer, seed: int, _: EngineConfig) -> Problem:
    """The same for every engine."""
    return published(layer, seed=seed)


def run(plan: Plan, *, progress: Callable[[int, int], None] | None = None) -> Results:
    """Measure all points. `progress` is called with (points done, all)."""
    _check(plan)
    results = Results()
    for make in plan.problems:
        for pes in plan.pes:
            problem = make(engine.engine(pes=pes, group=plan.group, base=plan.base))
            for row, simulate in _rows(plan, problem, pes):
                if plan.simulated(len(results.rows)) and simulate is not None:
                    row, difference = simulate(row)
                    if difference:
                        results.differences.append(f"{problem.name}: {difference}")
                results.rows.append(row)
                if progress:
                    progress(len(results.rows), plan.points)
    return results


def _check(plan: Plan) -> None:
    """Refuse what no engine can be, before any work."""
    if plan.scheme not in measure.SCHEMES:
        raise ElsieError(f"no scheme {plan.scheme!r}; there are {', '.join(measure.SCHEMES)}")
    for pes in plan.pes:
        for queue in plan.queues_for(pes):
            engine.engine(pes=pes, queue=queue, group=plan.group, base=plan.base)


def _rows(plan: Plan, problem: Problem, pes: int) -> Iterator[tuple[measure.Row, _Simulate | None]]:
    """Rows of one problem on a number of PEs, each with a function that adds the RTL's figures."""
    if plan.scheme == "eie":
        for queue in plan.queues_for(pes):
            yield measure.eie_row(problem, pes=pes, queue=queue), None
        return
    bench = measure.Bench(problem, pes=pes, group=plan.group, base=plan.base)
    for queue in plan.queues_for(pes):
        yield bench.row(queue), bench.with_rtl
