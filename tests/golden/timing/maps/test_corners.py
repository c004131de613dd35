"""Networks with maps at their limits, each against the slow engine and plain convolution."""

import itertools

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.format.image import encode
from golden.maps.convolution import Source
from golden.timing.model import TimingModel
from tests.golden.timing.maps.test_model import check, outputs
from tests.maps import Builder, map_config, map_input


def build(seed: int, shape: tuple[int, int, int], **changes: object) -> Builder:
    """Begin a network whose input has this shape."""
    return Builder(np.random.default_rng(seed), map_config(**changes), shape)


def run(made: Builder, *, zeros: float = 0.3, ring: int = 0) -> EngineConfig:
    """End it with a fully connected layer, and compare all of it."""
    made.flatten(3)
    network = made.network(ring=ring)
    check(network, map_input(made.rng, network, zeros=zeros))
    return network.config


def conv(made: Builder, kernel: int, *, stride: int = 1, pad: int = 0, after: int = 0) -> None:
    """A convolution of the last map, with equal rows and columns."""
    _, height, width = made.shapes[-1]
    rows, columns = ((n + pad + after - kernel) // stride + 1 for n in (height, width))
    source = Source(
        layer=made.last, kernel=(kernel, kernel), stride=(stride, stride), pad=(pad, pad)
    )
    made.conv(5, source, shape=(rows, columns))


@pytest.mark.parametrize(("kernel", "rows"), [(1, 2), (3, 4), (5, 8), (9, 16), (11, 16)])
def test_the_ring_at_its_limit(kernel: int, rows: int) -> None:
    """Many more output rows than the ring has."""
    made = build(kernel, (2, 2 * kernel + 7, 12))
    conv(made, kernel, pad=kernel // 2, after=kernel // 2)
    assert run(made).maps.rows == rows


def test_a_kernel_of_ten_rows_with_stride_two() -> None:
    made = build(1, (1, 33, 7))
    source = Source(layer=-1, kernel=(10, 4), stride=(2, 2), pad=(4, 1))
    made.conv(6, source, shape=(17, 4))
    assert run(made).maps.rows == 8


@pytest.mark.parametrize("pool", [(2, 2), (3, 1), (1, 3)])
def test_pooling_with_the_ring_at_its_limit(pool: tuple[int, int]) -> None:
    made = build(2, (2, 14, 14))
    made.conv(5, Source(layer=-1, kernel=(3, 3)), shape=(12, 12), pool=pool)
    assert run(made).maps.rows == (4 if pool[0] == 1 else 8)


@pytest.mark.parametrize(("pad", "after"), [*itertools.product([0, 1, 4], [0, 1, 4])])
def test_pads_on_each_side(pad: int, after: int) -> None:
    """Bases below 0, and entries left, right, above and below the map."""
    made = build(3, (2, 6, 6))
    conv(made, 5, pad=pad, after=after)
    run(made)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 5), (2, 5, 1), (3, 2, 2)])
def test_maps_smaller_than_the_kernel(shape: tuple[int, int, int]) -> None:
    made = build(4, shape)
    source = Source(layer=-1, kernel=(3, 3), pad=(1, 1))
    made.conv(4, source, shape=(shape[1], shape[2]))
    run(made)


@pytest.mark.parametrize(("height", "kernel"), [*itertools.product([7, 8], [1, 2, 3])])
def test_strides_on_odd_and_even_maps(height: int, kernel: int) -> None:
    """With one row a kernel has no row for every second row of the map."""
    made = build(5, (3, height, 9))
    conv(made, kernel, stride=2, after=1)
    conv(made, kernel, stride=4, after=3)
    run(made)


@pytest.mark.parametrize(("before", "phases"), [*itertools.product([1, 2, 4], [1, 2, 4])])
def test_all_phases_against_all_of_what_is_read(before: int, phases: int) -> None:
    for stride in (1, 2):
        made = build(6, (2, 5, 8))
        made.conv(3, Source(layer=-1, kernel=(1, 1)), shape=(5, 8), phases=before)
        source = Source(layer=0, kernel=(3, 3), stride=(1, stride), pad=(1, 1))
        made.conv(3, source, shape=(5, 8 // stride), phases=phases)
        run(made)


def test_rows_without_activations() -> None:
    """Many in a row, and a whole input."""
    made = build(7, (2, 24, 5))
    conv(made, 3, pad=1, after=1)
    made.flatten(2)
    network = made.network()
    x = map_input(made.rng, network).reshape(2, 24, 5)
    x[:, 3:20] = 0
    check(network, x.reshape(1, -1))
    check(network, 0 * x.reshape(1, -1))


def test_maps_without_zeros_fill_their_regions() -> None:
    """To the last word: one word less and the row does not fit."""
    made = build(8, (2, 6, 6), pes=3, group=1)
    made.density = 1.0
    made.conv(6, Source(layer=-1, kernel=(1, 1)), shape=(6, 6), activation="identity")
    made.flatten(2)
    network = made.network()
    x = np.full((1, network.n_in), 127)
    trace, _ = TimingModel(encode(network)).run(x)
    lengths = trace.events["length"]
    assert {int(n) for n in lengths[:-3, 2]} == {12}
    check(network, x)


def test_a_steal_in_every_cycle_of_a_job() -> None:
    """Long drains, longer than the work of the next row, of jobs of many lengths."""
    made = build(9, (1, 10, 12), pes=2, queue_depth=5)
    made.density = 0.4
    made.conv(12, Source(layer=-1, kernel=(1, 1)), shape=(10, 12))
    run(made)


def test_local_sources_in_groups_with_unequal_work() -> None:
    """A queue that is full in one group holds all of them; a multiplier of two."""
    made = build(10, (1, 9, 9), pes=6, group=2, queue_depth=4)
    made.density = 1.0
    made.conv(4, Source(layer=-1, kernel=(1, 1)), shape=(9, 9))
    source = Source(layer=0, kernel=(5, 5), pad=(2, 2), depthwise=True)
    made.conv(8, source, shape=(9, 9), local=True)
    made.mean()
    made.dense(3)
    network = made.network()
    words = TimingModel(encode(network)).maps
    assert [source["local"] for one in words for source in one.sources] == [0, 1, 1, 0]
    assert check(network, map_input(made.rng, network)).stalls > 0


def test_fewer_channels_than_groups_and_pes() -> None:
    made = build(11, (1, 5, 5), pes=9, group=2)
    made.conv(2, Source(layer=-1, kernel=(3, 3)), shape=(3, 3))
    run(made)


def test_units_that_do_not_exist_are_no_activations() -> None:
    """Three units of a PE take the places of four; those of others are fewer."""
    made = build(12, (2, 4, 4), pes=3, group=1)
    made.conv(8, Source(layer=-1, kernel=(3, 3), pad=(1, 1)), shape=(4, 4), activation="identity")
    run(made)


def test_sources_of_different_strides_identity_and_tiles() -> None:
    made = build(13, (3, 8, 8))
    first = made.conv(4, Source(layer=-1, kernel=(3, 3), pad=(1, 1)), shape=(8, 8))
    second = made.conv(
        4, Source(layer=first, kernel=(3, 3), stride=(2, 2), pad=(0, 0)), shape=(4, 4)
    )
    made.conv(
        4,
        Source(layer=second, kernel=(3, 3), pad=(1, 1)),
        Source(layer=first, kernel=(1, 1), stride=(2, 2)),
        Source(layer=second, kernel=(1, 1), depthwise=True),
        Source(layer=-1, kernel=(2, 2), stride=(2, 2)),
        shape=(4, 4),
    )
    assert run(made).maps.sources == 4


def test_equal_and_negative_values_in_a_window() -> None:
    for activation in ("relu", "identity"):
        made = build(14, (1, 6, 6))
        made.density = 0.0
        source = Source(layer=-1, kernel=(1, 1))
        made.conv(4, source, shape=(6, 6), pool=(2, 2), activation=activation)
        run(made)


def test_a_flat_layer_behind_phases() -> None:
    for phases in (2, 4):
        made = build(15, (2, 3, 8))
        made.conv(3, Source(layer=-1, kernel=(3, 3), pad=(1, 1)), shape=(3, 8), phases=phases)
        run(made)


@pytest.mark.parametrize("size", [(25, 5), (3, 3)])
def test_a_mean_of_many_places(size: tuple[int, int]) -> None:
    made = build(16, (2, *size))
    made.conv(6, Source(layer=-1, kernel=(1, 1)), shape=size)
    made.mean()
    made.dense(2)
    network = made.network()
    check(network, map_input(made.rng, network))


def test_fully_connected_networks_run_there_too() -> None:
    made = build(17, (20, 1, 1), pes=5)
    made.dense(13, "relu")
    made.dense(9, "relu")
    run(made)


def test_inferences_do_not_meet() -> None:
    made = build(18, (2, 7, 7))
    conv(made, 3)
    made.flatten(4)
    network = made.network()
    x = [map_input(made.rng, network) for _ in range(3)]
    model = TimingModel(encode(network))
    together = [outputs(model, network, one) for one in x]
    assert together == [outputs(TimingModel(encode(network)), network, one) for one in x]
