"""All layers of a network on the PEs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from elsie.compress.place.maps import place_maps
from elsie.compress.place.rows import assign_rows
from elsie.compress.report import Step
from golden.config import EngineConfig
from golden.format.layer import Layer, locate_rows, place
from golden.maps.checks import as_shape


def place_layers(
    config: EngineConfig, steps: Sequence[Step], strategy: str, shape: tuple[int, ...] = ()
) -> list[Layer]:
    """All integer layers with their rows assigned, given what the PEs hold so far.

    `shape` of the network's input, if it is a map.
    """
    if given := as_shape(shape):
        layers = [layer for step in steps for layer in step.quantised.layers]
        activity = [each for step in steps for each in step.quantised.activity]
        return place_maps(config, layers, activity, given)
    placed: list[Layer] = []
    held = np.zeros(config.pes, dtype=np.int64)
    for step in steps:
        made = step.quantised
        for layer, owner, activity in zip(made.layers, step.owners, made.activity, strict=True):
            if owner is not None:
                position = place(config, owner)
            else:
                position = assign_rows(
                    config, _pattern(layer), strategy=strategy, activity=activity, held=held
                )
            placed.append(replace(layer, position=position))
            pe, _ = locate_rows(config, placed[-1])
            held += np.bincount(pe[layer.rows], minlength=config.pes)
    return placed


def _pattern(layer: Layer) -> sparse.csr_matrix:
    """Entries of each output, all its gates together, in each column, (n_out, n_columns)."""
    places = (np.ones(layer.nnz), (layer.rows % layer.n_out, layer.columns))
    return sparse.csr_matrix(places, shape=(layer.n_out, layer.n_columns))
