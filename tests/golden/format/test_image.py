"""The image: every layer read back from its words; refusals that name the layer."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format import csc, layout
from golden.format.address_map import layer_nonzeros
from golden.format.image import encode, unpack_layer
from golden.format.layer import locate, locate_inverse
from golden.format.network import Network
from tests.networks import random_network, small_config


@st.composite
def networks(draw: st.DrawFn) -> Network:
    sizes = draw(st.lists(st.integers(1, 20), min_size=2, max_size=4))
    memory = draw(st.sampled_from(["block", "spram"]))
    block = memory == "block"
    config = small_config(
        sizes,
        mac=draw(st.sampled_from(["codebook", "log"] + ["fixed"] * block)),
        pes=draw(st.integers(1, 9)),
        group=draw(st.integers(1, 4)) * (1 if block else 2),
        run_width=draw(st.integers(2, 5 if block else 4)),
        shift_low=draw(st.sampled_from([0, 8])),
        entry_memory=memory,
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random_network(rng, config, sizes, density=draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])))


@settings(max_examples=60)
@given(networks())
def test_every_layer_reads_back(network: Network) -> None:
    config, image = network.config, encode(network)
    words = layout.unpack(layout.descriptor(config), image.program)
    inputs = np.arange(network.n_in)
    bias_base = 0
    for number, layer in enumerate(network.layers):
        compressed, _ = unpack_layer(image, number)
        back, real = csc.decode(config, compressed)
        expected = layer_nonzeros(config, layer, inputs)
        keys = [
            sorted(zip(n.pe[m], n.column[m], n.row[m], n.code[m], strict=True))
            for n, m in ((back, real), (expected, np.ones(layer.nnz, dtype=bool)))
        ]
        assert keys[0] == keys[1]
        _, row = locate(config, layer.position)
        steps = (row.max() + 1) * config.group
        assert words["rows"][number] == row.max()
        assert words["bias_base"][number] == config.column_depth + bias_base
        assert words["shift"][number] + config.shift_low == layer.shift
        assert words["relu"][number] == (layer.activation == "relu")
        assert words["last"][number] == (number == len(network.layers) - 1)
        for j, position in enumerate(layer.position):
            group, index = position % config.groups, position // config.groups
            assert image.biases[group, bias_base + index] == layer.bias[j]
        if layer.codebook.size:
            base = number << config.code_width
            assert np.array_equal(image.codebook[base : base + layer.codebook.size], layer.codebook)
        bias_base += steps
        inputs = layer.position
    assert image.used["biases"] == bias_base
    pointers = layout.unpack(layout.pointer(config), image.pointers)
    assert not image.pointers[pointers["count"] == 0].any(), "empty columns are all zero"
    assert not image.program[len(network.layers) :].any()
    assert not image.entries[:, image.used["entries"] :].any()
    assert not image.pointers[:, image.used["pointers"] :].any()


def test_entries_lie_behind_those_of_the_layer_before() -> None:
    config = small_config([6, 6, 6], pes=2, group=1)
    image = encode(random_network(np.random.default_rng(1), config, [6, 6, 6], density=1.0))
    (one, first), (two, second) = unpack_layer(image, 0), unpack_layer(image, 1)
    assert first[:, 0].tolist() == [0, 0]
    assert second[:, 0].tolist() == one.per_pe.tolist()
    assert np.array_equal(np.diff(first), one.count[:, :-1]), "column by column, without gaps"
    assert image.used["entries"] == (one.per_pe + two.per_pe).max()


SPRAM: dict[str, Any] = {"entry_memory": "spram", "run_width": 4}


def test_in_spram_a_column_starts_with_a_word() -> None:
    config = small_config([6, 6, 6], pes=2, group=2, **SPRAM)
    image = encode(random_network(np.random.default_rng(1), config, [6, 6, 6], density=1.0))
    (one, first), (_, second) = unpack_layer(image, 0), unpack_layer(image, 1)
    assert one.count.tolist() == [[3] * 6] * 2
    assert first.tolist() == [[0, 4, 8, 12, 16, 20]] * 2
    assert second[:, 0].tolist() == [24, 24]
    pointers = layout.unpack(layout.pointer(config), image.pointers[:, :6])
    assert pointers["start"].tolist() == [[0, 2, 4, 6, 8, 10]] * 2
    assert not image.entries[:, 3:24:4].any(), "the free half of a column's last word"
    assert image.used["entries"] == 48


def test_words_in_spram_hold_two_entries() -> None:
    config = small_config([6, 6], mac="log", code_width=3, pes=3, group=2, **SPRAM)
    image = encode(random_network(np.random.default_rng(4), config, [6, 6], density=0.9))
    entries = [[int(word) for word in row] for row in image.entries]
    assert image.entry_words.tolist() == [
        [low | high << 8 for low, high in zip(row[::2], row[1::2], strict=True)] for row in entries
    ]
    block = small_config([6, 6], pes=3, group=2)
    image = encode(random_network(np.random.default_rng(4), block, [6, 6], density=0.9))
    assert np.array_equal(image.entry_words, image.entries)


def test_column_memory_has_the_groups_pointers_and_behind_them_its_biases() -> None:
    config = small_config([5, 6], pes=3, group=2, bias_depth=9, column_depth=11)
    image = encode(random_network(np.random.default_rng(5), config, [5, 6], density=0.9))
    bits = layout.width(layout.pointer(config))
    for group, pes in enumerate([(0, 1), (2,)]):
        words = image.column_words(group)
        assert len(words) == 11 + 4, "up to the last bias: two rows for each of two PEs"
        for address in range(11):
            pointers = [int(image.pointers[pe, address]) << bits * n for n, pe in enumerate(pes)]
            assert words[address] == sum(pointers)
        biases = [int(bias) % (1 << config.acc_width) for bias in image.biases[group, :4]]
        assert words[11:] == biases
    assert any(image.biases[0, :4] < 0)


def test_column_words_may_be_wider_than_64_bits() -> None:
    config = small_config([5, 16], pes=8, group=8, entry_depth=1 << 12)
    image = encode(random_network(np.random.default_rng(6), config, [5, 16], density=1.0))
    word, bits = image.column_words(0)[4], layout.width(layout.pointer(config))
    assert word >> 64
    assert [word >> bits * pe & ((1 << bits) - 1) for pe in range(8)] == [
        int(pointer) for pointer in image.pointers[:, 4]
    ]


def dense(config: EngineConfig) -> Network:
    return random_network(np.random.default_rng(2), config, [8, 8, 8], density=1.0)


def exact() -> EngineConfig:
    """No memory has a word more than the dense network needs."""
    config = small_config([8, 8, 8], pes=4, group=2)
    used = encode(dense(config)).used
    return config.replace(
        entry_depth=used["entries"],
        column_depth=used["pointers"],
        bias_depth=used["biases"],
        act_depth=4,
    )


def test_a_network_that_just_fits() -> None:
    encode(dense(exact()))


@pytest.mark.parametrize("name", ["entry_depth", "column_depth", "bias_depth"])
def test_too_large_names_layer_memory_and_sizes(name: str) -> None:
    config = exact()
    depth = getattr(config, name)
    text = f"layer layer1: it needs {name} {depth}, but the engine has {depth - 1}"
    with pytest.raises(ElsieError, match=f"{text}; lower the density or raise {name}"):
        encode(dense(config.replace(**{name: depth - 1})))


@pytest.mark.parametrize(("name", "first"), [("entry_depth", 1), ("column_depth", 7)])
def test_the_first_layer_may_be_the_one(name: str, first: int) -> None:
    with pytest.raises(ElsieError, match=f"layer layer0: it needs {name}"):
        encode(dense(exact().replace(**{name: first})))


def test_too_many_inputs() -> None:
    config = small_config([40, 8], pes=4, group=2, act_depth=19)
    network = random_network(np.random.default_rng(3), config, [40, 8])
    text = (
        "layer layer0: 40 inputs do not fit the activation memory (act_depth 19 x 2 groups); "
        "raise act_depth"
    )
    with pytest.raises(ElsieError, match=re.escape(text)):
        encode(network)
    encode(random_network(np.random.default_rng(3), config.replace(act_depth=20), [40, 8]))


def test_too_many_layers() -> None:
    config = exact().replace(layers=1)
    text = "network random has 2 layers, but the engine's layer program holds 1; raise layers"
    with pytest.raises(ElsieError, match=text):
        encode(dense(config))


@pytest.mark.parametrize(("pes", "group"), [(1, 1), (4, 4), (7, 2), (10, 4), (9, 64)])
def test_positions_and_places_are_one_to_one(pes: int, group: int) -> None:
    config: Any = EngineConfig(pes=pes, group=group, act_depth=4096, queue_depth=16)
    pe, row = (a.reshape(-1) for a in np.meshgrid(np.arange(pes), np.arange(8)))
    position = locate_inverse(config, pe, row)
    assert len(np.unique(position)) == pes * 8
    back = locate(config, position)
    assert np.array_equal(back[0], pe)
    assert np.array_equal(back[1], row)
