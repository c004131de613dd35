"""Neurons that need no arithmetic, taken out of a model that stays exactly the same.

A neuron without weights has a constant output, which goes into the next layer's biases (a dead ReLU
adds 0); one whose outputs nobody uses is left out. Either may make others useless.
"""

from dataclasses import replace

import numpy as np

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.structure.shapes import (
    Kept,
    can_lose_inputs,
    used_inputs,
    without_inputs,
    without_outputs,
)


def hidden(model: Model, number: int) -> FloatDense | None:
    """Layer `number`, from 0, if it can lose neurons: fully connected, and not the last."""
    layer = model.layers[number]
    if number + 1 == len(model.layers) or not can_lose_inputs(model.layers[number + 1]):
        return None
    return layer if isinstance(layer, FloatDense) else None


def fold(model: Model) -> Model:
    """The same function without neurons that are constant or not used; each layer keeps one."""
    while True:
        smaller = model
        for number in range(len(model.layers)):
            smaller = _fold(smaller, number)
        if [layer.n_out for layer in smaller.layers] == [layer.n_out for layer in model.layers]:
            return model
        model = smaller


def _fold(model: Model, number: int) -> Model:
    """Without such neurons of layer `number`."""
    layer = hidden(model, number)
    if layer is None:
        return model
    after = model.layers[number + 1]
    used = used_inputs(after)
    kept = layer.weight.any(axis=1) & used
    if not kept.any():
        kept[np.argmax(used)] = True  # a layer has at least one row
    if kept.all():
        return model
    constants = model.snap(number + 1, FUNCTIONS[layer.activation](layer.bias))[~kept]
    pair = [without_outputs(layer, kept), without_inputs(after, kept, constants)]
    return thinner(model, number, pair, kept)


def thinner(model: Model, number: int, pair: list[FloatLayer], kept: Kept) -> Model:
    """The model with these layers, of which the first has the outputs `kept` only."""
    grids = dict(model.grids)
    if number + 1 in grids:
        grids[number + 1] = tuple(grid.chosen(kept) for grid in grids[number + 1])
    return replace(model, layers=replaced(model, number, pair, 2), grids=grids)


def replaced(
    model: Model, number: int, layers: list[FloatLayer], count: int
) -> tuple[FloatLayer, ...]:
    """The model's layers with `count` of them, from `number` on, exchanged."""
    return (*model.layers[:number], *layers, *model.layers[number + count :])
