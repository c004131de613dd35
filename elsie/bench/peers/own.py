"""Our own engine: cycles by the golden model and by the simulated RTL, area by place and route."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elsie.bench.fpga import ledger
from elsie.bench.peers.networks import ENGINES, Workload, network
from elsie.bench.peers.rows import MEASURED, Row
from golden.config import EngineConfig
from golden.format.image import encode
from golden.format.network import Network
from golden.timing.model import TimingModel
from sim.check import simulate

BOARDS = {16: "ulx3s-85f", 4: "hx8k"}
"""Where the engines are placed and routed, by their number of PEs."""
_PARTS = {16: "ECP5", 4: "HX8K"}
_FIGURES = ("lut", "ff", "bram", "dsp", "fmax_mhz")
_AREA = ledger.FOLDER / "peers" / "boards.json"
"""Of whole boards, beside the ledger's rows of engines alone."""


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


def run(work: Workload, pes: int, *, dense: bool = False, area: dict[str, Any] | None) -> Run:
    """Simulate the RTL and compare every event. `area`: figures to show beside the cycles.

    dense: the dense version, in which zeros are stored and processed like any weight.
    """
    compressed = network(work, ENGINES[pes], dense=dense)
    simulation = simulate(compressed, work.x[None])
    one = simulation.inferences[0]
    difference = simulation.first_difference()
    if difference is None and one.vector.tolist() != work.activations()[-1].tolist():
        difference = "outputs differ from the plain integers of the workload"
    figures = {name: area[name] for name in _FIGURES} if area else {}
    source = f"{MEASURED}: golden and RTL agree in every event"
    if difference is not None:
        source = f"RTL and golden differ: {difference}"
    if area:
        source += f"; area {area['source']}"
    row = Row(
        network=work.name,
        who=f"Elsie, {pes} PEs" + (", dense" if dense else ""),
        part=_PARTS[pes],
        macs=sum(work.macs),
        cycles=one.trace.cycles,
        source=source,
        **figures,
    )
    return Run(row=row.timed(), difference=difference)


def known_area(config: EngineConfig) -> dict[str, Any] | None:
    """Area of the engine with this configuration as last measured, or None."""
    for record in json.loads(_AREA.read_text()):
        if EngineConfig.from_dict(record["config"]) == config:
            source = f"measured {record['measured']}, {record['source']}"
            return {**record["report"], "source": source}
    return None


def measure_area(
    compressed: Network, pes: int, *, out: Path, progress: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Build the bitstream of the whole board with this network; takes minutes.

    Returns a record of the ledger: configuration, report, source; not yet when it was measured.
    """
    from boards.build import build  # imports Amaranth's platforms
    from boards.gateware.top import BoardTop
    from boards.registry import find
    from golden.presets import check_fits

    board = find(BOARDS[pes])
    check_fits(compressed.config, board.preset, what=f"network {compressed.name}")
    top = BoardTop(network=compressed, divisor=board.divisor())
    report = build(top, board, out=out, progress=progress)
    shown = {name: getattr(report, name) for name in ("ff", "bram", "dsp", "fmax_mhz")}
    shown["lut"] = report.lut if report.lc is None else report.lc
    tools = ", ".join(report.tools.values())
    return {
        "config": compressed.config.to_dict(),
        "report": {**shown, "fmax_mhz": round(report.fmax_mhz, 2)},
        "source": f"with serial line and argmax on {board.name}, seed {report.seed}, {tools}",
    }
