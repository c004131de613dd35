"""MLPerf Tiny on an engine: cycles in golden and RTL, inferences a second, block RAM."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from boards.registry import find
from elsie.bench.fpga import ledger
from elsie.bench.tiny.files import Files
from elsie.bench.tiny.networks import seeded
from elsie.bench.tiny.shapes import NETWORKS
from elsie.compress.compiler import compile_model
from elsie.compress.model.layer import Reals
from elsie.compress.options import CompileOptions
from golden.arithmetic.sequences import quantise_input
from golden.config import EngineConfig, MacKind
from golden.format.image import encode
from golden.format.memories import MemoryMap
from golden.format.network import Network
from golden.record import Record
from golden.timing.model import TimingModel
from sim.check import simulate

Say = Callable[[str], None]

COMPILED = True
"""The RTL runs as a compiled program; interpreted, it takes hours."""
ROUTED, BOARD = "ecp5-85f-16-fixed", "ulx3s-85f"
"""The ledger's row whose clock inferences are counted at, and the board of its part."""


@dataclass(frozen=True, kw_only=True)
class Row(Record):
    """A network at a density."""

    network: str
    """A key of elsie.bench.tiny.shapes.NETWORKS."""
    pes: int
    density: float
    """Of the layers that are pruned."""
    weights: str
    """Seeded weights: their seed; or the file's name and how it was compressed."""
    cycles_golden: int
    """Of an inference."""
    cycles_rtl: int | None
    """None if the RTL was not simulated."""
    trace_equal: bool | None
    """All outputs, events and counters are golden's."""
    cycles_all: int
    """Of the same shape in the same engine if all weights and activations are sent."""
    target: int | None
    """Most cycles, where one is set: 16 PEs at density 0.3."""
    useful_utilisation: float
    inferences_per_s: float
    """At the clock of ROUTED, by its worst seed."""
    bram: int
    """Block RAMs of an ECP5, by the sizes of the memories."""
    relative_error: float | None
    """Of the outputs for the sample, against those that came with it."""


@dataclass(frozen=True, kw_only=True)
class Published(Record):
    """What somebody else reached."""

    network: str
    who: str
    inferences_per_s: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured."""

    networks: Sequence[str] = tuple(NETWORKS)
    densities: Sequence[float] = (0.3, 1.0)
    pes: int = 16
    seed: int = 0
    models: Path | None = None
    """Folder of ONNX files and samples instead of seeded weights."""
    effort: str = "fast"
    """Of these files."""
    rtl: bool = True

    def rows(self, say: Say) -> Iterator[Row]:
        """One after the other."""
        files = None if self.models is None else Files.of(self.models, self.networks)
        for name in self.networks:
            for density in self.densities:
                say(f"{name} at density {density:g}: compile")
                if files is None:
                    yield self._row(name, density, *self._seeded(name, density), say)
                else:
                    config = engine(self.pes)
                    found = files.compiled(name, density, config=config, effort=self.effort)
                    yield self._row(name, density, *found, say)

    def _seeded(self, name: str, density: float) -> tuple[Network, Reals, str, float | None]:
        network, x = made(name, density, pes=self.pes, seed=self.seed)
        return network, x, f"seed {self.seed}", None

    def _row(
        self,
        name: str,
        density: float,
        network: Network,
        x: Reals,
        weights: str,
        error: float | None,
        say: Say,
    ) -> Row:
        """A network on its input."""
        say(f"{name} at density {density:g}: {'golden and RTL' if self.rtl else 'golden'}")
        cycles, macs, rtl, equal = _run(network, x, rtl=self.rtl)
        return Row(
            network=name,
            pes=self.pes,
            density=density,
            weights=weights,
            cycles_golden=cycles,
            cycles_rtl=rtl,
            trace_equal=equal,
            cycles_all=everything(name, self.pes),
            target=NETWORKS[name].target if (self.pes, density) == (16, 0.3) else None,
            useful_utilisation=round(macs / (self.pes * cycles), 4),
            inferences_per_s=round(clock_mhz() * 1e6 / cycles, 1),
            bram=block_rams(network.config),
            relative_error=error,
        )


def engine(pes: int) -> EngineConfig:
    """8-bit weights and activations, groups of 4; the compiler sizes its memories."""
    return EngineConfig(
        mac=MacKind.FIXED,
        code_width=8,
        weight_width=8,
        act_width=8,
        pes=pes,
        group=min(4, 1 << (pes.bit_length() - 1)),
        queue_depth=16,
        row_depth=1,
    )


def made(
    name: str, density: float, *, pes: int, seed: int, dense: bool = False
) -> tuple[Network, Reals]:
    """A seeded network, and an input (1, n_in) that nothing of it was chosen by."""
    given = seeded(NETWORKS[name], density=density, seed=seed, dense=dense)
    options = CompileOptions(effort="none")
    network = compile_model(given.model, given.calibration, config=engine(pes), options=options)
    return replace(network, name=NETWORKS[name].title), given.x[:1]


@cache
def everything(name: str, pes: int) -> int:
    """Cycles if no weight and no activation is 0."""
    network, x = made(name, 1.0, pes=pes, seed=0, dense=True)
    return _run(network, x, rtl=False)[0]


def _run(network: Network, x: Reals, *, rtl: bool) -> tuple[int, int, int | None, bool | None]:
    """Cycles and MACs in golden; cycles in RTL, and whether they are equal in everything."""
    if not rtl:
        trace, _ = TimingModel(encode(network)).run(quantise_input(network, x)[0])
        return trace.cycles, trace.macs, None, None
    done = simulate(network, x, compiled=COMPILED)
    (one,) = done.inferences
    golden = one.expected_trace
    return golden.cycles, golden.macs, one.trace.cycles, done.equal


def block_rams(config: EngineConfig) -> int:
    """Of the board's part."""
    return sum(MemoryMap.of(config).block_rams(find(BOARD).preset.block_ram).values())


def clock_mhz() -> float:
    """Of the routed engine, by its worst seed."""
    row = ledger.load(ROUTED)
    assert row is not None, f"the ledger has no row {ROUTED}"
    return row.fmax_mhz


def published() -> tuple[Published, ...]:
    """Others' results."""
    file = Path(__file__).with_name("published.json")
    rows = json.loads(file.read_text())["rows"]
    return tuple(Published.from_dict(row, file.name) for row in rows)
