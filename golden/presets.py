"""What a board offers an engine, and whether a network fits there.

The boards are in `boards/registry.py`; here is only what decides the engine's shape, so that the
compiler can size a network for a board and refuse one that does not fit.
"""

import math
from dataclasses import dataclass

from golden.config import EngineConfig
from golden.errors import DoesNotFit, ElsieError
from golden.format.memories import MemoryMap, Shapes, sprams
from golden.format.network import Network
from golden.maps.checks import as_shape
from golden.maps.grid import sent_shape


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What a board offers an engine."""

    board: str
    """Name, as given to --board."""
    title: str
    """What is printed on the board."""
    family: str
    """Family of the part, such as 'ice40'."""
    device: str
    """The part."""
    block_ram: Shapes
    """Depth x width of the ways to use one block RAM."""
    block_rams: int
    """Block RAMs on the part."""
    link_rams: int = 0
    """Of these, what the host link takes (docs/protocol.md)."""
    sprams: int = 0
    """SB_SPRAM256KA (256 kbit) on the part; each holds the entries of two PEs."""
    clock_mhz: float
    """The clock the engine must meet on this board."""
    base: EngineConfig
    """Shape of the engine; the compiler sets the memory depths, run and accumulator widths."""


def check_answers(network: Network) -> None:
    """Refuse a network that a board cannot take, or whose answers it cannot send."""
    shape = sent_shape(network.config, as_shape(network.input_shape), network.n_in)
    if math.prod(shape) > 1 << 16:
        raise ElsieError(
            f"network {network.name} has {math.prod(shape)} inputs, and a board counts to 65536"
        )
    if network.config.streams > 1:
        raise ElsieError(
            f"network {network.name} has {network.config.streams} streams; a board runs one "
            f"sequence at a time: compile it with --streams 1"
        )
    if network.config.delta and network.head is None:
        raise ElsieError(
            f"network {network.name} answers every step only with what moved (delta); a board "
            f"needs whole outputs: compile it without --delta"
        )


def check_fits(config: EngineConfig, preset: Preset, *, what: str) -> None:
    """Raise DoesNotFit, with the sizes and what to do, when the memories exceed the board's."""
    large = sprams(config)
    if large and not preset.sprams:
        raise DoesNotFit(
            f"{what} has its entries in SPRAM, but {preset.device} of board {preset.board} has "
            f"none",
            "use --entry-memory block",
        )
    if large > preset.sprams:
        raise DoesNotFit(
            f"{what} is too large for board {preset.board}: its {config.pes} PEs need {large} "
            f"SPRAMs, one for two of a group, and {preset.device} has {preset.sprams}",
            "use fewer --pes",
        )
    need = MemoryMap.of(config).block_rams(preset.block_ram)
    if preset.link_rams:
        need["host link"] = preset.link_rams
    total = sum(need.values())
    if total > preset.block_rams:
        parts = ", ".join(f"{name} {count}" for name, count in need.items())
        raise DoesNotFit(
            f"{what} is too large for board {preset.board}: it needs {total} block RAMs ({parts}) "
            f"and {preset.device} has {preset.block_rams}",
            "use fewer --pes, fewer or smaller layers, or lower --density",
        )
