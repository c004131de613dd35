"""A layer's network with random weights, pruned to the paper's densities, and its engine."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.bench.ese.layers import LstmLayer, Matrix
from elsie.compress.prune.balanced import prune_balanced
from elsie.compress.prune.prune import prune
from golden.arithmetic.sequences import Step
from golden.config import EngineConfig
from golden.format.layer import Layer, deal
from golden.format.network import Network
from golden.kinds import GATE_FRAC, LayerKind

PRUNING = ("plain", "pe", "column")
"""Largest magnitudes anywhere; equally many in every PE (ESE); and in every column of a PE too."""
_WEIGHT_FRAC, _IN_FRAC, _BACK_FRAC = 11, 12, 13
_DEVIATION = 0.1
"""Of the weights, so that sums are about 1."""


def engine(
    layer: LstmLayer, *, pes: int, streams: int, queue: int = 32, group: int = 1
) -> EngineConfig:
    """An engine with ESE's numbers: 12-bit weights, 16-bit activations."""
    groups, cells = -(-pes // group), -(-layer.cells // pes)
    inputs = -(-layer.n_in // groups) * groups
    back, hidden = -(-layer.n_back // pes) * pes, cells * pes
    columns = inputs + back + (hidden if layer.projected else 0)
    rows = [4 * cells] + ([-(-layer.projected // pes)] if layer.projected else [])
    sizes = [(layer.n_in * layer.cells, m.density) for m in layer.inputs]
    sizes += [(layer.n_back * layer.cells, m.density) for m in layer.recurrent]
    if layer.projection:
        sizes.append((layer.n_back * layer.cells, layer.projection.density))
    entries = sum(size * density for size, density in sizes) / pes + 3 * cells
    return EngineConfig(
        mac="fixed",  # pyright: ignore[reportArgumentType]
        pes=pes,
        group=group,
        queue_depth=queue,
        # 18 bits with the weight, a block RAM's width; a gap of 63 rows is rare.
        run_width=6,
        act_width=16,
        code_width=12,
        weight_width=12,
        acc_width=40,
        entry_depth=-(-int(1.1 * entries + 64) // 512) * 512,
        column_depth=columns,
        row_depth=max(rows),
        act_depth=max(inputs // groups, cells * group, -(-layer.n_back // pes) * group),
        bias_depth=sum(rows) * group,
        layers=2,
        cells=cells,
        streams=streams,
        act_lists=4 * streams,
    )


def network(layer: LstmLayer, config: EngineConfig, *, pruning: str, seed: int = 0) -> Network:
    """The layer, its cells dealt to the PEs in turn; row j of a projection to PE j mod pes."""
    random = np.random.default_rng([seed, *layer.name.encode()])
    owner = np.arange(layer.cells) % config.pes

    def part(matrices: Sequence[Matrix], columns: int) -> NDArray[np.float64]:
        return np.concatenate(
            [
                _pruned(random, (layer.cells, columns), m.density, owner, config.pes, pruning)
                for m in matrices
            ]
        )

    gates = np.hstack((part(layer.inputs, layer.n_in), part(layer.recurrent, layer.n_back)))
    cells = _layer(
        config,
        gates,
        name=layer.name,
        kind=LayerKind.LSTM,
        n_back=layer.n_back,
        projected=layer.projected is not None,
        in_frac=_IN_FRAC,
        out_frac=GATE_FRAC,
        peephole=_codes(random.normal(0, _DEVIATION, (layer.cells if layer.peepholes else 0, 3))),
    )
    layers = [cells]
    if layer.projection and layer.projected:
        rows = np.arange(layer.projected) % config.pes
        shape = (layer.projected, layer.cells)
        weight = _pruned(random, shape, layer.projection.density, rows, config.pes, pruning)
        layers.append(
            _layer(
                config,
                weight,
                name=layer.projection.name,
                in_frac=GATE_FRAC,
                out_frac=_BACK_FRAC,
            )
        )
    return Network(name=layer.name, config=config, layers=tuple(layers))


def steps(layer: LstmLayer, config: EngineConfig, count: int, *, seed: int = 0) -> list[Step]:
    """Steps of one sequence in every stream: normal features, as a speech front end gives them."""
    random = np.random.default_rng([seed, 1, *layer.name.encode()])
    found = []
    for number in range(count):
        x = random.normal(0, 1 << _IN_FRAC, (config.streams, layer.n_in))
        limit = (1 << 15) - 1
        integers = np.clip(np.rint(x), -limit, limit).astype(np.int64)
        found.append(Step(x=integers, reset=(number == 0,) * config.streams))
    return found


def _pruned(
    random: np.random.Generator,
    shape: tuple[int, int],
    density: float,
    owner: NDArray[np.int64],
    pes: int,
    pruning: str,
) -> NDArray[np.float64]:
    """Random weights, pruned."""
    weight = random.normal(0, _DEVIATION, shape)
    if pruning == "plain":
        return prune(weight, density)
    return prune_balanced(weight, density, owner, pes=pes, per=pruning)


def _codes(weight: NDArray[np.float64]) -> NDArray[np.int64]:
    """12-bit weight codes; a weight that is there does not become 0."""
    integer = np.rint(weight * (1 << _WEIGHT_FRAC)).astype(np.int64)
    integer = np.where((integer == 0) & (weight != 0), 1, np.clip(integer, -2047, 2047))
    return integer & 0xFFF


def _layer(config: EngineConfig, weight: NDArray[np.float64], **fields: Any) -> Layer:
    """A layer of `weight` (rows, columns), its outputs dealt to the PEs in turn."""
    gates = fields.get("kind", LayerKind.DENSE).gates
    return Layer.of_matrix(
        _codes(weight),
        weight != 0,
        weight_frac=_WEIGHT_FRAC,
        position=deal(config, np.arange(len(weight) // gates)),
        **fields,
    )
