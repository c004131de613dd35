"""Recipes with settings that were chosen, and what they were chosen from."""

from dataclasses import dataclass

from boards.registry import find
from elsie.bench.compression.recipes import Recipe, compiled, engine, trained

ENGINE = engine(4)
ICEBREAKER, ULX3S = find("icebreaker").preset, find("ulx3s-85f").preset


def _file(alphabet: str, density: float, neurons: float, steps: int = 12_000) -> Recipe:
    return trained(alphabet, density, steps=steps, neurons=neurons, base=ENGINE)


def _chip(board: str, density: float, neurons: float, steps: int = 12_000) -> Recipe:
    preset = find(board).preset
    return trained(
        "codebook:4", density, steps=steps, neurons=neurons,
        base=preset.base.replace(act_width=16), preset=preset,
    )  # fmt: skip


FILES = {
    "digits": _file("codebook:3:8", 0.16, 0.5),
    "lenet": _file("codebook:4:8", 0.02, 1.0),
}
"""The file, trained, by network: of the CHOICES that are smaller than asked for (50 and 120 times),
the one that loses least on held-out samples; of equal ones the smallest."""
CHIP_ICEBREAKER = _chip("icebreaker", 0.45, 0.25)
CHIP_ULX3S = _chip("ulx3s-85f", 0.45, 0.25)
"""Their density is older than the held-out networks."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One question, and the recipes that may be the answer."""

    title: str
    networks: str
    """One of examples.compression.held_out.SETS."""
    recipes: tuple[Recipe, ...]


CHOICES = (
    Choice(
        title="file, digits",
        networks="digits",
        recipes=(
            _file("codebook:4:8", 0.05, 1.0),
            _file("codebook:4:8", 0.16, 0.5),
            _file("codebook:3:8", 0.16, 0.5),
            _file("codebook:3:8", 0.2, 0.5),
            _file("codebook:3:8", 0.17, 0.5, 24_000),
            _file("codebook:3:8", 0.27, 0.35, 24_000),
        ),
    ),
    Choice(
        title="file, LeNet",
        networks="lenet",
        recipes=(
            _file("codebook:4:8", 0.015, 1.0),
            _file("codebook:4:8", 0.02, 1.0),
        ),
    ),
    Choice(
        title="on chip, iCEBreaker, digits",
        networks="digits",
        recipes=tuple(_chip("icebreaker", density, 0.25) for density in (0.375, 0.45, 0.5)),
    ),
    Choice(
        title="masks, digits",
        networks="digits",
        recipes=tuple(
            trained("codebook:4", 0.05, steps=12_000, surgery=surgery, base=ENGINE)
            for surgery in (False, True)
        ),
    ),
    Choice(
        title="demo",
        networks="digits",
        recipes=tuple(
            compiled("codebook:4", density, effort, base=ICEBREAKER.base, preset=ICEBREAKER)
            for effort, density in (("best", 0.15), ("best", 0.2), ("normal", 0.2), ("best", 0.1))
        ),
    ),
)
