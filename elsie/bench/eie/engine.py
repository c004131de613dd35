"""One engine for all nine layers, and networks of one layer for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elsie.bench.eie.layers import LAYERS, PES
from elsie.bench.eie.problem import ACT_WIDTH, Problem
from elsie.compress.place.rows import assign_rows, place
from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.format import csc
from golden.format.address_map import layer_nonzeros
from golden.format.layer import Layer
from golden.format.network import Network

GROUP = 1
"""A drain unit for each PE, so that the last PE is drained as soon as it has finished."""
BASE = EngineConfig(pes=PES, group=GROUP, queue_depth=32)
"""The engine of the benchmark, before its memories have room for every layer."""
_SHARE = 1.0625
"""Entry memory of a PE over its even share of the largest matrix."""
_SHIFT, _IN_FRAC, _WEIGHT_FRAC = 20, 8, 15


def _beyond(base: EngineConfig, pes: int) -> int:
    """Slots of a queue that are reserved for broadcasts already on their way."""
    return base.replace(pes=pes, group=1, row_depth=1).queue_margin  # with any memories


def waiting(base: EngineConfig, *, pes: int) -> int:
    """Jobs that may wait in a PE of such an engine before broadcasts are held."""
    return base.queue_depth - _beyond(base, pes)


def engine(
    *, pes: int = PES, queue: int | None = None, group: int = GROUP, base: EngineConfig = BASE
) -> EngineConfig:
    """An engine like `base` that has room for each of the nine layers.

    `queue` is how many jobs may wait in a PE before broadcasts are held; the queue itself has a few
    slots more, for broadcasts on their way. None: as many as the slots of `base` leave.
    """
    depth = base.queue_depth if queue is None else queue + _beyond(base, pes)
    rows = max(-(-layer.n_out // pes) for layer in LAYERS)
    groups = -(-pes // group)
    inputs = max(-(-layer.n_in // groups) for layer in LAYERS)
    entries = max(layer.n_in * layer.n_out * layer.weights for layer in LAYERS)
    return base.replace(
        pes=pes,
        group=group,
        mac=MacKind.CODEBOOK,
        queue_depth=depth,
        run_width=7,
        act_width=ACT_WIDTH,
        weight_width=16,
        code_width=4,
        acc_width=46,
        entry_depth=-(-int(_SHARE * entries / pes) // 1024) * 1024,
        column_depth=inputs * groups,
        row_depth=rows,
        act_depth=max(inputs, rows * group),
        bias_depth=rows * group,
        layers=2,
    )


def assign(problem: Problem, config: EngineConfig) -> NDArray[np.int64]:
    """Position of every row on this engine: with its owner, or by calibration."""
    if problem.owner is not None:
        return place(config, problem.owner)
    return assign_rows(config, problem.pattern(), activity=problem.activity)


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """Entries of every PE for each column, shape (pes, columns)."""

    stored: NDArray[np.int64]
    """All entries."""
    real: NDArray[np.int64]
    """Those that are not padding."""
    rows: int
    """Rows per PE."""


def network(problem: Problem, position: NDArray[np.int64], config: EngineConfig) -> Network:
    """The layer as a network. Raises ElsieError when the engine is too small for it."""
    check_fits(problem, config)
    layer = Layer(
        name=problem.name,
        n_in=problem.n_in,
        n_out=problem.n_out,
        indptr=problem.indptr,
        rows=problem.rows,
        codes=problem.codes,
        codebook=problem.codebook,
        bias=np.zeros(problem.n_out, dtype=np.int64),
        shift=_SHIFT,
        activation="relu",
        weight_frac=_WEIGHT_FRAC,
        in_frac=_IN_FRAC,
        out_frac=_WEIGHT_FRAC + _IN_FRAC - _SHIFT,
        position=position,
    )
    return Network(name=problem.name, config=config, layers=(layer,))


def real_input(problem: Problem) -> NDArray[np.float64]:
    """The measured input as `sim.check` takes it, shape (1, n_in)."""
    return np.ldexp(problem.x[None].astype(np.float64), -_IN_FRAC)


def work(net: Network) -> Work:
    """What each PE stores, without an image. Raises ElsieError when it does not fit."""
    config, layer = net.config, net.layers[0]
    columns = -(-layer.n_in // config.groups) * config.groups
    nonzeros = layer_nonzeros(config, layer, np.arange(layer.n_in))
    stored = csc.encode(config, nonzeros, columns=columns).count
    place = nonzeros.pe * columns + nonzeros.column
    real = np.bincount(place, minlength=stored.size).reshape(stored.shape)
    fullest = int(stored.sum(axis=1).max())
    if fullest > config.entry_depth:
        raise ElsieError(
            f"layer {layer.name}: a PE would store {fullest} entries, but the entry memory of the "
            f"benchmark's engine holds {config.entry_depth}; use more PEs (--pes) or a sparser "
            f"matrix"
        )
    return Work(stored=stored, real=real, rows=int(nonzeros.row.max(initial=0)) + 1)


def check_fits(problem: Problem, config: EngineConfig) -> None:
    """Refuse a layer that does not fit the engine, before any work is done on it."""
    inputs, rows = config.act_depth * config.groups, config.row_depth * config.pes
    capacity = config.entry_depth * config.pes
    for have, most, what in (
        (problem.n_in, min(inputs, config.column_depth), "columns"),
        (problem.n_out, rows, "rows"),
        (len(problem.rows), capacity, "non-zeros"),
    ):
        if have > most:
            raise ElsieError(
                f"layer {problem.name}: it has {have} {what}, but the benchmark's engine of "
                f"{config.pes} PEs has room for {most} (entry memory: {config.entry_depth} a PE); "
                f"use a smaller matrix"
            )
