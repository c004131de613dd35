"""One fully connected layer as two with fewer weights, the first of them linear.

Truncated SVD of W in the metric of the layer's inputs (Yuan et al., ASVD, arXiv 2312.05821, 2023;
Wang et al., SVD-LLM, ICLR 2025, section 3, which is the exact form here): not W but the sums are
approximated, so directions that inputs hardly have cost nothing. The target makes up for what the
layers before have lost (reconstruct.layer.problem).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from elsie.compress.kinds.step import Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.reconstruct.layer.problem import Problem
from elsie.compress.reconstruct.matrices import VIEWS

FIRST, SECOND = "down", "up"
"""The two layers are called NAME.down and NAME.up."""


def split(layer: FloatDense, problem: Problem, rank: int) -> tuple[FloatDense, FloatDense]:
    """Layers of `rank` outputs and inputs whose product has the least loss of all of this rank.

    What is between them has mean 0 and, as far as the damping allows, variance 1 in all of its
    columns, so that one scale suits them all.
    """
    hessian, mean = problem.hessian[:-1, :-1], problem.hessian[:-1, -1] / problem.hessian[-1, -1]
    # The bias is free, so only what varies about the mean has to be approximated.
    root = np.linalg.cholesky(hessian - problem.hessian[-1, -1] * np.outer(mean, mean))
    left, sizes, right = np.linalg.svd(problem.target[:, :-1] @ root, full_matrices=False)
    down = np.linalg.solve(root.T, right[:rank].T).T
    up = left[:, :rank] * sizes[:rank]
    bias = problem.target[:, -1] + problem.target[:, :-1] @ mean
    return (
        replace(
            layer,
            name=f"{layer.name}.{FIRST}",
            weight=down,
            bias=-down @ mean,
            activation="identity",
        ),
        replace(layer, name=f"{layer.name}.{SECOND}", weight=up, bias=bias),
    )


def factorise(
    model: Model, given: Signal, ranks: Mapping[str, int], say: Callable[[str], None]
) -> Model:
    """The model with the layers named in `ranks` as two of this rank each, in order."""
    wanted, now = given.values, given.values
    layers: list[FloatLayer] = []
    ends = [0]
    for number, layer in enumerate(model.layers, start=1):
        made: tuple[FloatLayer, ...] = (layer,)
        if layer.name in ranks:
            assert isinstance(layer, FloatDense)
            say(f"split layer {layer.name}: rank {ranks[layer.name]}")
            problem = Problem.of(
                VIEWS[layer.kind].read(layer),
                wanted=wanted[given.valid],
                given=now[given.valid],
                sources=(layer.n_in,),
                damping=VIEWS[layer.kind].damping,
            )
            made = split(layer, problem, ranks[layer.name])
        layers += made
        ends.append(len(layers))
        wanted = model.snap(number, layer.forward(wanted))
        for one in made:
            now = one.forward(now)
        now = model.snap(number, now)
    head = None if model.head is None else ends[model.head]
    grids = {ends[number]: grids for number, grids in model.grids.items()}
    return replace(model, layers=tuple(layers), head=head, grids=grids)
