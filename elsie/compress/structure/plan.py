"""What becomes of a model's layers, decided before anything is computed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TypeVar

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.structure.factors import FIRST, SECOND
from elsie.compress.structure.fold import hidden
from golden.errors import ArgumentError

_T = TypeVar("_T")
Rank = float | int
"""Of a layer: a rank from 1, or below 1 the share of its weights that both factors have."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many neurons layers keep, and which become two."""

    neurons: Mapping[str, int] = field(default_factory=dict)
    """By layer: neurons that stay, at most."""
    ranks: Mapping[str, int] = field(default_factory=dict)
    """By layer: columns between the two that it becomes."""
    asked: bool = False
    """Something was asked for; then useless neurons are folded away too."""

    @classmethod
    def of(
        cls,
        model: Model,
        *,
        neurons: float | Mapping[str, float] | None,
        rank: Rank | Mapping[str, Rank] | None,
    ) -> "Plan":
        """Raises ArgumentError for shares, ranks and layers that cannot be."""
        counts = {} if neurons is None else _neurons(model, neurons)
        return cls(
            neurons=counts,
            ranks={} if rank is None else _ranks(model, counts, rank),
            asked=neurons is not None or rank is not None,
        )

    def names(self, model: Model) -> list[str]:
        """Of the layers that there will be."""
        return [name for layer in model.layers for name in self.parts(layer.name)]

    def parts(self, name: str) -> list[str]:
        """The layers that the layer `name` of the model becomes."""
        return [*([f"{name}.{FIRST}"] if name in self.ranks else []), self.end(name)]

    def spread(self, each: Mapping[str, _T]) -> dict[str, _T]:
        """What belongs to the model's layers, for those that they become."""
        return {part: value for name, value in each.items() for part in self.parts(name)}

    def end(self, name: str) -> str:
        """The layer that has the outputs of the layer `name` of the model."""
        return f"{name}.{SECOND}" if name in self.ranks else name


def _neurons(model: Model, neurons: float | Mapping[str, float]) -> dict[str, int]:
    widths = {
        layer.name: layer.n_out
        for layer in (hidden(model, number) for number in range(len(model.layers)))
        if layer is not None
    }
    if not widths:
        raise ArgumentError(
            f"model {model.name}: it has no fully connected layer that another follows, and "
            f"`neurons` is for these; leave it out"
        )
    shares = neurons if isinstance(neurons, Mapping) else dict.fromkeys(widths, neurons)
    counts = {}
    for name, share in shares.items():
        if name not in widths:
            raise ArgumentError(
                f"`neurons` names layer {name!r}, but the fully connected layers of model "
                f"{model.name} that others follow are {', '.join(widths)}"
            )
        if not (isinstance(share, Real) and 0 < share <= 1):
            raise ArgumentError(
                f"layer {name}: `neurons` must be a share above 0 and at most 1 (0.5 keeps half "
                f"of them), not {share!r}"
            )
        counts[name] = max(1, round(share * widths[name]))
    return counts


def _ranks(
    model: Model, counts: Mapping[str, int], rank: Rank | Mapping[str, Rank]
) -> dict[str, int]:
    shapes = dict(_shapes(model, counts))
    if isinstance(rank, Mapping):
        for name in rank:
            if name not in shapes:
                raise ArgumentError(
                    f"`rank` names layer {name!r}, but the fully connected layers of model "
                    f"{model.name} are {', '.join(shapes) or 'none'}"
                )
        return {name: _rank(name, one, *shapes[name]) for name, one in rank.items()}
    _check(rank, "")
    # The last layer has few rows, and all of them count.
    some = {name: shape for name, shape in shapes.items() if name != model.layers[-1].name}
    found = {name: _count(rank, *shape) for name, shape in (some or shapes).items()}
    found = {name: one for name, one in found.items() if one <= _most(*shapes[name])}
    if not found:
        raise ArgumentError(
            f"model {model.name}: `rank` {rank!r} saves no weights in any fully connected layer; "
            f"choose a smaller one"
        )
    return found


def _shapes(model: Model, counts: Mapping[str, int]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name, rows and columns of the fully connected layers, without dropped neurons."""
    columns = model.n_in
    for layer in model.layers:
        rows = counts.get(layer.name, layer.n_out)
        if isinstance(layer, FloatDense):
            yield layer.name, (rows, columns)
        columns = rows


def _rank(name: str, rank: Rank, rows: int, columns: int) -> int:
    _check(rank, f"layer {name}: ")
    found, most = _count(rank, rows, columns), _most(rows, columns)
    if found > most:
        raise ArgumentError(
            f"layer {name}: with `rank` {found} its two factors have {found * (rows + columns)} "
            f"weights, and it has {rows * columns} itself; "
            + (f"use at most {most}" if most else "leave it out")
        )
    return found


def _check(rank: Rank, where: str) -> None:
    whole = isinstance(rank, Integral) and not isinstance(rank, bool) and rank >= 1
    if not whole and not (isinstance(rank, Real) and 0 < rank < 1):
        raise ArgumentError(
            f"{where}`rank` must be an integer from 1, or a share of the weights above 0 and below "
            f"1, not {rank!r}"
        )


def _count(rank: Rank, rows: int, columns: int) -> int:
    """The rank, or that with this share of the weights."""
    if rank >= 1:
        return int(rank)
    return max(1, int(rank * rows * columns / (rows + columns)))


def _most(rows: int, columns: int) -> int:
    """The largest rank that saves weights."""
    return (rows * columns - 1) // (rows + columns)
