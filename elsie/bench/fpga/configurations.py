"""The configurations that the ledger may have rows for."""

from dataclasses import dataclass, replace

from boards.families.family import Family
from boards.families.registry import family_of
from elsie.bench.synthetic import random_network
from golden.config import EngineConfig, EntryMemory, MacKind
from golden.errors import ElsieError
from golden.format.network import Network
from golden.stages import SETS, SHORT


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One engine, the network in it, and how it is placed and routed."""

    name: str
    """Name, as given to --measure; also that of the ledger's file."""
    device: str
    """The part, one of boards.families."""
    board: str
    """A board with that part; its pins are not used."""
    clock_mhz: float
    """The target clock, which the worst seed must meet."""
    asked_mhz: float
    """The clock that place and route is told; more than the target, as it stops trying there."""
    engine: EngineConfig
    """The engine."""
    sizes: tuple[int, ...]
    """Layer widths of the random network, input first."""
    density: float
    """Share of non-zero weights."""
    synth: tuple[str, ...] = ()
    """More options of synth_ecp5 or synth_ice40."""
    pnr: tuple[str, ...] = ()
    """More options of nextpnr."""
    eie: bool = False
    """The row has its useful utilisation on EIE's layers too: it is as large as EIE."""
    seeds: int = 4
    """Seeds of place and route, from 1."""

    @property
    def family(self) -> Family:
        """The part's family."""
        return family_of(self.device)

    @property
    def loaded(self) -> bool:
        """The entries come over the load port, because no bitstream can fill their memory."""
        return self.engine.entry_memory is EntryMemory.SPRAM

    def network(self) -> Network:
        """A random network that fills the engine's memories; the same each time."""
        return random_network(self.engine, name=self.name, sizes=self.sizes, density=self.density)


_ECP5_64 = Configuration(
    name="ecp5-85f-64-codebook",
    device="LFE5U-85F",
    board="ulx3s-85f",
    clock_mhz=115.0,
    asked_mhz=140.0,
    engine=EngineConfig(
        mac=MacKind.CODEBOOK,
        pes=64,
        group=8,
        queue_depth=16,
        run_width=5,
        act_width=16,
        weight_width=16,
        acc_width=36,
        entry_depth=2048,
        column_depth=896,
        row_depth=16,
        act_depth=128,
        bias_depth=128,
        shift_low=8,
        shift_high=23,
        layers=1,
        entry_stages=2,
        multiplier_stages=3,
        broadcast_stages=2,
        # Of 32, about half are for broadcasts on their way: see stages in docs/timing.md.
        stages=replace(SETS["elastic"], fifo=32),
    ),
    sizes=(896, 1024),
    density=0.11,
    eie=True,
    seeds=2,
)
# With 512 words a column memory is twice as wide, which is what lets so many PEs fit: 4 block RAMs
# for 8 PEs' pointers.
_ECP5_96 = replace(
    _ECP5_64,
    name="ecp5-85f-96-codebook",
    clock_mhz=105.0,
    engine=_ECP5_64.engine.replace(pes=96, column_depth=384),
    sizes=(384, 1536),
    density=0.25,
    seeds=1,
)
_ECP5_128 = replace(
    _ECP5_96,
    name="ecp5-85f-128-codebook",
    clock_mhz=100.0,
    engine=_ECP5_96.engine.replace(pes=128),
    sizes=(384, 2048),
)
_ECP5_16 = replace(
    _ECP5_64,
    name="ecp5-85f-16-fixed",
    clock_mhz=80.0,
    asked_mhz=80.0,
    engine=_ECP5_64.engine.replace(
        mac=MacKind.FIXED,
        pes=16,
        group=4,
        queue_depth=8,
        code_width=8,
        weight_width=8,
        acc_width=32,
        run_width=4,
        entry_depth=512,
        column_depth=384,
        act_depth=64,
        bias_depth=64,
        layers=2,
        broadcast_stages=0,
        stages=SHORT,
    ),
    sizes=(256, 128, 10),
    density=0.1,
    eie=False,
    seeds=4,
)
# Half of it, on which options of the tools can be tried in a third of the time.
_ECP5_8 = replace(
    _ECP5_16,
    name="ecp5-85f-8-fixed",
    engine=_ECP5_16.engine.replace(pes=8, act_depth=128, bias_depth=128),
    density=0.08,
)
_HX8K_4 = Configuration(
    name="hx8k-4-codebook",
    device="iCE40HX8K",
    board="hx8k",
    clock_mhz=60.0,
    asked_mhz=60.0,
    engine=EngineConfig(
        pes=4,
        group=2,
        queue_depth=4,
        act_width=8,
        weight_width=8,
        acc_width=24,
        run_width=4,
        entry_depth=512,
        column_depth=192,
        row_depth=8,
        act_depth=32,
        bias_depth=32,
        shift_low=4,
        shift_high=11,
        layers=2,
    ),
    sizes=(64, 32, 10),
    density=0.3,
)
# Two PEs on each of the four large RAMs, which the load port fills; a multiplier for each PE.
_UP5K_8 = Configuration(
    name="up5k-8-codebook",
    device="iCE40UP5K",
    board="icebreaker",
    clock_mhz=30.0,
    asked_mhz=30.0,
    engine=_HX8K_4.engine.replace(
        entry_memory=EntryMemory.SPRAM,
        pes=8,
        group=4,
        entry_depth=2048,
        act_depth=64,
        bias_depth=64,
    ),
    sizes=(128, 64, 10),
    density=0.5,
    seeds=3,
)

CONFIGURATIONS: dict[str, Configuration] = {
    configuration.name: configuration
    for configuration in (
        _HX8K_4,
        _UP5K_8,
        _ECP5_8,
        _ECP5_16,
        _ECP5_64,
        _ECP5_96,
        _ECP5_128,
        replace(
            _ECP5_64,
            name="ecp5-85f-64-log",
            clock_mhz=100.0,
            asked_mhz=120.0,
            engine=_ECP5_64.engine.replace(mac=MacKind.LOG, multiplier_stages=2),
        ),
    )
}


def find(name: str) -> Configuration:
    """The configuration of that name. Raises ElsieError listing them."""
    if name not in CONFIGURATIONS:
        raise ElsieError(f"no configuration {name!r}; there are {', '.join(CONFIGURATIONS)}")
    return CONFIGURATIONS[name]
