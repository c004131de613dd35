"""The address map: what it says is needed is enough and not too much; every width counted."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.errors import ElsieError
from golden.format.address_map import AddressMap
from golden.format.image import Image, encode
from golden.format.network import Network
from tests.cells import cell_config, cell_network
from tests.networks import random_network, small_config


def recurrent(seed: int = 0, **engine: Any) -> Network:
    rng = np.random.default_rng(seed)
    config = cell_config(**{"pes": 5, "group": 2, **engine})
    block = engine.get("entry_memory") != "spram"
    return cell_network(rng, config, peepholes=block, head=not config.delta)


def connected(seed: int = 0, **engine: Any) -> Network:
    sizes = [13, 9, 20, 4]
    config = small_config(sizes, **{"pes": 5, "group": 2, **engine})
    return random_network(np.random.default_rng(seed), config, sizes)


NETWORKS = {
    "connected": connected(),
    "one PE": connected(pes=1, group=1),
    "spram": connected(entry_memory="spram"),
    "recurrent": recurrent(),
    "cells in spram": recurrent(entry_memory="spram", code_width=4, weight_width=4),
    "streams": recurrent(streams=3),
    "delta": recurrent(delta=True),
}


def needs(network: Network) -> dict[str, int]:
    places = AddressMap.of(network.config, network.layers)
    entries = int(places.entry_places([network.config.run_width]).max())
    return {**places.needs(), "entry_depth": entries + entries % network.config.entry_lanes}


def resized(network: Network, **changes: int) -> Image:
    config = network.config.replace(**changes)
    return encode(Network(name="n", config=config, layers=network.layers, head=network.head))


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_needed_is_enough(name: str) -> None:
    network = NETWORKS[name]
    image = resized(network, **needs(network))
    config = image.config
    used = {"pointers": config.column_depth, "biases": config.bias_depth}
    assert image.used == {**used, "entries": config.entry_depth}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("field", needs(NETWORKS["connected"]))
def test_nothing_less_is_enough(name: str, field: str) -> None:
    network = NETWORKS[name]
    most = needs(network)
    step = network.config.entry_lanes if field == "entry_depth" else 1
    if most[field] <= {"cells": 1, "act_lists": 2, "entry_depth": step}.get(field, 1):
        pytest.skip("no engine has less")
    with pytest.raises(ElsieError, match=field):
        resized(network, **{**most, field: most[field] - step})


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["block", "spram"]), st.booleans())
def test_entries_are_counted_for_every_run_width(seed: int, memory: str, cells: bool) -> None:
    codes = {"entry_memory": memory, "code_width": 4, "weight_width": 4}
    network = recurrent(seed, **codes) if cells else connected(seed, entry_memory=memory)
    widths = [2, 3, 4]
    found = AddressMap.of(network.config, network.layers).entry_places(widths)
    assert found.shape == (3, network.config.pes)
    for width, places in zip(widths, found, strict=True):
        assert resized(network, run_width=width).used["entries"] == places.max()


def test_columns_stand_apart_and_biases_and_cells_follow_each_other() -> None:
    network = recurrent()
    places = AddressMap.of(network.config, network.layers)
    assert sum(region.columns for region in places.regions) == places.columns
    for before, region in zip(places.regions, places.regions[1:], strict=False):
        assert region.column_base == before.column_base + before.columns
        assert region.bias_base == before.bias_base + before.biases
        assert region.cell_base == before.cell_base + before.cells
    for layer, region in zip(network.layers, places.regions, strict=True):
        assert len(np.unique(region.inputs)) == layer.n_columns
        assert 0 <= region.inputs.min() <= region.inputs.max() < region.columns
        # What is fed back lies behind the input.
        back = region.inputs[layer.n_in :]
        assert (back >= region.input_columns).all()
        fed_back = region.column_base + region.input_columns
        assert region.recurrent_base == (fed_back if layer.n_back else 0)


@pytest.mark.parametrize("lanes", [1, 2])
def test_entries_and_peepholes_never_share_an_address(lanes: int) -> None:
    network = recurrent(3)
    if lanes == 2:
        network = recurrent(3, entry_memory="spram", code_width=4, weight_width=4)
    # Whatever comes before: the one with peepholes is both the first and the last.
    layers = network.layers + network.layers[:2]
    places = AddressMap.of(network.config, layers)
    rng = np.random.default_rng(4)
    counts = [rng.integers(0, 5, (network.config.pes, one.columns)) for one in places.regions]
    taken = np.zeros(network.config.pes, dtype=np.int64)
    for region, count, entry in zip(places.regions, counts, places.entries(counts), strict=True):
        if region.peepholes:
            assert entry.peephole_base == taken.max()
            taken[:] = entry.peephole_base + region.peepholes
        for pe in range(network.config.pes):
            for first, length in zip(entry.start[pe], count[pe], strict=True):
                if length:
                    assert first % lanes == 0
                    assert first >= taken[pe]
                    taken[pe] = first + length
                else:
                    assert first == 0
        taken = -(-taken // lanes) * lanes
        assert np.array_equal(taken, entry.end)
