"""Coded layers: there and back for every alphabet and shape, small, quick, and refused if wrong."""

import dataclasses
import lzma
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.coding import layers, mask
from golden.coding.range_coder import Decoder, Encoder, fresh
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer, locate, place
from golden.kinds import MacKind
from tests.cells import cell_config, cell_layer
from tests.netfiles import older, packed
from tests.networks import random_layer, small_config


def same(layer: Layer, arrays: dict[str, Any]) -> bool:
    return all(
        arrays[name].dtype == np.int64 and np.array_equal(arrays[name], getattr(layer, name))
        for name in layers.ARRAYS
    )


def read(blob: bytes, layer: Layer, config: EngineConfig, size: int = 1) -> dict[str, Any]:
    shape = layers.Shape(
        height=layer.n_rows,
        width=layer.n_columns,
        outputs=layer.n_out,
        config=config,
        size=size,
    )
    return layers.decode(blob, shape)


def in_order(layer: Layer, config: EngineConfig) -> Layer:
    """Each PE's rows in the order of the matrix, as the compiler leaves them."""
    return dataclasses.replace(layer, position=place(config, locate(config, layer.position)[0]))


def both_ways(layer: Layer, config: EngineConfig) -> None:
    assert same(layer, read(layers.encode(layer, config), layer, config))
    by_lzma = packed(layer, config)
    assert by_lzma[0] == layers.LZMA
    assert same(layer, read(by_lzma, layer, config))
    ranged = bytes([layers.RANGE]) + layers._ranged(layer, config)
    assert same(layer, read(ranged, layer, config))
    assert layers.encode(layer, config) == min(ranged, by_lzma, key=len)
    assert same(layer, read(older(layer), layer, config))


@pytest.mark.parametrize("mac", [kind.value for kind in MacKind])
def test_every_alphabet(mac: str) -> None:
    @settings(max_examples=15)
    @given(
        st.integers(1, 24), st.integers(1, 24), st.floats(0, 1), st.integers(0, 9), st.booleans()
    )
    def check(n_in: int, n_out: int, density: float, seed: int, cells: bool) -> None:
        rng = np.random.default_rng(seed)
        if cells:
            config = cell_config(mac=mac)
            layer = cell_layer(rng, config, "lstm", n_in, n_out, density=density, peepholes=True)
        else:
            config = small_config([n_in, n_out], mac=mac)
            layer = random_layer(rng, config, rng.random((n_in, n_out)) < density, shift=4)
        both_ways(layer, config)
        both_ways(in_order(layer, config), config)

    check()


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), max_size=3000))
def test_the_range_coder_gives_back_what_it_got(bits: list[tuple[int, int]]) -> None:
    to, contexts = Encoder(), fresh(3)
    for bit, context in bits:
        to.bit(bit, contexts[context])
        to.even(bit, 1)
    source, contexts = Decoder(to.end()), fresh(3)
    assert [(source.bit(contexts[c]), source.even(1)) for _, c in bits] == [(b, b) for b, _ in bits]
    assert source.over


@pytest.mark.parametrize("bit", [0, 1])
def test_certain_bits_cost_nothing_and_surprises_are_survived(bit: int) -> None:
    """Counts are halved at their limit; neither may become impossible."""
    to, (context,) = Encoder(), fresh(1)
    given = [bit] * 20_000 + [1 - bit] * 50 + [bit] * 100
    for one in given:
        to.bit(one, context)
    blob = to.end()
    assert len(blob) < 100
    source, (context,) = Decoder(blob), fresh(1)
    assert [source.bit(context) for _ in given] == given


CONFIG = small_config([784, 300])


def uneven(rng: np.random.Generator) -> Layer:
    """300 x 784 at 5 %, as training leaves it: some inputs and neurons have much, some nothing."""
    shares = np.outer(np.clip(rng.normal(size=784), 0, None), rng.gamma(1, 1, 300))
    chosen = rng.random(shares.shape) < shares * 0.05 / shares.mean()
    return random_layer(rng, CONFIG, chosen, shift=4)


def test_a_large_layer_is_quick_and_beats_lzma_and_counting() -> None:
    layer = uneven(np.random.default_rng(1))
    began = time.process_time()
    blob = layers.encode(layer, CONFIG)
    assert same(layer, read(blob, layer, CONFIG))
    assert time.process_time() - began < 5, "two seconds were measured under load"
    assert blob[0] == layers.RANGE
    to = Encoder()
    mask.encode(to, layer.indptr, layer.rows, height=layer.n_rows)
    share = layer.nnz / (300 * 784)
    entropy = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
    assert len(to.end()) < 0.7 * entropy * 300 * 784 / 8


def test_larger_ones_go_to_lzma() -> None:
    rng = np.random.default_rng(2)
    chosen = rng.random((1024, 1024)) < 0.05
    config = small_config([1024, 1024])
    layer = random_layer(rng, config, chosen, shift=4)
    began = time.process_time()
    blob = layers.encode(layer, config)
    assert same(layer, read(blob, layer, config))
    assert time.process_time() - began < 5
    assert blob[0] == layers.LZMA


def test_damaged_bytes_are_refused_or_give_a_layer_of_the_same_shape() -> None:
    """Without a checksum nothing else can be known of them."""
    rng = np.random.default_rng(3)
    config = cell_config(mac="codebook")
    layer = cell_layer(rng, config, "lstm", 7, 5, peepholes=True)
    refused = 0
    for good in (layers.encode(layer, config), older(layer), packed(layer, config)):
        for at in range(1, len(good)):
            bad = bytearray(good)
            bad[at] ^= 1 << int(rng.integers(8))
            try:
                found = read(bytes(bad), layer, config, size=len(bad))
            except (ElsieError, lzma.LZMAError):
                refused += 1
                continue
            assert found["indptr"].shape == layer.indptr.shape
            assert found["rows"].shape == found["codes"].shape or good[0] == layers.LZMA
    assert refused > 100


def test_memory_is_refused_before_it_is_taken() -> None:
    layer = uneven(np.random.default_rng(4))
    bomb = bytes([layers.LZMA]) + (1 << 40).to_bytes(8, "little") + b"x"
    with pytest.raises(ElsieError, match="its weights would take"):
        read(bomb, layer, CONFIG)


def test_what_is_alike_costs_little() -> None:
    """Biases in large steps, and rows in order: their numbers are not stored one by one."""
    layer = uneven(np.random.default_rng(6))
    rounded = dataclasses.replace(layer, bias=layer.bias >> 6 << 6)
    assert layer.bias.any()
    size, rough, ordered = (
        len(layers._ranged(one, CONFIG)) for one in (layer, rounded, in_order(layer, CONFIG))
    )
    assert rough < size - 300 * 5 / 8
    assert ordered < size - 300 * 4 / 8
