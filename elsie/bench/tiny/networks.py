"""Seeded float models of the benchmark's shapes: the compiler makes networks of them."""

import math
from dataclasses import dataclass, replace

import numpy as np

from elsie.bench.tiny.shapes import Shapes, Step
from elsie.compress.kinds.decoded import float_source
from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from elsie.compress.prune.prune import prune
from golden.maps.convolution import Shape, Source

SAMPLES = 2
"""Inputs to calibrate with, and as many to run."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Seeded:
    """A model and inputs."""

    model: Model
    calibration: Reals
    """Shape (SAMPLES, inputs)."""
    x: Reals
    """Likewise; nothing of the model was chosen by them."""


def seeded(shapes: Shapes, *, density: float, seed: int, dense: bool = False) -> Seeded:
    """Random weights, the largest of each output channel kept, depthwise ones all.

    Biases give each layer the share of zeros that `shapes` says, over all calibrating inputs;
    `dense`: none at all, and no input is 0 either.
    """
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(0, 1 / 3, (2 * SAMPLES, math.prod(shapes.given))), -1, 1)
    x = np.where(np.abs(x) < 1 / 100, 1 / 100, x)  # an 8-bit input has no zero of it
    sizes, maps = [shapes.given], [x]
    layers: list[FloatLayer] = []
    sources: dict[int, tuple[int, ...]] = {}
    for number, step in enumerate(shapes.steps):
        taken, size = step.sources(number, sizes)
        given = [sizes[source.layer + 1] for source in taken]
        each = [
            _weights(rng, step, source, shape, density)
            for source, shape in zip(taken, given, strict=True)
        ]
        last = number == len(shapes.steps) - 1
        made = [
            float_source(source, size, shape, weights, fixed=_fixed(step, source))
            for source, shape, weights in zip(taken, given, each, strict=True)
        ]
        layer = _layer(f"layer{number}", step, made, relu=not (last or step.mean))
        inputs = np.concatenate([maps[source.layer + 1] for source in taken], axis=1)
        if not (last or step.mean) and number < len(shapes.active):
            share = 1.0 if dense else shapes.active[number]
            layer = _biased(layer, inputs, share)
        layers.append(layer)
        sources[number + 1] = tuple(source.layer + 1 for source in taken)
        sizes.append((step.outputs, *size))
        maps.append(layer.forward(inputs))
    model = Model(name=shapes.title, layers=tuple(layers), sources=sources)
    return Seeded(model=model, calibration=x[:SAMPLES], x=x[SAMPLES:])


def _fixed(step: Step, source: Source) -> bool:
    """An average, or a map that is added unchanged."""
    return step.mean or (source.depthwise and not step.depthwise)


def _weights(
    rng: np.random.Generator, step: Step, source: Source, shape: Shape, density: float
) -> Reals:
    """Of a source, shape (outputs, columns)."""
    columns = source.columns(shape[0])
    if step.mean:
        return np.full((step.outputs, columns), 2.0 ** -round(math.log2(math.prod(shape[1:]))))
    if _fixed(step, source):
        return np.ones((step.outputs, columns))
    real = rng.normal(0, 1 / math.sqrt(columns), (step.outputs, columns))
    if source.depthwise:
        return real
    return np.concatenate([prune(row[None], density) for row in real])


def _layer(name: str, step: Step, sources: list[ConvSource], *, relu: bool) -> FloatLayer:
    """Of vectors a fully connected one."""
    activation, bias = "relu" if relu else "identity", np.zeros(step.outputs)
    (first, *others) = sources
    if first.shape[1:] == (1, 1) and not others:
        return FloatDense(name=name, weight=first.matrix, bias=bias, activation=activation)
    return FloatConv(name=name, sources=tuple(sources), bias=bias, activation=activation)


def _biased(layer: FloatLayer, inputs: Reals, share: float) -> FloatLayer:
    """With one bias for all outputs, so that this share of them is above 0; they are about 1."""
    assert isinstance(layer, FloatConv | FloatDense)
    layer = _normal(layer, inputs)
    sums = replace(layer, activation="identity").forward(inputs[:SAMPLES])
    spread = float(sums.std())
    low = float(sums.min()) - spread if share == 1 else float(np.quantile(sums, 1 - share))
    return replace(layer, bias=np.full(len(layer.bias), -low))


def _normal(layer: FloatConv | FloatDense, inputs: Reals) -> FloatConv | FloatDense:
    """With trained weights such that the outputs' root mean square is 1; else deep ones overflow.

    What is added unchanged stays, and the layer with it.
    """
    if isinstance(layer, FloatConv) and any(source.fixed for source in layer.sources):
        return layer
    size = float(np.sqrt(np.mean(replace(layer, activation="identity").forward(inputs) ** 2)))
    if isinstance(layer, FloatDense):
        return replace(layer, weight=layer.weight / size)
    sources = (replace(source, weight=source.weight / size) for source in layer.sources)
    return replace(layer, sources=tuple(sources))
