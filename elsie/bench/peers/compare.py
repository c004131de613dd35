"""All peers side by side: what `elsie bench peers` prints."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from elsie.bench.peers import own, processor, soft_core
from elsie.bench.peers.networks import ENGINES, SIZES, Workload, network, workload
from elsie.bench.peers.rows import MEASURED, Row, published
from elsie.bench.peers.sweep import Point, crossovers, sweep
from golden.errors import ElsieError
from golden.record import Record

Say = Callable[[str], None]
OUT = Path("build/bench-peers")
"""Where --area leaves bitstreams and logs."""


@dataclass(frozen=True, kw_only=True)
class Comparison(Record):
    """The result of the benchmark."""

    networks: dict[str, dict[str, int]]
    """For each network: weights, non-zeros, useful MACs, broadcasts."""
    cpu: str
    """The processor of the rows of scipy."""
    rows: list[Row]
    sweep: list[Point]
    crossovers: dict[str, float | None]
    failures: list[str]
    """Each check that failed, in one sentence."""
    notes: list[str]
    """What was left out, and why."""
    areas: list[own.Area]
    """What --area measured, as in the ledger."""


def compare(*, area: bool = False, soft_cores: bool = True, say: Say) -> Comparison:
    """Run everything; `say` is called with each step. area: place and route our engines again."""
    works = {name: workload(name) for name in SIZES}
    rows: list[Row] = []
    failures: list[str] = []
    notes: list[str] = []
    areas: list[own.Area] = []
    for name, work in works.items():
        for pes in ENGINES:
            for dense in (False, True):
                figures = None
                if area and not dense:
                    figures = _measure_area(work, pes, areas, notes, say)
                elif not dense:
                    figures = own.known_area(network(work, ENGINES[pes]).config)
                say(f"simulate {name} on {pes} PEs" + (", dense" if dense else ""))
                one = own.run(work, pes, dense=dense, area=figures)
                rows.append(one.row)
                if one.difference:
                    failures.append(f"{one.row.who} on {name}: {one.difference}")
    if soft_cores and (reason := soft_core.missing()):
        notes.append(reason)
    elif soft_cores:
        _soft_cores(works, rows, failures, say)
    say("scipy on this CPU")
    rows += processor.rows()
    for name, work in works.items():
        rows += published(name, macs=sum(work.macs))
    say("density sweep")
    points = sweep()
    return Comparison(
        networks={name: _facts(work) for name, work in works.items()},
        cpu=processor.model(),
        rows=sorted(rows, key=lambda row: row.network, reverse=True),
        sweep=points,
        crossovers=crossovers(points),
        failures=failures,
        notes=notes,
        areas=areas,
    )


def _facts(work: Workload) -> dict[str, int]:
    """What describes a network."""
    return {
        "weights": work.weights_in_all,
        "nonzeros": work.nonzeros,
        "macs": sum(work.macs),
        "broadcasts": work.broadcasts,
    }


def _measure_area(
    work: Workload, pes: int, areas: list[own.Area], notes: list[str], say: Say
) -> own.Area | None:
    """Place and route an engine; the record goes to `areas`, the reason of a failure to `notes`."""
    say(f"place and route {work.name} on {pes} PEs for {own.BOARDS[pes]}")
    out = OUT / f"{work.name}-{pes}"
    try:
        record = own.measure_area(network(work, ENGINES[pes]), pes, out=out, progress=say)
    except ElsieError as error:
        notes.append(f"no area for {work.name} on {pes} PEs: {error}")
        return None
    areas.append(record)
    return replace(record, source=f"{MEASURED} {record.source}")


def _soft_cores(works: dict[str, Workload], rows: list[Row], failures: list[str], say: Say) -> None:
    """The C program on each core."""
    for name, work in works.items():
        for core in soft_core.CORES:
            say(f"{name} in C on {core.name}")
            one = soft_core.run(core, work)
            how = f"the core's Verilog, {core.features}; RAM of one wait state"
            rows.append(
                Row(
                    network=name,
                    who=f"{core.name}, C",
                    part="simulated",
                    macs=sum(work.macs),
                    cycles=one.cycles,
                    source=f"{MEASURED}: {how}",
                )
            )
            if one.outputs.tolist() != work.activations()[-1].tolist():
                failures.append(f"{core.name} on {name}: its outputs differ from golden's")
