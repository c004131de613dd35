"""What a search is for: how many bits a network may have, and how much it may lose."""

import operator
import re
from dataclasses import dataclass
from typing import Any

from elsie.compress.search.weights import AUTO
from golden.config import EngineConfig
from golden.errors import ArgumentError
from golden.format.memories import MemoryMap, sprams
from golden.presets import Preset

_UNITS = {
    **{"bit": 1, "bits": 1, "kbit": 1000, "Mbit": 10**6, "Kibit": 1 << 10, "Mibit": 1 << 20},
    **{"B": 8, "kB": 8000, "KB": 8000, "MB": 8 * 10**6, "KiB": 8 << 10, "MiB": 8 << 20},
}
"""Bits of each unit."""
_SPRAM_BITS = 256 << 10
_ENGINES_OWN = ("entry", "column", "bias", "codebook", "program")
"""Memories that hold the network; all others hold what the engine computes."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How many bits a network may take in the engine, as `size_bits.stored` counts them."""

    bits: int | None = None
    """So many."""
    share: float | None = None
    """So much of `room`, 1 is all of it."""
    preset: Preset | None = None
    """The board of `share`."""

    def limit(self, config: EngineConfig) -> float:
        """Bits that a network on this engine may have."""
        if self.share is None:
            assert self.bits is not None
            return self.bits
        assert self.preset is not None
        return self.share * room(config, self.preset)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The most accurate network within a budget, or the smallest that loses no more; or both."""

    budget: Budget | None = None
    """Most bits."""
    max_drop: float | None = None
    """Most percentage points lost beside the float network, on held-out calibration samples."""

    def limit(self, config: EngineConfig) -> float:
        """Bits that a network on this engine may have; infinite without a budget."""
        return float("inf") if self.budget is None else self.budget.limit(config)


def goal_of(
    *,
    budget: Any,
    max_drop: float | None,
    density: Any,
    weights: Any,
    preset: Preset | None,
    neurons: Any = None,
    rank: Any = None,
) -> Goal | None:
    """What to search for, from arguments as the user gave them; None for no search.

    A budget or density 'auto' asks for one. Raises ArgumentError for what makes no goal.
    """
    for name, value in (("neurons", neurons), ("rank", rank)):
        if isinstance(value, str) and value != AUTO:
            raise ArgumentError(f"`{name}` must be numbers or {AUTO}, not {value!r}")
    if isinstance(density, str) and density != AUTO:
        raise ArgumentError(f"`density` must be numbers or {AUTO}, not {density!r}")
    if budget is not None and density not in (None, AUTO):
        raise ArgumentError(
            f"`budget` is for a search of densities: leave out `density`, or give {AUTO}"
        )
    if budget is None and density != AUTO:
        for name, value in (("weights", weights), ("neurons", neurons), ("rank", rank)):
            if isinstance(value, str) and value == AUTO:
                raise ArgumentError(
                    f"`{name}` {AUTO} is for a search: give `budget`, or `density` {AUTO} with "
                    f"`max_drop`"
                )
        return None
    if budget is None and max_drop is None:
        raise ArgumentError(
            f"`density` {AUTO} needs a goal: `budget`, such as 30kbit, or `max_drop`, such as 1"
        )
    return Goal(
        budget=None if budget is None else budget_of(budget, preset),
        max_drop=max_drop,
    )


def room(config: EngineConfig, preset: Preset) -> int:
    """Bits that a board's memories have for a network on the engine `config`.

    Those of all block RAMs at their widest, less the whole block RAMs that activations, sums,
    states and functions take; where entries are in SPRAM, also that of the engine's PEs.
    """
    need = MemoryMap.of(config).block_rams(preset.block_ram)
    own = sum(count for name, count in need.items() if name not in _ENGINES_OWN)
    each = max(depth * width for depth, width in preset.block_ram)
    return max(0, preset.block_rams - preset.link_rams - own) * each + sprams(config) * _SPRAM_BITS


def budget_of(given: Any, preset: Preset | None) -> Budget:
    """A budget from text, such as '30kbit', '4KiB' or '80%', or from bits as an integer.

    Raises ArgumentError for anything else, and for a share without a board.
    """
    if hasattr(given, "__index__") and not isinstance(given, bool):
        given = f"{operator.index(given)}bit"
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(%|[A-Za-z]+)\s*", str(given))
    if found is None or float(found[1]) == 0:
        raise ArgumentError(_sentence(given))
    number, unit = float(found[1]), found[2]
    if unit == "%":
        if preset is None:
            raise ArgumentError(f"`budget` {given}: a share needs `board`, whose memory it is of")
        if number > 100:
            raise ArgumentError(f"`budget` {given}: a board has no more than 100 % of its memory")
        return Budget(share=number / 100, preset=preset)
    if unit not in _UNITS:
        raise ArgumentError(_sentence(given))
    bits = round(number * _UNITS[unit])
    if not bits:
        raise ArgumentError(_sentence(given))
    return Budget(bits=bits)


def _sentence(given: Any) -> str:
    return (
        f"`budget` must be a size above 0 with its unit, such as 30kbit, 4KiB or, of the board's "
        f"memory, 80%, not {given!r} (units: {', '.join(_UNITS)})"
    )
