"""What becomes of each site: its matrices' densities, and its alphabet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elsie.compress.checks import WIDEST
from elsie.compress.prune.prune import check_density
from elsie.compress.quantise.kinds import Asked, assign, engine_fields, parse
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.train.masks import shares
from elsie.torch.sites import Site
from golden.config import EngineConfig
from golden.errors import ArgumentError, ElsieError

Density = float | Mapping[str, float] | None
Weights = Asked | None


def densities(found: Sequence[Site], density: Density) -> list[list[float]]:
    """Of each site's matrices, 1 where nothing is pruned.

    A number is that of all layers together, the last one's 2.5 times the others'. A mapping names
    sites, or single matrices ("lstm.weight_hh_l0"); layers that it does not name keep their zeros.
    """
    if density is None or not isinstance(density, Mapping):
        if density is not None:
            check_density(density)
        each = shares([site.size for site in found], 1.0 if density is None else float(density))
        return [[value] * len(site.parameters) for site, value in zip(found, each, strict=True)]
    for name, value in density.items():
        try:
            check_density(value)
        except ElsieError as error:
            raise ElsieError(f"layer {name}: {error}") from None
    left = set(density)
    chosen = []
    for site in found:
        names = [f"{site.path}.{name}" for name in site.parameters]
        left -= {site.name, *names}
        chosen.append([density.get(name, density.get(site.name, 1.0)) for name in names])
    if left:
        names = ", ".join(site.name for site in found)
        raise ArgumentError(f"`density` names layer {min(left)!r}, but there are {names}")
    return chosen


@dataclass(frozen=True, kw_only=True)
class Alphabet:
    """That of one site, and an engine that holds those of all."""

    scheme: Scheme
    config: EngineConfig


def alphabets(found: Sequence[Site], weights: Weights) -> list[Alphabet | None]:
    """Of each site, None for weights that stay in float.

    `weights` as for elsie.compile: KIND[:BITS], LAYER=KIND[:BITS],... or by layer. Where it does
    not name the kind of all others, these stay in float.
    """
    if weights is None:
        return [None] * len(found)
    names, asked = [site.name for site in found], parse(weights)
    schemes = assign(asked, layers=names)
    given = {name: one for name, one in schemes.items() if None in asked or name in asked}
    base = EngineConfig()
    fields = engine_fields(given.values(), {}, base.to_dict())
    config = base.replace(acc_width=WIDEST, **fields)
    return [Alphabet(scheme=given[n], config=config) if n in given else None for n in names]


def check_kept(
    found: Sequence[Site], densities: Sequence[Sequence[float]], chosen: Sequence[Alphabet | None]
) -> None:
    """Refuse to prune layers whose alphabet has no 0."""
    for site, each, one in zip(found, densities, chosen, strict=True):
        if one and min(each) < 1 and not QUANTISERS[one.scheme.name].drops:
            raise ElsieError(
                f"layer {site.name}: {one.scheme.name} weights have no 0, so none can be pruned; "
                f"name the densities of the other layers only, or take twn or ttq weights"
            )
