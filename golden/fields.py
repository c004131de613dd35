"""The fields of an engine's configuration, and the numbers that follow from them."""

from dataclasses import dataclass

from golden.format.alphabets import ALPHABETS, Alphabet
from golden.kinds import (
    CELL_WIDTH,
    MANTISSAS,
    ActCode,
    EntryMemory,
    MacKind,
    Powers,
    bits_for,
)
from golden.maps.settings import NONE, Maps
from golden.stages import SHORT, Distances, Stages


@dataclass(frozen=True, kw_only=True)
class EngineFields(Distances):
    """Every choice that shapes an engine, unchecked: golden.config.EngineConfig checks them."""

    mac: MacKind = MacKind.CODEBOOK
    """Kind of multiply-accumulate."""
    entry_memory: EntryMemory = EntryMemory.BLOCK
    """Kind of memory that the entries are in."""
    pes: int = 4
    """Processing elements; each owns some rows of every matrix. Any number from 1."""
    group: int = 2
    """PEs that share column memory, activation memory and drain unit (EIE: the LNZD group of 4)."""
    queue_depth: int = 8
    """Slots of a PE's activation queue. The last `queue_margin` are for jobs on their way."""
    run_width: int = 5
    """Bits of an entry's zero run. All ones marks a padding entry."""
    act_width: int = 16
    """Bits of an activation, signed."""
    act_code: ActCode = ActCode.LINEAR
    """What is sent of the inputs of layers; the network's own inputs and outputs are integers."""
    input_terms: int = 2
    """Powers that a network's input is the sum of, each sent by itself, where they are coded."""
    weight_width: int = 16
    """Bits of a decoded weight, signed (codebook value; = code_width for fixed)."""
    code_width: int = 4
    """Bits of a stored weight code."""
    acc_width: int = 32
    """Bits of an accumulator, signed. The compiler proves that it cannot overflow."""
    entry_depth: int = 512
    """Entries a PE can store, all layers together."""
    column_depth: int = 256
    """Pointers a PE can store: one for each column of every layer."""
    row_depth: int = 32
    """Accumulators of a PE: the most rows it may own in one layer."""
    act_depth: int = 128
    """Non-zero activations a group can hold for one layer (there are two such banks)."""
    bias_depth: int = 256
    """Biases a group can store, all layers together."""
    shift_low: int = 0
    """Smallest requantising shift of any layer; the bits below it need no shifter."""
    shift_high: int = 52
    """Largest requantising shift of any layer; never more than acc_width - 1."""
    layers: int = 8
    """Length of the longest layer program."""
    entry_stages: int = 1
    """Cycles of an entry's read; 2 for a register after block RAM that may be far from its PE."""
    multiplier_stages: int = 2
    """Registers from decoded weight to product."""
    broadcast_stages: int = 0
    """Extra registers between the collector and the PEs, for large arrays."""
    stages: Stages = SHORT
    """Further registers; also the name of a set of them, or a dictionary (golden.stages)."""
    cells: int = 0
    """LSTM and GRU cells a PE can own, all layers together; 0 for none."""
    functions: bool = False
    """Sigmoid and tanh behind fully connected layers."""
    state_frac: int = 12
    """Fraction bits of an LSTM cell's state; a GRU's has 14."""
    streams: int = 1
    """Independent sequences with a state each, which take turns step by step."""
    delta: bool = False
    """Only activations that moved are broadcast, as differences; sums last from step to step."""
    act_lists: int = 2
    """Lists of activations a group can hold, `act_depth` long each (golden.format.lists)."""
    maps: Maps = NONE
    """For convolutions; or a dictionary. With them `act_depth` is the indices of a row of a map."""

    @property
    def groups(self) -> int:
        """Number of PE groups."""
        return -(-self.pes // self.group)

    @property
    def slots(self) -> int:
        """PE positions, present or not: groups x group."""
        return self.groups * self.group

    def group_size(self, group: int) -> int:
        """PEs really present in group number `group` (the last one may be short)."""
        return min(self.group, self.pes - group * self.group)

    @property
    def alphabet(self) -> Alphabet:
        """What weight codes mean."""
        return ALPHABETS[self.mac]

    @property
    def codebook_size(self) -> int:
        """Shared weights of a layer; 0 if codes need none."""
        return 1 << self.code_width if self.alphabet.codebook else 0

    @property
    def act_levels(self) -> tuple[int, ...]:
        """Magnitudes that a coded activation can have, ascending; none for linear ones.

        Those that fit `act_width` bits. Code k, from 1, is number k - 1 of them.
        """
        limit = 1 << (self.act_width - 1)
        every = (m << e for e in range(self.act_width) for m in MANTISSAS[self.act_code])
        return tuple(level for level in every if level < limit)

    @property
    def input_powers(self) -> Powers:
        """What the network's inputs are rounded to."""
        return Powers(levels=self.act_levels, terms=self.items_per_input)

    @property
    def act_powers(self) -> Powers:
        """What outputs of layers before the last one are rounded to."""
        return Powers(levels=self.act_levels)

    @property
    def items_per_input(self) -> int:
        """Places in a list of activations that a network's input takes at most."""
        return 1 if self.act_code is ActCode.LINEAR else self.input_terms

    @property
    def sent_width(self) -> int:
        """Bits that the PEs are sent of an activation: all, or its code and above it its sign."""
        if self.act_code is ActCode.LINEAR:
            return self.act_width
        return 1 + bits_for(len(self.act_levels))

    @property
    def product_width(self) -> int:
        """Bits of a product, signed."""
        width = self.act_width + self.alphabet.growth(self.code_width, self.weight_width)
        return max(width, 2 * CELL_WIDTH) if self.cells else width

    @property
    def entry_lanes(self) -> int:
        """Entries in one word of the entry memory; a column starts with a word."""
        return 2 if self.entry_memory is EntryMemory.SPRAM else 1

    @property
    def entry_address_width(self) -> int:
        """Bits of an entry's address."""
        return bits_for(self.entry_depth - 1)

    @property
    def start_width(self) -> int:
        """Bits of the address of an entry memory's word."""
        return bits_for(self.entry_depth // self.entry_lanes - 1)

    @property
    def count_width(self) -> int:
        """Bits of a column's number of entries: at most one for each row."""
        return bits_for(self.row_depth)

    @property
    def column_width(self) -> int:
        """Bits of an address in the column memory: pointers first, then biases."""
        return bits_for(self.column_depth + self.bias_depth - 1)

    @property
    def row_width(self) -> int:
        """Bits of a local row number."""
        return bits_for(self.row_depth - 1)

    @property
    def index_width(self) -> int:
        """Bits of an activation's index within its group."""
        return bits_for(self.act_depth - 1)

    @property
    def position_width(self) -> int:
        """Bits of an activation's number within its layer (its column)."""
        return bits_for(self.act_depth * self.groups - 1)

    @property
    def shift_top(self) -> int:
        """Largest shift that the engine can do."""
        return min(self.shift_high, self.acc_width - 1)

    @property
    def shift_width(self) -> int:
        """Bits of the requantising shift, less shift_low."""
        return bits_for(self.shift_top - self.shift_low)

    @property
    def stream_lists(self) -> int:
        """Lists of activations of one stream."""
        return self.act_lists // self.streams

    @property
    def list_width(self) -> int:
        """Bits of the number of a list of activations."""
        return bits_for(self.act_lists - 1)

    @property
    def steals(self) -> bool:
        """Whether operations come between a PE's entries: of another phase, or with maps of a row.

        Biases are read then while pointers are, and have a memory of their own.
        """
        return self.streams > 1 or self.maps.rows > 0

    @property
    def sum_sets(self) -> int:
        """Sets of sums of a PE: one for each of two overlapping phases; with delta, each layer."""
        return self.layers if self.delta else 2 if self.streams > 1 else 1

    @property
    def sum_width(self) -> int:
        """Bits of an address of a sum: the row, then the set if there are several."""
        return self.row_width + (self.sum_sets - 1).bit_length()

    @property
    def list_depth(self) -> int:
        """Places of a list of activations: a power of two, as the list's number precedes it."""
        return 1 << max(1, (self.act_depth - 1).bit_length())

    @property
    def cell_words(self) -> int:
        """Words of a PE's cell memory: each stream's states, and two more for each cell."""
        return (self.streams + 2) * self.cells

    @property
    def cell_width(self) -> int:
        """Bits of an address in the cell memory."""
        return bits_for(self.cell_words - 1)

    @property
    def layer_width(self) -> int:
        """Bits of a layer's number."""
        return bits_for(self.layers - 1)
