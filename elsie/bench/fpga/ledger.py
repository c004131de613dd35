"""The ledger: a committed JSON file for each measured configuration, which must be reproducible."""

import json
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass

from elsie.bench.fpga.configurations import CONFIGURATIONS
from elsie.bench.fpga.path import Path
from golden.errors import ElsieError
from golden.record import Record

FOLDER = pathlib.Path(__file__).parents[1] / "ledger"
"""Where the rows are."""


@dataclass(frozen=True, kw_only=True)
class Layers(Record):
    """The random network whose engine is measured."""

    sizes: tuple[int, ...]
    density: float


@dataclass(frozen=True, kw_only=True)
class Row(Record):
    """Area and timing of one configuration; counts as in boards.report.BuildReport."""

    name: str
    device: str
    board: str
    pes: int
    mac: str
    lut: int
    lut_per_pe: float
    ff: int | None
    lc: int | None
    bram: int | None
    spram: int | None
    dsp: int | None
    available: Mapping[str, int]
    fmax_mhz: float
    """Of the worst seed."""
    fmax_median: float
    fmax_max: float
    clock_mhz: float
    """The target."""
    asked_mhz: float
    """What place and route was told."""
    met: bool
    """By the worst seed."""
    seeds: int
    clocks_mhz: tuple[float, ...]
    """Of each seed."""
    utilisation: float | None
    """Useful, mean over EIE's layers; None where that was not measured."""
    useful_gmacs: float | None
    """Useful multiplications a second at the worst seed's clock, 10**9."""
    path: Path | None
    """The worst seed's longest; None in rows that are older than this."""
    netlist: str
    """Beginning of the netlist's SHA-256."""
    network: Layers
    engine: Mapping[str, Mapping[str, int] | str | int | bool]
    """EngineConfig's fields; those of `stages` are a table."""
    synth: tuple[str, ...]
    """Options of synthesis."""
    pnr: tuple[str, ...]
    """Options of place and route."""
    tools: Mapping[str, str]
    """Versions."""


def rows() -> list[Row]:
    """All rows, in the order of the configurations."""
    found = (load(name) for name in CONFIGURATIONS)
    return [row for row in found if row is not None]


def load(name: str) -> Row | None:
    """The row of one configuration, if there is one. Raises ElsieError when it cannot be read."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return None
    try:
        return Row.from_dict(json.loads(path.read_text()), path.name)
    except ValueError as error:
        raise ElsieError(f"{path}: not JSON ({error}); measure it again with --update") from None


def save(row: Row) -> pathlib.Path:
    """Write one row, atomically."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{row.name}.json"
    waiting = path.with_suffix(".part")
    waiting.write_text(json.dumps(row.to_dict(), indent=2) + "\n")
    return waiting.replace(path)


def differences(committed: Row | None, measured: Row) -> list[str]:
    """The fields in which a measured row differs from the committed one, each as a sentence."""
    if committed is None:
        return ["the ledger has no row of it"]
    before, now = committed.to_dict(), measured.to_dict()
    return [
        f"{name} is {now[name]} and was {before[name]}" for name in now if now[name] != before[name]
    ]
