"""Named presets, one for each board, and how much block RAM a configuration takes there.

Pins, clocks and bitstreams are in `boards/`; here is only what decides the engine's shape, so that
the compiler can size a network for a board and refuse one that does not fit.
"""

from dataclasses import dataclass

from golden import layout
from golden.config import EngineConfig, EntryMemory, MacKind
from golden.errors import ElsieError
from golden.functions import BASE_FRAC, DELTA_WIDTH, SEGMENTS
from golden.kinds import CELL_WIDTH
from golden.network import Network

# Depth x width of the ways to use one block RAM.
_SHAPES = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
}


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What a board offers an engine."""

    board: str
    """Name, as given to --board."""
    title: str
    """What is printed on the board."""
    family: str
    """'ice40' or 'ecp5'."""
    device: str
    """The part."""
    block_rams: int
    """SB_RAM40 (4 kbit) or DP16KD (18 kbit) on the part."""
    sprams: int = 0
    """SB_SPRAM256KA (256 kbit) on the part; each holds the entries of two PEs."""
    clock_mhz: float
    """The clock the engine must meet on this board."""
    base: EngineConfig
    """Shape of the engine; the compiler sets the memory depths, run and accumulator widths."""


_ICE40 = EngineConfig(pes=4, group=2, queue_depth=8, act_width=8)
_ECP5 = EngineConfig(pes=16, group=4, queue_depth=16, act_width=16)

PRESETS: dict[str, Preset] = {
    preset.board: preset
    for preset in (
        Preset(
            board="icebreaker",
            title="1BitSquared iCEBreaker",
            family="ice40",
            device="iCE40UP5K",
            block_rams=30,
            sprams=4,
            clock_mhz=36.0,
            base=_ICE40,
        ),
        Preset(
            board="hx8k",
            title="Lattice iCE40-HX8K breakout",
            family="ice40",
            device="iCE40HX8K",
            block_rams=32,
            clock_mhz=72.0,
            base=_ICE40,
        ),
        Preset(
            board="ulx3s-85f",
            title="Radiona ULX3S 85F",
            family="ecp5",
            device="LFE5U-85F",
            block_rams=208,
            clock_mhz=75.0,
            base=_ECP5,
        ),
        Preset(
            board="orangecrab-85f",
            title="OrangeCrab r0.2 85F",
            family="ecp5",
            device="LFE5U-85F",
            block_rams=208,
            clock_mhz=48.0,
            base=_ECP5,
        ),
    )
}


def find(board: str) -> Preset:
    """The preset of `board`. Raises ElsieError listing the boards."""
    if board not in PRESETS:
        raise ElsieError(f"no board {board!r}; there are {', '.join(PRESETS)}")
    return PRESETS[board]


def memories(config: EngineConfig) -> dict[str, tuple[int, int, int]]:
    """Every memory: name -> (copies, depth, width); "entry" is what one PE uses of its memory.

    Small ones that are read without a clock are not counted: queues, lengths of lists.
    """
    words = config.entry_depth // config.entry_lanes
    table = {
        "entry": (config.pes, words, layout.entry_word_width(config)),
        "column": (
            config.groups,
            config.column_depth + config.bias_depth,
            layout.column_word_width(config),
        ),
        "accumulator": (config.pes, config.row_depth, config.acc_width),
        "activation": (
            config.groups,
            2 << (config.act_depth - 1).bit_length(),
            layout.width(layout.activation(config)),
        ),
        "program": (1, config.layers, layout.width(layout.descriptor(config))),
    }
    if config.mac is MacKind.CODEBOOK:
        depth = config.layers << config.code_width
        table["codebook"] = (config.pes, depth, config.weight_width)
    return {**table, **_cell_memories(config)} if config.cells else table


def _cell_memories(config: EngineConfig) -> dict[str, tuple[int, int, int]]:
    """What is other, or there at all, in an engine with cells."""
    lists = config.act_lists * config.list_depth
    column = layout.column_word_width(config)
    table = {
        "accumulator": (config.pes, 1 << config.sum_width, config.acc_width),
        "activation": (config.groups, lists, layout.width(layout.activation(config))),
        # A half of the words each.
        "cell": (2 * config.pes, 1 << config.cell_width, CELL_WIDTH),
        "function": (config.groups, SEGMENTS, BASE_FRAC + DELTA_WIDTH),
    }
    if config.streams > 1:
        table["column"] = (config.groups, config.column_depth, column)
        table["bias"] = (config.groups, config.bias_depth, config.acc_width)
    if config.delta:
        table["delta"] = (config.groups, lists, config.act_width)
    return table


def block_rams(config: EngineConfig, family: str) -> dict[str, int]:
    """Block RAMs each kind of memory takes on `family`: as many as in a bitstream, or more.

    In a bitstream nothing writes program and codebook, so Yosys makes logic of them; it does so
    with other memories too where they are small, which is not counted on here. Entries in SPRAM
    take none.
    """
    elsewhere = {"program", "codebook"}
    if config.entry_memory is EntryMemory.SPRAM:
        elsewhere.add("entry")
    return {
        name: copies * min(-(-depth // d) * -(-bits // w) for d, w in _SHAPES[family])
        for name, (copies, depth, bits) in memories(config).items()
        if name not in elsewhere
    }


def sprams(config: EngineConfig) -> int:
    """SPRAMs that a configuration takes: one for every two PEs of a group, if entries are there."""
    if config.entry_memory is not EntryMemory.SPRAM:
        return 0
    return sum(-(-config.group_size(group) // 2) for group in range(config.groups))


def check_answers(network: Network) -> None:
    """Refuse a network whose answers a board cannot send."""
    if network.n_out > 1 << 16:
        raise ElsieError(
            f"network {network.name} has {network.n_out} outputs; a board answers with the "
            f"number of the largest, and can count to 65536"
        )
    if network.config.streams > 1:
        raise ElsieError(
            f"network {network.name} has {network.config.streams} streams; a board runs one "
            f"sequence at a time: compile it with streams 1"
        )
    if network.config.delta and network.head is None:
        raise ElsieError(
            f"network {network.name} answers in every step with what moved only (delta); a board "
            f"needs whole outputs: compile it without delta"
        )


def check_fits(config: EngineConfig, preset: Preset, *, what: str) -> None:
    """Raise ElsieError, with the sizes and the way out, when the memories exceed the board's."""
    large = sprams(config)
    if large and not preset.sprams:
        raise ElsieError(
            f"{what} has its entries in SPRAM, but {preset.device} of board {preset.board} has "
            f"none; use entry_memory block"
        )
    if large > preset.sprams:
        raise ElsieError(
            f"{what} is too large for board {preset.board}: its {config.pes} PEs need {large} "
            f"SPRAMs, one for two of a group, and {preset.device} has {preset.sprams}; use fewer "
            f"PEs"
        )
    need = block_rams(config, preset.family)
    total = sum(need.values())
    if total > preset.block_rams:
        parts = ", ".join(f"{name} {count}" for name, count in need.items())
        raise ElsieError(
            f"{what} is too large for board {preset.board}: it needs {total} block RAMs ({parts}) "
            f"and {preset.device} has {preset.block_rams}; lower --density, use fewer or smaller "
            f"layers, or choose a larger board"
        )
