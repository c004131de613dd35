"""Load-balance-aware pruning of recurrent layers (ESE, section 3.2), a cell's gates on one PE."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.cells import FloatCells
from elsie.compress.model.model import AnyLayer, FloatLayer
from elsie.compress.place.rows import assign_rows
from elsie.compress.prune.balanced import prune_balanced
from golden.config import EngineConfig
from golden.format.layer import locate


def balance(
    config: EngineConfig,
    layer: AnyLayer,
    thin: AnyLayer,
    density: float,
    *,
    per: str,
    strategy: str,
    places: dict[str, NDArray[np.int64]],
) -> AnyLayer:
    """`layer` pruned so that all PEs keep as many weights of each gate's matrices, and in all.

    thin: the layer pruned plainly, on whose weights outputs are assigned first, so that little is
    to be evened. places: gets the position of every output by the layer's name, and by that of its
    projection, for whoever moves one loses the balance.
    """

    def place(name: str, kept: NDArray[np.int64]) -> NDArray[np.int64]:
        places[name] = assign_rows(config, kept, strategy=strategy)
        return locate(config, places[name])[0]

    held = np.zeros(config.pes, dtype=np.int64)

    def even(weight: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
        kept = prune_balanced(weight, density, owner, pes=config.pes, per=per, held=held)
        np.add.at(held, owner, np.count_nonzero(kept, axis=1))
        return kept

    if isinstance(layer, FloatLayer):
        owner = place(layer.name, (thin.weight != 0).astype(np.int64))
        return replace(layer, weight=even(layer.weight, owner))
    assert isinstance(thin, FloatCells)
    both = np.concatenate((thin.weight, thin.recurrent), axis=2)
    owner = place(layer.name, np.count_nonzero(both, axis=0))
    projection = layer.projection
    if projection is not None and thin.projection is not None:
        kept = (thin.projection != 0).astype(np.int64)
        projection = even(projection, place(f"{layer.name}.projection", kept))
    return replace(
        layer,
        weight=np.stack([even(gate, owner) for gate in layer.weight]),
        recurrent=np.stack([even(gate, owner) for gate in layer.recurrent]),
        projection=projection,
    )
