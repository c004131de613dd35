"""Coded layers: there and back for every alphabet and shape, small, quick, and refused if wrong."""

import lzma
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.coding import layers, mask
from golden.coding.range_coder import Decoder, Encoder, fresh
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.kinds import MacKind
from tests.cells import cell_config, cell_layer
from tests.networks import random_layer, small_config


def same(layer: Layer, arrays: dict[str, Any]) -> bool:
    return all(
        arrays[name].dtype == np.int64 and np.array_equal(arrays[name], getattr(layer, name))
        for name in layers.ARRAYS
    )


def read(blob: bytes, layer: Layer, size: int = 1) -> dict[str, Any]:
    return layers.decode(blob, height=layer.n_rows, width=layer.n_columns, size=size)


def both_ways(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert same(layer, read(layers.encode(layer), layer))
    with monkeypatch.context() as patch:
        patch.setattr(layers, "MOST", 0)
        packed = layers.encode(layer)
    assert packed[0] == layers.LZMA
    assert same(layer, read(packed, layer))
    ranged = bytes([layers.RANGE]) + layers._ranged(layer)
    assert same(layer, read(ranged, layer))
    assert layers.encode(layer) == min(ranged, packed, key=len)


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
        with pytest.MonkeyPatch.context() as patch:
            both_ways(layer, patch)

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


def uneven(rng: np.random.Generator) -> Layer:
    """300 x 784 at 5 %, as training leaves it: some inputs and neurons have much, some nothing."""
    shares = np.outer(np.clip(rng.normal(size=784), 0, None), rng.gamma(1, 1, 300))
    chosen = rng.random(shares.shape) < shares * 0.05 / shares.mean()
    return random_layer(rng, small_config([784, 300]), chosen, shift=4)


def test_a_large_layer_is_quick_and_beats_lzma_and_counting() -> None:
    layer = uneven(np.random.default_rng(1))
    began = time.process_time()
    blob = layers.encode(layer)
    assert same(layer, read(blob, layer))
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
    layer = random_layer(rng, small_config([1024, 1024]), chosen, shift=4)
    began = time.process_time()
    blob = layers.encode(layer)
    assert same(layer, read(blob, layer))
    assert time.process_time() - began < 5
    assert blob[0] == layers.LZMA


def test_damaged_bytes_are_refused_or_give_a_layer_of_the_same_shape() -> None:
    """Without a checksum nothing else can be known of them."""
    rng = np.random.default_rng(3)
    config = cell_config(mac="codebook")
    layer = cell_layer(rng, config, "lstm", 7, 5, peepholes=True)
    refused = 0
    with pytest.MonkeyPatch.context() as patch:
        for most in (layers.MOST, 0):
            patch.setattr(layers, "MOST", most)
            good = layers.encode(layer)
            patch.undo()
            for place in range(1, len(good)):
                bad = bytearray(good)
                bad[place] ^= 1 << int(rng.integers(8))
                try:
                    found = read(bytes(bad), layer, size=len(bad))
                except (ElsieError, lzma.LZMAError):
                    refused += 1
                    continue
                assert found["indptr"].shape == layer.indptr.shape
                assert found["rows"].shape == found["codes"].shape or most == 0
    assert refused > 100


def test_memory_is_refused_before_it_is_taken() -> None:
    layer = uneven(np.random.default_rng(4))
    bomb = bytes([layers.LZMA]) + (1 << 40).to_bytes(8, "little") + b"x"
    with pytest.raises(ElsieError, match="its weights would take"):
        read(bomb, layer)
