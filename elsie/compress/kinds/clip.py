"""Clip(0, 6) by saturation: a scale at which the largest integer stands for the limit.

Relu and max pooling are homogeneous. So a layer's weights and bias can be multiplied by a, and what
reads its map by 1 / a, such that the limit is (2**(act_width - 1) - 1) * 2**-frac: there the engine
saturates anyhow.
"""

import math
from dataclasses import replace

import numpy as np

from elsie.compress.kinds.step import Signal
from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from golden.errors import ElsieError

NEAR = 0.9
"""A limit of which calibration data reach this share is kept; else there is a Relu only."""


def saturating(model: Model, given: Signal, act_width: int) -> Model:
    """The same model, its limits that matter where an engine of `act_width` bits saturates.

    Raises ElsieError where a map with such a limit is added unchanged to another.
    """
    for number in _reached(model, given):
        layer = model.layers[number - 1]
        assert isinstance(layer, FloatConv)
        assert layer.limit is not None
        top = (1 << (act_width - 1)) - 1
        limit = math.ldexp(top, -round(math.log2(top / layer.limit)))
        model = _scaled(model, number, limit / layer.limit)
    return model


def frac_of(limit: float | None, act_width: int) -> int | None:
    """Fraction bits with which the largest integer is `limit`; None if there are none."""
    if limit is None:
        return None
    mantissa, exponent = math.frexp(limit / ((1 << (act_width - 1)) - 1))
    return 1 - exponent if mantissa == 0.5 else None


def _reached(model: Model, given: Signal) -> list[int]:
    """Numbers of the layers, from 1, whose limit calibration data come near; not the last one."""
    if all(getattr(layer, "limit", None) is None for layer in model.layers):
        return []
    found, stages = [], model.stages(given.values)
    for number, layer in enumerate(model.layers[:-1], start=1):
        x = stages.given(number)
        if isinstance(layer, FloatConv) and layer.limit is not None and number not in model.grids:
            free = replace(layer, limit=None).forward(x)[given.valid]
            if free.max() > NEAR * layer.limit:
                found.append(number)
        stages.put(number, layer.forward(x))
    return found


def _scaled(model: Model, number: int, factor: float) -> Model:
    """With outputs of layer `number` times `factor`, and the reverse in what reads them."""
    layers = list(model.layers)
    layer = layers[number - 1]
    assert isinstance(layer, FloatConv)
    if any(source.fixed for source in layer.sources):
        raise _refusal(layer, layer)
    assert layer.limit is not None
    layers[number - 1] = replace(
        layer,
        sources=tuple(replace(one, weight=one.weight * factor) for one in layer.sources),
        bias=layer.bias * factor,
        limit=layer.limit * factor,
    )
    larger = {number}  # stages whose values are `factor` times as large
    for reader in range(number + 1, len(layers) + 1):
        taken = [stage in larger for stage in model.taken(reader)]
        one = layers[reader - 1]
        if not any(taken):
            continue
        if _passes(one) and reader < len(layers):
            larger.add(reader)
        else:
            layers[reader - 1] = _read(one, taken, factor, layer)
    return replace(model, layers=tuple(layers))


def _passes(layer: FloatLayer) -> bool:
    """An average or a pool by itself, whose outputs then are as many times as large."""
    return (
        isinstance(layer, FloatConv)
        and len(layer.sources) == 1
        and layer.sources[0].fixed
        and not layer.bias.any()
        and layer.limit is None
    )


def _read(layer: FloatLayer, taken: list[bool], factor: float, limited: FloatLayer) -> FloatLayer:
    """Weights of those sources that are taken by 1 / factor."""
    if isinstance(layer, FloatDense):
        return replace(layer, weight=layer.weight / factor)
    assert isinstance(layer, FloatConv)

    def less(source: ConvSource) -> ConvSource:
        if source.fixed:
            raise _refusal(limited, layer)
        return replace(source, weight=source.weight / factor)

    pairs = zip(layer.sources, taken, strict=True)
    return replace(layer, sources=tuple(less(one) if mine else one for one, mine in pairs))


def _refusal(limited: FloatLayer, layer: FloatLayer) -> ElsieError:
    assert isinstance(limited, FloatConv)
    return ElsieError(
        f"layer {limited.name}: calibration data reach its limit of {np.float32(limited.limit):g} "
        f"(Clip), and layer {layer.name} adds a map unchanged, whose scale cannot be chosen for "
        f"that; train with Relu instead of a Clip"
    )
