"""Maps of channels on the way to a layer: sums of convolutions of earlier layers' outputs.

A convolution stays such a sum until a function, a second use or a move ends the layer, so that what
is added before the function (a residual) becomes one more source of it. What is joined along the
channels is a sum, too: of maps that each give some of the channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.onnx.importer import Importer
from elsie.compress.onnx.values import BATCH, FEATURES, ONE, Affine, Data, Reals

SOURCES = 4
"""Most sources of one layer; where there are more, layers before it add some of them."""
Shape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Term:
    """One convolution of the outputs of a layer."""

    stage: int
    """Number of the layer, 0 for the inputs."""
    source: ConvSource
    """Kernel and places."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Map(Data):
    """A sum of convolutions, which is no layer yet; `affine` holds only sizes, and the node."""

    terms: tuple[Term, ...]
    """At least one."""
    bias: Reals
    """Shape (channels,)."""
    shape: Shape
    """Channels, rows, columns."""
    order: tuple[int, ...]
    """Which of these each axis behind the samples is."""
    folds: bool = False
    """It only picks, scales and shifts channels, which the kernel behind it can do as well."""

    @property
    def form(self) -> str:
        """A map; plain data of a layer on maps are one, too."""
        return "map"

    @property
    def why(self) -> str:
        """Never: it can always become outputs of a layer."""
        return "a map"

    @property
    def stages(self) -> tuple[int, ...]:
        """Layers that it is computed of."""
        return tuple(term.stage for term in self.terms)

    def linear(self, importer: Importer, node: Any) -> Data:
        """Outputs of a layer without a function."""
        return close(importer, node, self)

    def shared(self, importer: Importer, node: Any) -> Data:
        """The layer ends where its sums are used twice."""
        return self if self.folds else self.linear(importer, node)

    def scaled(self, factor: Reals, plus: Reals) -> "Map":
        """Times `factor`, plus `plus`, each of shape (channels,)."""
        terms = tuple(
            replace(t, source=replace(t.source, weight=t.source.weight * _column(factor)))
            for t in self.terms
        )
        return replace(self, terms=terms, bias=self.bias * factor + plus)

    def unscaled(self) -> "Map":
        """The same picked channels of one map, without scales and shifts."""
        (term,) = self.terms
        source = replace(term.source, weight=(term.source.weight != 0).astype(float), fixed=True)
        term = replace(term, source=source)
        return replace(self, terms=(term,), bias=np.zeros(len(self.bias)))

    def turned(self, order: tuple[int, ...]) -> "Map":
        """The same with the axes in another order."""
        axes, sizes = axes_of(self.shape, order)
        return replace(self, order=order, axes=axes, affine=replace(self.affine, sizes=sizes))


def _column(values: Reals) -> Reals:
    return values[:, None, None, None]


def made(
    node: Any,
    terms: Sequence[Term],
    bias: Reals,
    *,
    shape: Shape,
    order: tuple[int, ...],
    folds: bool = False,
) -> Map:
    """A map named after `node`; equal kernels on equal places of one stage become one."""
    axes, sizes = axes_of(shape, order)
    return Map(
        axes=axes,
        stage=max(term.stage for term in terms),
        affine=Affine(sizes=sizes, node=node),
        terms=_merged(terms),
        bias=bias,
        shape=shape,
        order=order,
        folds=folds,
    )


def _merged(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Terms that see the same, with their kernels added; not those that stay as they are."""
    found: dict[Any, Term] = {}
    for term in terms:
        source = term.source
        key = (term.stage, source.stride, source.pads, source.groups, source.weight.shape)
        before = found.get(key)
        if before is not None:
            weight = before.source.weight + source.weight
            fixed = before.source.fixed and source.fixed
            term = replace(term, source=replace(source, weight=weight, fixed=fixed))
        found[key] = term
    # Trained kernels first: their map gives the sums their scale.
    return tuple(sorted(found.values(), key=lambda term: term.source.fixed))


def axes_of(shape: Shape, order: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of all axes, and sizes of those of features; one of size 1 has none but channels."""
    features = [shape[n] > 1 or n == 0 for n in order]
    axes = tuple(FEATURES if feature else ONE for feature in features)
    sizes = tuple(shape[n] for n, feature in zip(order, features, strict=True) if feature)
    return (BATCH, *axes), sizes


def identity(stage: int, shape: Shape, scale: Reals | None = None) -> Term:
    """A map itself, or each channel times a number."""
    channels = shape[0]
    weight = np.ones(channels) if scale is None else scale
    source = ConvSource(
        weight=np.array(_column(weight)), shape=shape, groups=channels, fixed=is_fixed(weight)
    )
    return Term(stage=stage, source=source)


def is_fixed(weight: Reals) -> bool:
    """Weights that are 0 or one power of two, so that no alphabet has to be chosen for them."""
    values = np.unique(weight[weight != 0])
    return len(values) == 1 and np.frexp(values[0])[0] == 0.5


def close(
    importer: Importer,
    node: Any,
    data: Map,
    activation: str = "identity",
    *,
    limit: float | None = None,
    pool: tuple[int, int] = (1, 1),
) -> Data:
    """End a layer: a function of the map, and a maximum over windows. Gives its outputs."""
    terms = data.terms
    while len(terms) > SOURCES:
        first = made(
            node, terms[:SOURCES], np.zeros(len(data.bias)), shape=data.shape, order=(0, 1, 2)
        )
        stage = close(importer, node, first).stage
        terms = (identity(stage, data.shape), *terms[SOURCES:])
    layer = FloatConv(
        name=importer.free_name(data.affine.node or node, "layer"),
        sources=tuple(term.source for term in terms),
        bias=data.bias,
        activation=activation,
        limit=limit,
        pool=pool,
    )
    return outputs(importer, importer.add(layer, tuple(t.stage for t in terms)), data.order)


def outputs(importer: Importer, stage: int, order: tuple[int, ...]) -> Data:
    """The outputs of a layer on maps, with axes in an order."""
    layer = importer.layers[stage - 1]
    assert isinstance(layer, FloatConv)
    axes, sizes = axes_of(layer.shape, order)
    index = None
    if tuple(sorted(order)) != order:
        places = np.arange(layer.n_out).reshape(layer.shape)
        rest = tuple(n for n in range(3) if n not in order)  # of size 1
        index = places.transpose(*order, *rest).ravel()
    grids = importer.grids.get(stage, ())
    return Data(axes=axes, stage=stage, affine=Affine(sizes=sizes, index=index), grids=grids)
