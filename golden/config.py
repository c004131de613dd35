"""The engine's configuration: one frozen dataclass for golden model, RTL and compiler."""

import dataclasses
import difflib
from dataclasses import dataclass
from enum import Enum
from typing import Any

from golden.errors import ElsieError


class MacKind(str, Enum):
    """How a stored weight code becomes a product; chosen once for an engine."""

    CODEBOOK = "codebook"
    """Code indexes 2**code_width shared weights, 16 in EIE (section 3); multiplied."""
    FIXED = "fixed"
    """Code is the weight itself, two's complement; multiplied."""
    LOG = "log"
    """Code is a sign and an exponent, weight = +-2**exponent; shifted (LogNet, section 3)."""


def bits_for(largest: int) -> int:
    """Bits that hold the unsigned integers 0..largest; at least 1."""
    return max(1, largest.bit_length())


def tree_levels(leaves: int, *, radix: int) -> int:
    """Levels of a `radix`-ary tree over `leaves` leaves; 0 for a single leaf."""
    levels = 0
    while leaves > 1:
        leaves = -(-leaves // radix)
        levels += 1
    return levels


_RANGES: dict[str, tuple[int, int]] = {
    "pes": (1, 1024),
    "group": (1, 64),
    "queue_depth": (2, 1024),
    "run_width": (2, 16),
    "act_width": (4, 24),
    "weight_width": (2, 24),
    "code_width": (2, 16),
    "acc_width": (8, 53),
    "entry_depth": (1, 1 << 24),
    "column_depth": (1, 1 << 20),
    "row_depth": (1, 1 << 16),
    "act_depth": (1, 1 << 20),
    "bias_depth": (1, 1 << 20),
    "layers": (1, 256),
    "multiplier_stages": (1, 4),
    "broadcast_stages": (0, 4),
}


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Every choice that shapes an engine. Immutable; `replace()` makes variants.

    Raises ElsieError naming the field when a value is out of range or two fields contradict.
    """

    mac: MacKind = MacKind.CODEBOOK
    """Kind of multiply-accumulate."""
    pes: int = 4
    """Processing elements; each owns some rows of every matrix. Any number from 1."""
    group: int = 4
    """PEs that share one activation memory and one drain unit (EIE: the LNZD group of 4)."""
    queue_depth: int = 8
    """Slots of a PE's activation queue. The last `queue_margin` only take what is on its way."""
    run_width: int = 5
    """Bits of an entry's zero run. All ones marks a padding entry."""
    act_width: int = 16
    """Bits of an activation, signed."""
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
    layers: int = 8
    """Length of the longest layer program."""
    multiplier_stages: int = 1
    """Registers from operands to product."""
    broadcast_stages: int = 0
    """Extra registers between the collector and the PEs, for large arrays."""

    def __post_init__(self) -> None:
        """Check every range and every rule between fields."""
        kinds = [kind.value for kind in MacKind]
        if self.mac not in kinds:
            raise ElsieError(
                f"engine configuration: mac must be one of {', '.join(kinds)}, not {self.mac!r}"
            )
        object.__setattr__(self, "mac", MacKind(self.mac))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ElsieError(
                    f"engine configuration: {name} must be an integer from {low} to {high}, "
                    f"not {value!r}"
                )
        self._check_widths()
        if self.act_depth < self.row_depth * self.group:
            raise ElsieError(
                f"engine configuration: act_depth must be at least row_depth x group = "
                f"{self.row_depth * self.group}, the outputs of a group, not {self.act_depth}"
            )
        if self.queue_depth <= self.queue_margin:
            raise ElsieError(
                f"engine configuration: queue_depth must be at least {self.queue_margin + 1} for "
                f"{self.pes} PEs, not {self.queue_depth}: {self.queue_margin} slots are for "
                f"broadcasts already on their way when a queue reports that it is nearly full"
            )

    def _check_widths(self) -> None:
        """The rules between code, weight and accumulator widths."""
        if self.mac is MacKind.CODEBOOK and self.code_width > 8:
            raise ElsieError(
                f"engine configuration: code_width must be at most 8 for a codebook, "
                f"not {self.code_width}"
            )
        if self.mac is MacKind.FIXED and self.code_width != self.weight_width:
            raise ElsieError(
                f"engine configuration: code_width ({self.code_width}) must equal weight_width "
                f"({self.weight_width}) for fixed weights"
            )
        if self.mac is MacKind.LOG and self.code_width > 5:
            raise ElsieError(
                f"engine configuration: code_width must be at most 5 for log weights (a sign and "
                f"up to 4 bits of exponent), not {self.code_width}"
            )
        if self.acc_width < self.product_width:
            raise ElsieError(
                f"engine configuration: acc_width must be at least {self.product_width}, the "
                f"width of one product, not {self.acc_width}"
            )
        program = self.column_width + self.bias_address_width + self.index_width
        if program + self.shift_width + 2 > 64:
            raise ElsieError(
                "engine configuration: column_depth, bias_depth and act_depth together need "
                "program words of more than 64 bits; lower one of them"
            )

    # -- shape -------------------------------------------------------------------------------

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

    # -- widths ------------------------------------------------------------------------------

    @property
    def product_width(self) -> int:
        """Bits of a product, signed."""
        if self.mac is MacKind.LOG:
            return self.act_width + (1 << (self.code_width - 1))
        return self.act_width + self.weight_width

    @property
    def entry_address_width(self) -> int:
        """Bits of an entry's address."""
        return bits_for(self.entry_depth - 1)

    @property
    def count_width(self) -> int:
        """Bits of a column's number of entries: at most one for each row."""
        return bits_for(self.row_depth)

    @property
    def column_width(self) -> int:
        """Bits of a pointer's address."""
        return bits_for(self.column_depth - 1)

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
    def bias_address_width(self) -> int:
        """Bits of a bias's address."""
        return bits_for(self.bias_depth - 1)

    @property
    def shift_width(self) -> int:
        """Bits of the requantising shift, 0..acc_width-1."""
        return bits_for(self.acc_width - 1)

    @property
    def layer_width(self) -> int:
        """Bits of a layer's number."""
        return bits_for(self.layers - 1)

    # -- timing (docs/timing.md) ---------------------------------------------------------------

    @property
    def collector_levels(self) -> int:
        """Register levels of the collector's tree over the groups (radix 4)."""
        return tree_levels(self.groups, radix=4)

    @property
    def status_stages(self) -> int:
        """Registers from a PE's queue state to the collector and sequencer."""
        return 1 if self.pes <= 16 else 2

    @property
    def queue_margin(self) -> int:
        """Broadcasts that can still arrive after a queue has reported that it is nearly full."""
        return 3 + self.collector_levels + self.broadcast_stages + self.status_stages

    @property
    def queue_threshold(self) -> int:
        """Jobs in a queue at which it reports that it is nearly full."""
        return self.queue_depth - self.queue_margin

    # -- dictionaries --------------------------------------------------------------------------

    def replace(self, **changes: Any) -> "EngineConfig":
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**dataclasses.asdict(self), "mac": self.mac.value}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "EngineConfig":
        """The reverse of `to_dict`; fields left out have their defaults.

        Raises ElsieError for an unknown field or a value that does not do.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ElsieError(f"engine configuration: no field {name!r}{hint}")
        return cls(**values)
