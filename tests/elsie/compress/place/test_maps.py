"""Placing on maps: local where that is faster, more phases only where they pay."""

import numpy as np
import pytest

from elsie.compress.place.maps import place_maps
from golden.config import EngineConfig
from golden.format.layer import Layer, locate
from golden.kinds import LayerKind
from golden.maps.convolution import Convolution, Source
from golden.maps.places import Places
from tests.maps import map_config, sized


def conv(
    outputs: int,
    *sources: Source,
    inputs: int,
    size: tuple[int, int],
    pool: tuple[int, int] = (1, 1),
) -> Layer:
    """A layer with all weights, not placed yet."""
    columns = sum(source.columns(inputs) for source in sources)
    return Layer.of_matrix(
        np.ones((outputs, columns)),
        np.ones((outputs, columns)),
        name="c",
        kind=LayerKind.CONV,
        weight_frac=0,
        maps=Convolution(sources=sources, shape=size, pool=pool),
    )


def placed(
    config: EngineConfig, layers: list[Layer], inputs: int, size: tuple[int, int]
) -> tuple[list[Layer], Places]:
    """All channels have as many values, of which none is 0."""
    shape = (inputs, *size)
    found = place_maps(config, layers, [np.ones(inputs) for _ in layers], shape)
    places = Places.of(sized(config, found, shape), found, shape)
    return found, places


KERNEL = Source(layer=-1, kernel=(3, 3), pad=(1, 1))


def test_few_channels_get_phases() -> None:
    """Two channels on eight PEs: so that all PEs work."""
    config = map_config(pes=8, group=4)
    (layer,), _ = placed(config, [conv(2, KERNEL, inputs=4, size=(8, 8))], 4, (8, 8))
    assert layer.maps is not None
    assert layer.maps.phases == 4
    pe, _ = locate(config, layer.position)
    assert len(np.unique(pe)) == 8


@pytest.mark.parametrize("pool", [(1, 1), (2, 2)])
def test_many_channels_get_none(pool: tuple[int, int]) -> None:
    config = map_config(pes=4, group=2)
    (layer,), _ = placed(config, [conv(8, KERNEL, inputs=4, size=(8, 8), pool=pool)], 4, (8, 8))
    assert layer.maps is not None
    assert layer.maps.phases == 1


def test_pooled_layers_have_no_phases() -> None:
    config = map_config(pes=8, group=4)
    (layer,), _ = placed(config, [conv(2, KERNEL, inputs=4, size=(8, 8), pool=(2, 2))], 4, (8, 8))
    assert layer.maps is not None
    assert layer.maps.phases == 1


def test_depthwise_layers_stay_in_their_groups() -> None:
    config = map_config(pes=8, group=2)
    deep = Source(layer=0, kernel=(3, 3), pad=(1, 1), depthwise=True)
    layers = [conv(16, KERNEL, inputs=16, size=(8, 8)), conv(16, deep, inputs=16, size=(8, 8))]
    _, places = placed(config, layers, 16, (8, 8))
    assert places.every[1].local == (True,)
