"""The memory map: every memory of an engine, its owner, how it is filled, what it becomes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import BASE_FRAC, CELL_WIDTH, DELTA_WIDTH, SEGMENTS, EntryMemory

Shapes = Sequence[tuple[int, int]]
"""Depth x width of the ways to use one block RAM of an FPGA."""


class Owner(Enum):
    """Units that have a memory of their own."""

    PE = "PE"
    GROUP = "group"
    ENGINE = "engine"


class Store(Enum):
    """What a memory becomes in a bitstream that holds a network."""

    BLOCK = "block RAM"
    """Filled by the bitstream, if it has contents."""
    LOGIC = "logic"
    """Nothing writes it there, so Yosys turns it into logic."""
    SPRAM = "SPRAM"
    """Two PEs share one. No bitstream can fill it: it is loaded."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """One kind of memory."""

    name: str
    """As in reports."""
    owner: Owner
    """Each of these has one or more."""
    copies: int
    """How many an engine has."""
    depth: int
    """Words of one copy."""
    width: int
    """Bits of a word."""
    store: Store = Store.BLOCK
    """What it becomes."""
    target: str | None = None
    """Load target by which a host fills it (rtl.load.LoadTarget); None if the engine fills it."""
    target_base: int = 0
    """Its first address there."""

    def block_rams(self, shapes: Shapes) -> int:
        """Block RAMs with these shapes that all copies take, whatever the store."""
        each = min(-(-self.depth // d) * -(-self.width // w) for d, w in shapes)
        return self.copies * each


@dataclass(frozen=True, kw_only=True)
class Space:
    """The memory of a load target in one unit."""

    depth: int
    """Words; 0 if the engine has no such memory."""
    width: int
    """Bits of a word; at least 1."""


@dataclass(frozen=True, kw_only=True)
class MemoryMap:
    """Every memory of an engine, except small ones that are read without a clock.

    Those are queues and lengths of lists.
    """

    memories: tuple[Memory, ...]
    """In the order of reports."""

    @classmethod
    def of(cls, config: EngineConfig) -> "MemoryMap":
        """The memories of an engine."""
        return cls(memories=tuple(_memories(config)))

    def __getitem__(self, name: str) -> Memory:
        """The memory of that name. Raises KeyError when the engine has none."""
        return {memory.name: memory for memory in self.memories}[name]

    def __contains__(self, name: str) -> bool:
        """The engine has a memory of that name."""
        return any(memory.name == name for memory in self.memories)

    def space(self, target: str) -> Space:
        """What the words of a load target are for."""
        found = [memory for memory in self.memories if memory.target == target]
        return Space(
            depth=max((memory.target_base + memory.depth for memory in found), default=0),
            width=max((memory.width for memory in found), default=1),
        )

    def block_rams(self, shapes: Shapes) -> dict[str, int]:
        """Block RAMs with these shapes by memory: an upper bound for a bitstream.

        Yosys turns further small memories into logic; this does not rely on that.
        """
        return {
            memory.name: memory.block_rams(shapes)
            for memory in self.memories
            if memory.store is Store.BLOCK
        }


def sprams(config: EngineConfig) -> int:
    """SPRAMs that a configuration takes: if entries are there, one for every two PEs of a group."""
    if config.entry_memory is not EntryMemory.SPRAM:
        return 0
    return sum(-(-config.group_size(group) // 2) for group in range(config.groups))


def _memories(config: EngineConfig) -> Iterator[Memory]:
    """Every memory, in the order of reports."""
    spram = config.entry_memory is EntryMemory.SPRAM
    yield Memory(
        name="entry",  # what one PE uses of its memory
        owner=Owner.PE,
        copies=config.pes,
        depth=config.entry_depth // config.entry_lanes,
        width=layout.entry_word_width(config),
        store=Store.SPRAM if spram else Store.BLOCK,
        target="entry",
    )
    maps = config.maps
    own_biases = config.steals
    yield Memory(
        name="column",
        owner=Owner.GROUP,
        copies=config.groups,
        depth=config.column_depth + (0 if own_biases else config.bias_depth),
        width=layout.column_word_width(config),
        target="column",
    )
    yield Memory(
        name="accumulator",
        owner=Owner.PE,
        copies=config.pes,
        depth=1 << config.sum_width if config.cells or maps.rows else config.row_depth,
        width=config.acc_width,
    )
    lists = maps.depth if maps.rows else config.act_lists * config.list_depth
    yield Memory(
        name="activation",
        owner=Owner.GROUP,
        copies=config.groups,
        depth=lists,
        width=layout.width(layout.activation(config)),
    )
    yield Memory(
        name="program",
        owner=Owner.ENGINE,
        copies=1,
        depth=config.layers * (1 + maps.sources if maps.rows else 1),
        width=layout.program_word_width(config),
        store=Store.LOGIC,
        target="program",
    )
    if config.codebook_size:
        yield Memory(
            name="codebook",  # the same words in all PEs
            owner=Owner.PE,
            copies=config.pes,
            depth=config.layers * config.codebook_size,
            width=config.weight_width,
            store=Store.LOGIC,
            target="codebook",
        )
    yield from _cell_memories(config)
    if own_biases:
        yield Memory(
            name="bias",
            owner=Owner.GROUP,
            copies=config.groups,
            depth=config.bias_depth,
            width=config.acc_width,
            target="column",
            target_base=config.column_depth,
        )
    if config.delta:
        yield Memory(
            name="delta",
            owner=Owner.GROUP,
            copies=config.groups,
            depth=lists,
            width=config.act_width,
        )


def _cell_memories(config: EngineConfig) -> Iterator[Memory]:
    """Memories that only engines with cells or functions have."""
    if config.cells:
        yield Memory(
            name="cell",  # each has one half of the words
            owner=Owner.PE,
            copies=2 * config.pes,
            depth=1 << config.cell_width,
            width=CELL_WIDTH,
        )
    if config.cells or config.functions:
        yield Memory(
            name="function",
            owner=Owner.GROUP,
            copies=config.groups,
            depth=SEGMENTS,
            width=BASE_FRAC + DELTA_WIDTH,
        )
