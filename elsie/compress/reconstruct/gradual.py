"""The density falls in steps, with distillation between.

It falls geometrically, as in Han et al., Learning both Weights and Connections, NIPS 2015,
iterated. Weights move between the steps, so a mask is not decided at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import FloatLayer, Part, Reals
from elsie.compress.reconstruct import lamp
from elsie.compress.reconstruct.distil import Teacher, distil
from elsie.compress.reconstruct.effort import Effort

Parts = tuple[Part, ...]
Spots = list[NDArray[np.int64]]


def gradually(
    teacher: Teacher,
    dense: Sequence[FloatLayer],
    masked: Sequence[FloatLayer],
    marks: Sequence[Parts],
    effort: Effort,
    random: np.random.Generator,
    say: Callable[[str], None],
    *,
    free: bool,
) -> list[FloatLayer]:
    """From `dense` layers to as many weights as `masked` ones have, in `effort.rounds`.

    `marks` label what is pruned together (reconstruct.matrices.labels); `free`: as many weights of
    all groups together, by LAMP scores; else of each.
    """
    layers = list(dense)
    spots = [_spots(mark) for mark in marks]
    first, last = (
        [np.count_nonzero(group) for group in _groups(some, spots)] for some in (layers, masked)
    )
    for nth in range(1, effort.rounds + 1):
        share = nth / effort.rounds
        groups = _groups(layers, spots)
        if free:
            total = round(sum(first) * (sum(last) / sum(first)) ** share)
            kept = lamp.masks(groups, count=total)
        else:
            counts = [round(a * (b / a) ** share) for a, b in zip(first, last, strict=True)]
            each = zip(groups, counts, strict=True)
            kept = [lamp.masks([group], count=count)[0] for group, count in each]
        masks = iter(kept)
        layers = [
            _pruned(layer, [(spot, next(masks)) for spot in own])
            for layer, own in zip(layers, spots, strict=True)
        ]
        say(f"prune step {nth} of {effort.rounds}, distil")
        layers = distil(teacher, layers, steps=effort.between, random=random, say=say)
    return layers


def _flat(parts: Parts) -> Reals:
    """All weights of a layer, one after the other."""
    return np.concatenate([matrix.reshape(-1) for part in parts for matrix in part.matrices])


def _spots(marks: Parts) -> list[NDArray[np.int64]]:
    """Where in that the weights of each group are."""
    flat = _flat(marks)
    return [np.flatnonzero(flat == label) for label in np.unique(flat[flat > 0])]


def _groups(layers: Sequence[FloatLayer], spots: Sequence[Spots]) -> list[Reals]:
    """The weights of each group of all layers."""
    pairs = [(_flat(layer.parts()), own) for layer, own in zip(layers, spots, strict=True)]
    return [flat[spot] for flat, own in pairs for spot in own]


def _pruned(
    layer: FloatLayer, kept: Sequence[tuple[NDArray[np.int64], NDArray[np.bool_]]]
) -> FloatLayer:
    """The layer with those weights of its groups, by their spots, that are kept."""
    parts, flat = layer.parts(), _flat(layer.parts())
    for spot, mask in kept:
        flat[spot] *= mask
    rest = iter(np.split(flat, np.cumsum([m.size for part in parts for m in part.matrices])[:-1]))
    thinned = [
        replace(part, matrices=tuple(next(rest).reshape(m.shape) for m in part.matrices))
        for part in parts
    ]
    return layer.with_parts(tuple(thinned))
