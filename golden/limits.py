"""The rules of an engine's configuration: ranges of fields, and what two of them allow together."""

from typing import TYPE_CHECKING

from golden.errors import ElsieError
from golden.kinds import SPRAM_ENTRIES, EntryMemory, MacKind

if TYPE_CHECKING:
    from golden.config import EngineConfig

RANGES: dict[str, tuple[int, int]] = {
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
    "shift_low": (0, 52),
    "shift_high": (0, 52),
    "layers": (1, 256),
    "entry_stages": (1, 2),
    "multiplier_stages": (2, 4),
    "broadcast_stages": (0, 4),
}


def check(config: "EngineConfig") -> None:
    """Raise ElsieError for the first field out of range, or rule between fields that is broken."""
    for name, (low, high) in RANGES.items():
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ElsieError(
                f"engine configuration: {name} must be an integer from {low} to {high}, "
                f"not {value!r}"
            )
    _check_widths(config)
    if config.act_depth < config.row_depth * config.group:
        raise ElsieError(
            f"engine configuration: act_depth must be at least row_depth x group = "
            f"{config.row_depth * config.group}, the outputs of a group, not {config.act_depth}"
        )
    if config.queue_depth <= config.queue_margin:
        raise ElsieError(
            f"engine configuration: queue_depth must be at least {config.queue_margin + 1} for "
            f"{config.pes} PEs, not {config.queue_depth}: {config.queue_margin} slots are for "
            f"broadcasts already on their way when a queue reports that it is nearly full"
        )
    _check_entries(config)


def _check_widths(config: "EngineConfig") -> None:
    """The rules between code, weight and accumulator widths."""
    if config.mac is MacKind.CODEBOOK and config.code_width > 8:
        raise ElsieError(
            f"engine configuration: code_width must be at most 8 for a codebook, "
            f"not {config.code_width}"
        )
    if config.mac is MacKind.FIXED and config.code_width != config.weight_width:
        raise ElsieError(
            f"engine configuration: code_width ({config.code_width}) must equal weight_width "
            f"({config.weight_width}) for fixed weights"
        )
    if config.mac is MacKind.LOG and config.code_width > 5:
        raise ElsieError(
            f"engine configuration: code_width must be at most 5 for log weights (a sign and "
            f"up to 4 bits of exponent), not {config.code_width}"
        )
    if config.acc_width < config.product_width:
        raise ElsieError(
            f"engine configuration: acc_width must be at least {config.product_width}, the "
            f"width of one product, not {config.acc_width}"
        )
    if config.shift_low > config.shift_top:
        raise ElsieError(
            f"engine configuration: shift_low must be at most shift_high and acc_width - 1, "
            f"{config.shift_top}, not {config.shift_low}"
        )
    if 2 * config.column_width + config.row_width + config.shift_width + 2 > 64:
        raise ElsieError(
            "engine configuration: column_depth, bias_depth and row_depth together need "
            "program words of more than 64 bits; lower one of them"
        )


def _check_entries(config: "EngineConfig") -> None:
    """What the large RAMs can hold."""
    if config.entry_memory is EntryMemory.BLOCK:
        return
    if config.code_width + config.run_width > 8:
        raise ElsieError(
            f"engine configuration: entry_memory spram holds entries of at most 8 bits, but "
            f"code_width {config.code_width} and run_width {config.run_width} need "
            f"{config.code_width + config.run_width}; lower one of them"
        )
    if config.group % 2 and config.pes > 1:
        raise ElsieError(
            f"engine configuration: group must be even with entry_memory spram, where two PEs "
            f"share a memory, not {config.group}"
        )
    if config.entry_depth % 2 or config.entry_depth > SPRAM_ENTRIES:
        raise ElsieError(
            f"engine configuration: entry_depth must be even and at most {SPRAM_ENTRIES} with "
            f"entry_memory spram, not {config.entry_depth}"
        )
