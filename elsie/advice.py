"""What would fit: tries other engines for a network that is too large for a board."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from elsie.compress.model.model import Model
from elsie.compress.quantise.kinds import Asked, kinds
from elsie.compress.quantise.registry import QUANTISERS
from elsie.options import EngineOptions
from golden.config import EngineConfig
from golden.kinds import EntryMemory, MacKind
from golden.presets import Preset

_SPRAM_BITS = 256 << 10


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What decides the size of a compiled network."""

    board: str | None
    """The board, which gives the engine its shape."""
    weights: Asked | None
    """Kind of weights, or of each layer's; None for the usual."""
    density: float | Mapping[str, float] | None
    """Share of the weights to keep."""
    engine: EngineOptions
    """What differs from the board's preset."""

    def options(self) -> list[str]:
        """What a user would type."""
        given: dict[str, object] = {
            "board": self.board,
            "density": self.density,
            "weights": self.weights,
        }
        given |= self.engine.given()
        return [f"--{name.replace('_', '-')} {value}" for name, value in given.items()]

    def beside(self, other: "Choice") -> str:
        """The options that are not as in `other`."""
        return " ".join(one for one in self.options() if one not in other.options())


def advise(choice: Choice, config: EngineConfig, fits: Callable[[Choice], bool]) -> str:
    """The first change that helps, as half a sentence.

    choice: what is too large, for a board; config: its engine. fits: compiles a choice and says
    whether its memories fit. What costs no accuracy comes first, then narrower numbers, fewer
    weights, and larger boards last.
    """
    for other in _others(choice, config):
        if fits(other):
            return f"it fits with {other.beside(choice)}"
    return "no other engine or board holds it: use fewer or smaller layers"


def has_room(model: Model, choice: Choice, config: EngineConfig, preset: Preset) -> bool:
    """False where the weights alone exceed the memories that hold entries: a quick first look."""
    names = {config.mac.value} if choice.weights is None else kinds(choice.weights)
    if choice.density is None and any(QUANTISERS[name].keep is not np.copy for name in names):
        return True  # a threshold decides how many there are
    parts = [part for layer in model.layers for part in layer.parts()]
    kept = sum(int(part.kept.sum()) for part in parts)
    if isinstance(choice.density, float | int):
        every = sum(matrix.size for part in parts for matrix in part.matrices)
        kept = min(kept, int(choice.density * every))
    elif choice.density is not None:
        return True
    if config.entry_memory is EntryMemory.SPRAM:
        return 8 * kept <= preset.sprams * _SPRAM_BITS
    return (config.code_width + 2) * kept <= (preset.block_rams - preset.link_rams) * max(
        depth * width for depth, width in preset.block_ram
    )


def _others(choice: Choice, config: EngineConfig) -> Iterator[Choice]:
    from boards.registry import BOARDS, find  # imports Amaranth, which is slow

    assert choice.board is not None
    preset = find(choice.board).preset
    shapes = list(_shapes(config))
    if config.entry_memory is EntryMemory.SPRAM and not preset.sprams:
        choice = _with(choice, entry_memory=EntryMemory.BLOCK.value)
        yield choice
    for shape in shapes:
        yield _with(choice, **shape)
    large = EntryMemory.SPRAM.value
    if preset.sprams and config.entry_memory is not EntryMemory.SPRAM:
        for shape in ({}, *shapes):
            yield _with(choice, entry_memory=large, **shape)
    narrow = {"act_width": 8} if config.act_width > 8 and not _needs_16(config) else {}
    fewest = shapes[-1] if shapes else {}
    if narrow:
        yield _with(choice, **narrow)
        yield _with(choice, **narrow, **fewest)
    for kind in (MacKind.CODEBOOK, MacKind.LOG, MacKind.TERNARY):
        if kind is not config.mac and not {"code_width", "weight_width"} & set(
            choice.engine.given()
        ):
            yield replace(choice, weights=kind.value)
            yield _with(replace(choice, weights=kind.value), **narrow, **fewest)
    if not isinstance(choice.density, Mapping):
        for density in (0.3, 0.1, 0.03):
            if choice.density is None or density < choice.density:
                yield replace(choice, density=density)
    presets = (board.preset for board in BOARDS.values())
    for board in sorted(presets, key=lambda board: board.block_rams):
        if board.block_rams > preset.block_rams:
            yield replace(choice, board=board.board)


def _shapes(config: EngineConfig) -> Iterator[dict[str, int]]:
    """Larger groups, which share more, then fewer PEs."""
    group = 2 * config.group
    while group <= min(config.pes, 16):
        yield {"group": group}
        group *= 2
    pes = config.pes // 2
    while pes:
        yield {"pes": pes}
        pes //= 2


def _needs_16(config: EngineConfig) -> bool:
    return config.functions or config.cells > 0


def _with(choice: Choice, **changes: int | str) -> Choice:
    """With other options of the engine."""
    return replace(choice, engine=replace(choice.engine, **changes))
