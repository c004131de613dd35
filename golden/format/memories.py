"""Every memory of an engine, and how much block RAM it takes."""

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import BASE_FRAC, CELL_WIDTH, DELTA_WIDTH, SEGMENTS, EntryMemory

_SHAPES = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
}


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
    if config.codebook_size:
        depth = config.layers * config.codebook_size
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
