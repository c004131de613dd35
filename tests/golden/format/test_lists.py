"""Lists of activations: by hand, and played step by step, where no value may be lost."""

import dataclasses

import numpy as np
import pytest

from golden.format.layer import Layer
from golden.format.lists import Place, allocate
from golden.kinds import LayerKind
from tests.cells import cell_config, cell_layer

D, L, P = "dense", "cells", "projected cells"
"""A projection is the dense layer behind its cells."""
SHAPES = [(D,), (D, D, D), (L,), (L, L), (P, D), (P, D, L, D), (D, L, D, D, L), (L, P, D, P, D, D)]


def layers(shape: tuple[str, ...]) -> list[Layer]:
    config = cell_config()
    some = cell_layer(np.random.default_rng(0), config, "lstm", 3, 4)
    kinds = {D: LayerKind.DENSE, L: LayerKind.LSTM, P: LayerKind.LSTM}
    return [
        dataclasses.replace(some, name=f"{n}", kind=kinds[what], projected=what == P)
        for n, what in enumerate(shape)
    ]


def test_two_lists_in_turn_are_enough_for_dense_layers() -> None:
    found = allocate(layers((D, D, D)), delta=False)
    assert [place.number for place in found.source] == [0, 1, 0]
    assert [place.number for place in found.target] == [1, 0, 1]
    assert found.recurrent == (None, None, None)
    assert found.per_stream == 2


def test_what_is_fed_back_has_two_lists_of_its_own() -> None:
    found = allocate(layers((P, D, L, D)), delta=False)
    projection, cells = Place(number=2, alternates=True), Place(number=4, alternates=True)
    turn = [Place(number=number, alternates=False) for number in (0, 1)]
    assert found.target == (turn[1], projection, cells, turn[0])
    assert found.source == (turn[0], turn[1], projection, cells)
    assert found.recurrent == (projection, None, cells, None)
    assert found.per_stream == 6


def at(place: Place, step: int) -> int:
    return place.number + (place.alternates and step % 2)


@pytest.mark.parametrize("delta", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(w[0] for w in shape))
def test_every_layer_reads_what_was_meant_for_it(shape: tuple[str, ...], delta: bool) -> None:
    """Each list holds the last that was written to it: whose output, and of which step."""
    found = allocate(layers(shape), delta=delta)
    held: dict[int, tuple[int, int]] = {}
    for step in range(4):
        held[0] = (-1, step)
        for number, what in enumerate(shape):
            assert held[at(found.source[number], step)] == (number - 1, step)
            back = found.recurrent[number]
            assert (back is not None) == (what != D)
            if back is not None and step:
                # A projection's cells are fed by the layer behind them.
                assert held[at(back, step - 1)] == (number + (what == P), step - 1)
            held[at(found.target[number], step)] = (number, step)
    assert set(held) <= set(range(found.per_stream))
    assert found.per_stream == max(2, max(held) + 1)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(w[0] for w in shape))
def test_with_delta_no_two_layers_share_a_list(shape: tuple[str, ...]) -> None:
    """What was sent last is remembered for each list."""
    found = allocate(layers(shape), delta=True)
    used = [place.number for place in found.target]
    used += [place.number + 1 for place in found.target if place.alternates]
    assert 0 not in used
    assert len(used) == len(set(used))
