"""Where a network with maps lies: nothing overlaps, and what does not fit is refused."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.netfile import load, save
from golden.format.network import Network
from golden.maps.checks import as_shape
from golden.maps.convolution import Source
from golden.maps.grid import arrange, of_input
from golden.maps.places import Places
from golden.maps.words import program, unpack_program
from tests.maps import Builder, map_config, random_maps


def places_of(network: Network) -> Places:
    return Places.of(network.config, network.layers, as_shape(network.input_shape))


@pytest.mark.parametrize("seed", range(30))
def test_maps_that_are_alive_together_do_not_overlap(seed: int) -> None:
    network = random_maps(np.random.default_rng(seed), map_config(), layers=4)
    places = places_of(network)
    readers = [
        [
            n
            for n, layer in enumerate(network.layers)
            if any(source.layer == nth for source in (layer.maps.sources if layer.maps else ()))
            or (layer.maps is None and nth == n - 1)
        ]
        for nth in range(-1, len(network.layers))
    ]
    grids = {}
    for place in places.every:
        for reading in place.readings:
            grids[reading.source.layer + 1] = reading.grid
    for number, layer in enumerate(network.layers):
        # While layer `number` runs: its output, and all that it or a later one reads.
        alive = [
            m for m, used in enumerate(readers) if m <= number and any(n >= number for n in used)
        ]
        if number + 1 in grids:
            alive.append(number + 1)
        spans = sorted((places.regions[m], places.regions[m] + grids[m].words) for m in alive)
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))
        assert spans[-1][1] <= places.depth == network.config.maps.depth, layer.name


def test_the_program_can_be_read_back() -> None:
    network = random_maps(np.random.default_rng(3), map_config(), layers=4)
    places, image = places_of(network), encode(network)
    words = unpack_program(network.config, image.program)
    assert len(words) == len(network.layers)
    assert sum(1 + len(sources) for _, sources in words) == len(program(places))
    for (word, sources), place in zip(words, places.every, strict=True):
        assert word["live"] == place.live
        assert [one["column_base"] for one in sources] == list(place.columns)
        assert [one["first"] for one in sources] == [one.first for one in place.readings]


@pytest.mark.parametrize("shape", [(1, 9, 7), (3, 4, 5), (5, 1, 1), (2, 3, 1), (9, 2, 2)])
def test_an_input_is_arranged_by_rows_places_and_groups(shape: tuple[int, int, int]) -> None:
    config = map_config(pes=7, group=2)
    grid, size = of_input(config, shape), int(np.prod(shape))
    x = np.arange(1, size + 1)[None]
    found = arrange(config, shape, x)[0]
    assert sorted(found[found > 0].tolist()) == list(range(1, size + 1))
    for y, row in enumerate(found):
        for group in range(config.groups):
            for index, value in enumerate(row[group :: config.groups].tolist()):
                if value:
                    c, y_, column = np.unravel_index(value - 1, shape)
                    unit = column % grid.phases * shape[0] + c
                    assert (y_, grid.group[unit]) == (y, group)
                    assert index == (column // grid.phases << grid.bits) + grid.place[unit]


def test_a_net_file_holds_it(tmp_path: Path) -> None:
    network = random_maps(np.random.default_rng(5), map_config(), layers=3)
    save(network, tmp_path / "net.elsie")
    read = load(tmp_path / "net.elsie")
    assert read.input_shape == network.input_shape
    assert [layer.maps for layer in read.layers] == [layer.maps for layer in network.layers]
    assert read.config == network.config
    images = encode(network), encode(read)
    assert (images[0].entry_words == images[1].entry_words).all()
    assert (images[0].program == images[1].program).all()


def test_weights_are_stored_once_or_once_for_each_phase() -> None:
    rng = np.random.default_rng(6)
    stored = []
    for phases in (1, 2, 4):
        build = Builder(rng, map_config(run_width=8), (2, 8, 8), density=1.0)
        source = Source(layer=-1, kernel=(3, 3), pad=(1, 1))
        build.conv(4, source, shape=(8, 8), phases=phases)
        build.flatten(1)
        places = places_of(build.network())
        stored.append(len(places.every[0].nonzeros(places.config, 0).code))
    assert stored == [4 * 2 * 9 * phases for phases in (1, 2, 4)]


def bad(what: str, **changes: Any) -> None:
    """A layer with some field changed is refused, in these words."""
    build = Builder(np.random.default_rng(7), map_config(), (2, 8, 8))
    build.conv(4, Source(layer=-1, kernel=(3, 3), pad=(1, 1)), shape=(8, 8))
    build.flatten(3)
    network = build.network()
    layer = network.layers[0]
    assert layer.maps
    if "source" in changes:
        source = dataclasses.replace(layer.maps.sources[0], **changes.pop("source"))
        changes["sources"] = (source,)
    maps = dataclasses.replace(layer.maps, **changes)
    broken = dataclasses.replace(layer, maps=maps)
    with pytest.raises(ElsieError, match=what):
        dataclasses.replace(network, layers=(broken, network.layers[1]))


def test_what_no_engine_does_is_refused() -> None:
    bad("layer layer0: strides must be 1, 2 or 4", source={"stride": (3, 1)})
    bad("pads must be less than the kernel", source={"pad": (3, 1)})
    bad("it reads layer 0, which is none before it", source={"layer": 0})
    bad("its sources have 50 columns", source={"kernel": (5, 5)})
    bad("at most 11 rows", source={"kernel": (12, 3)})
    bad("phases must be 1, 2 or 4 and divide 8 columns", phases=3)
    bad("phases must be 1 with pooling", phases=2, pool=(2, 2))
    bad("multiple of pool", pool=(3, 2))
    bad("a uniform kernel must cover its map", source={"uniform": True})
    bad("must read 1 to 4 maps", sources=())


def test_an_engine_that_is_too_small_is_refused() -> None:
    network = random_maps(np.random.default_rng(8), map_config(), layers=3)
    config, maps = network.config, network.config.maps
    smaller = {
        "depth": config.replace(maps=dataclasses.replace(maps, depth=maps.depth - 1)),
        "column_depth": config.replace(column_depth=config.column_depth - 1),
        "bias_depth": config.replace(bias_depth=config.bias_depth - 1),
        "entry_depth": config.replace(entry_depth=config.entry_depth - 1),
    }
    for name, less in smaller.items():
        with pytest.raises(ElsieError, match=name):
            encode(dataclasses.replace(network, config=less))


def test_a_ring_that_is_too_small_is_refused() -> None:
    build = Builder(np.random.default_rng(9), map_config(), (1, 9, 9))
    build.conv(2, Source(layer=-1, kernel=(4, 4)), shape=(6, 6))
    build.flatten(2)
    network = build.network()
    assert network.config.maps.rows == 8
    maps = dataclasses.replace(network.config.maps, rows=4)
    with pytest.raises(ElsieError, match="adds to 4 output rows at a time"):
        encode(dataclasses.replace(network, config=network.config.replace(maps=maps)))
