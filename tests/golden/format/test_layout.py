"""Bit fields: there and back, by hand, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import EntryMemory


@st.composite
def words(draw: st.DrawFn) -> tuple[layout.Layout, dict[str, np.ndarray]]:
    """A layout of up to 64 bits, and a few values for each field."""
    fields: layout.Layout = {}
    left = 64
    while left and len(fields) < 6:
        bits = draw(st.integers(1, min(left, 40)))
        fields[f"f{len(fields)}"] = (bits, draw(st.booleans()))
        left -= bits
        if draw(st.booleans()):
            break
    values = {}
    for name, (bits, signed) in fields.items():
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        picked = draw(st.lists(st.integers(low, high), min_size=3, max_size=3))
        values[name] = np.array(picked, dtype=np.int64)
    return fields, values


@given(words())
def test_there_and_back(case: tuple[layout.Layout, dict[str, np.ndarray]]) -> None:
    fields, values = case
    packed = layout.pack(fields, **values)
    assert packed.dtype == np.uint64
    back = layout.unpack(fields, packed)
    assert list(back) == list(fields)
    for name, value in values.items():
        assert np.array_equal(back[name], value)
    for nth, word in enumerate(packed):  # the same, bit by bit, in Python's integers
        expected, offset = 0, 0
        for name, (bits, _) in fields.items():
            expected |= (int(values[name][nth]) & ((1 << bits) - 1)) << offset
            offset += bits
        assert int(word) == expected


def test_the_first_field_is_at_the_bottom() -> None:
    fields = {"a": (3, False), "b": (4, True), "c": (1, False)}
    assert int(layout.pack(fields, a=5, b=-2, c=1)) == 0b1_1110_101
    assert layout.width(fields) == 8


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 8, "b": 0}, "field a: 8..8 not in 0..7"),
        ({"a": -1, "b": 0}, "field a: -1..-1 not in 0..7"),
        ({"a": 0, "b": [3, 8]}, "field b: 3..8 not in -8..7"),
        ({"a": 0, "b": -9}, "field b: -9..-9 not in -8..7"),
        ({"a": 0}, "fields"),
        ({"a": 0, "b": 0, "c": 0}, "fields"),
    ],
)
def test_what_does_not_fit_is_refused(value: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        layout.pack({"a": (3, False), "b": (4, True)}, **value)


def test_a_word_of_more_than_64_bits_is_a_python_integer() -> None:
    wide = {"a": (40, False), "b": (25, True), "c": (7, False)}
    packed = layout.pack(wide, a=[1, (1 << 40) - 1], b=[-1, 5], c=[127, 1])
    assert packed.tolist() == [
        1 | ((1 << 25) - 1) << 40 | 127 << 65,
        ((1 << 40) - 1) | 5 << 40 | 1 << 65,
    ]
    fields = layout.unpack(wide, packed)
    assert {name: values.tolist() for name, values in fields.items()} == {
        "a": [1, (1 << 40) - 1],
        "b": [-1, 5],
        "c": [127, 1],
    }


def test_fields_broadcast() -> None:
    packed = layout.pack({"a": (3, False), "b": (4, False)}, a=[1, 2], b=[[3], [4]])
    assert packed.tolist() == [[25, 26], [33, 34]]
    assert layout.pack({"a": (3, False)}, a=np.zeros(0, np.int64)).shape == (0,)


def test_words_of_an_engine() -> None:
    config = EngineConfig(entry_depth=300, column_depth=100, row_depth=10, act_depth=50)
    assert layout.entry(config) == {"code": (4, False), "run": (5, False)}
    assert layout.pointer(config) == {"start": (9, False), "count": (4, False)}
    assert layout.activation(config) == {"index": (6, False), "value": (16, True)}
    assert layout.descriptor(config) == {
        "column_base": (9, False),  # 100 pointers and 256 biases in one memory
        "bias_base": (9, False),
        "rows": (4, False),
        "shift": (5, False),
        "relu": (1, False),
        "last": (1, False),
    }
    assert layout.entry_word_width(config) == 9
    assert layout.column_word_width(config) == 32, "a bias is wider than two pointers"
    assert layout.column_word_width(config.replace(group=4)) == 4 * 13


def test_words_in_spram() -> None:
    config = EngineConfig(entry_memory=EntryMemory.SPRAM, run_width=3, entry_depth=1024)
    assert layout.entry_word_width(config) == 16, "two entries, however narrow"
    assert layout.pointer(config) == {"start": (9, False), "count": (6, False)}
