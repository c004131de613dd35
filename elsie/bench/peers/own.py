"""Our own engine: cycles by the golden model and by the simulated RTL, area by place and route."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from elsie.bench.fpga import ledger
from elsie.bench.peers.networks import ENGINES, Workload, network
from elsie.bench.peers.rows import MEASURED, Row
from golden.config import EngineConfig
from golden.format.image import encode
from golden.format.network import Network
from golden.record import Record
from golden.timing.model import TimingModel
from sim.check import simulate

BOARDS = {16: "ulx3s-85f", 4: "hx8k"}
"""Where the engines are placed and routed, by their number of PEs."""
_PARTS = {16: "ECP5", 4: "HX8K"}
_AREA = ledger.FOLDER / "peers" / "boards.json"
"""Of whole boards, beside the ledger's rows of engines alone."""


@dataclass(frozen=True, kw_only=True)
class AreaFigures(Record):
    """As in elsie.bench.peers.rows.Row."""

    ff: int
    bram: int
    dsp: int | None
    fmax_mhz: float
    lut: int


@dataclass(frozen=True, kw_only=True)
class Area(Record):
    """A whole board's."""

    config: Mapping[str, str | int | bool]
    """EngineConfig's fields."""
    report: AreaFigures
    source: str
    """What was measured, and with which tools."""
    measured: str | None = None
    """In the ledger: when."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One network on one engine."""

    row: Row
    difference: str | None
    """First difference between RTL and golden, in one sentence; None if they are equal."""


def golden_cycles(work: Workload, pes: int, *, dense: bool = False) -> int:
    """Cycles of one inference, by the timing model."""
    compressed = network(work, ENGINES[pes], dense=dense)
    return TimingModel(encode(compressed)).run(work.x)[1].cycles


def run(work: Workload, pes: int, *, dense: bool = False, area: Area | None) -> Run:
    """Simulate the RTL and compare every event. `area`: figures to show beside the cycles.

    dense: the dense version, in which zeros are stored and processed like any weight.
    """
    compressed = network(work, ENGINES[pes], dense=dense)
    simulation = simulate(compressed, work.x[None])
    one = simulation.inferences[0]
    difference = simulation.first_difference()
    if difference is None and one.vector.tolist() != work.activations()[-1].tolist():
        difference = "outputs differ from the plain integers of the workload"
    source = f"{MEASURED}: golden and RTL agree in every event"
    if difference is not None:
        source = f"RTL and golden differ: {difference}"
    if area:
        source += f"; area {area.source}"
    row = Row(
        network=work.name,
        who=f"Elsie, {pes} PEs" + (", dense" if dense else ""),
        part=_PARTS[pes],
        macs=sum(work.macs),
        cycles=one.trace.cycles,
        source=source,
        **(area.report.to_dict() if area else {}),
    )
    return Run(row=row.timed(), difference=difference)


def known_areas() -> list[Area]:
    """The ledger."""
    return [Area.from_dict(one, _AREA.name) for one in json.loads(_AREA.read_text())]


def known_area(config: EngineConfig) -> Area | None:
    """Area of the engine with this configuration as last measured, or None."""
    for one in known_areas():
        if EngineConfig.from_dict({**one.config}) == config:
            return replace(one, source=f"measured {one.measured}, {one.source}")
    return None


def measure_area(
    compressed: Network, pes: int, *, out: Path, progress: Callable[[str], None] | None = None
) -> Area:
    """Build the bitstream of the whole board with this network; takes minutes.

    Does not say yet when it was measured.
    """
    from boards.build import build  # imports Amaranth's platforms
    from boards.gateware.top import BoardTop
    from boards.registry import find
    from golden.presets import check_fits

    board = find(BOARDS[pes])
    check_fits(compressed.config, board.preset, what=f"network {compressed.name}")
    top = BoardTop(network=compressed, clock_hz=board.clock_hz, divisor=board.divisor())
    report = build(top, board, out=out, progress=progress)
    tools = ", ".join(report.tools.values())
    return Area(
        config=compressed.config.to_dict(),
        report=AreaFigures(
            ff=report.ff,
            bram=report.bram,
            dsp=report.dsp,
            fmax_mhz=round(report.fmax_mhz, 2),
            lut=report.lut if report.lc is None else report.lc,
        ),
        source=f"with the host link on {board.name}, seed {report.seed}, {tools}",
    )
