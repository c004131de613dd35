"""The worked example of docs/format.md: the encoder still makes it, and a reader by hand agrees."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docs.vectors.make import FIRST, HERE, SECOND, vectors

STORED = json.loads((Path(HERE) / "format.json").read_text())


def test_the_encoder_makes_the_stored_vectors() -> None:
    made = vectors()
    # Not the whole: to show how two long texts differ would take pytest minutes.
    assert [key for key in {**made, **STORED} if made.get(key) != STORED.get(key)] == []


def fields(word: int, *widths: int) -> list[int]:
    """Bit fields, the lowest first; nothing may be left."""
    values = []
    for width in widths:
        values.append(word & ((1 << width) - 1))
        word >>= width
    assert word == 0
    return values


CODE_WIDTH = {"block": 4, "spram": 4, "ternary": 1}


def entries(words: list[int], start: int, count: int, *, engine: str) -> list[list[int]]:
    """Code and run of a column's entries."""
    if engine != "spram":  # a word is an entry: the code and 2 bits of run
        return [fields(word, CODE_WIDTH[engine], 2) for word in words[start : start + count]]
    halves = [half for word in words[start:] for half in fields(word, 8, 8)]
    return [fields(half, 4, 2) for half in halves[:count]]


def matrix(image: dict[str, Any], base: int, columns: list[int], n_out: int, *, engine: str):
    """A layer's codes by row and input, and its padding entries; `columns` are the inputs' places.

    Rows were dealt to the PEs in turn. A start has 5 bits, 4 in SPRAM; a count 3.
    """
    start_width = 4 if engine == "spram" else 5
    found: list[list[int | None]] = [[None] * len(columns) for _ in range(n_out)]
    padding = 0
    for pe in range(3):
        group, slot = divmod(pe, 2)
        for j, column in enumerate(columns):
            word = image["columns"][group][base + column] >> slot * (start_width + 3)
            start, count = fields(word & ((1 << start_width + 3) - 1), start_width, 3)
            row = 0
            for code, run in entries(image["entries"][pe], start, count, engine=engine):
                row += run
                if run == 3:  # padding: all ones in 2 bits
                    assert code == 0
                    padding += 1
                    continue
                found[row * 3 + pe][j] = code
                row += 1
    return found, padding


def place(row: int) -> int:
    """Position of a row that was dealt in turn to 3 PEs in groups of 2."""
    pe, local = row % 3, row // 3
    return (local * 2 + pe % 2) * 2 + pe // 2


@pytest.mark.parametrize("engine", CODE_WIDTH)
def test_a_reader_written_from_the_page_finds_the_network(engine: str) -> None:
    """Bit fields by hand, as docs/format.md gives them."""
    image, top = STORED[engine], 1 << CODE_WIDTH[engine]
    layers = (
        (FIRST, list(range(4)), 0, 24, 4, 1, 0),
        (SECOND, [place(row) for row in range(10)], 4, 32, 1, 0, 1),
    )
    padding = []
    for number, (table, columns, base, bias, rows, relu, last) in enumerate(layers):
        # 48 words of pointers and biases: 6 bits. Shift 5 above the least, 4.
        word = fields(image["program"][number], 6, 6, 2, 2, 1, 1)
        assert word == [base, bias, rows - 1, 5 - 4, relu, last]
        found, padded = matrix(image, base, columns, len(table), engine=engine)
        assert found == [[None if c is None else c % top for c in row] for row in table]
        padding.append(padded)
        for row in range(len(table)):
            group, index = place(row) % 2, place(row) // 2
            assert image["columns"][group][bias + index] == (10 * row - 20) % (1 << 20)
    assert padding == [1, 0]
    book = [5 * code % 256 for code in range(-8, 8)]
    assert image["codebook"] == ([] if engine == "ternary" else book * 2)


def test_the_second_layers_columns_are_the_first_ones_rows() -> None:
    assert np.shape(FIRST) == (10, 4)
    assert np.shape(SECOND) == (2, 10)
