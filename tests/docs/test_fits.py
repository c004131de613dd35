"""The table of docs/bring-your-network.md: the largest network of one shape that a board holds."""

import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from boards.registry import find
from elsie.compress.compiler import compile_model
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.quantise.kinds import with_weights
from golden.errors import ElsieError
from golden.kinds import EntryMemory
from tests.docs.blocks import PAGE

STEP = 8


class Row(NamedTuple):
    """A row's board and options, and the widths and weights of two networks."""

    board: str
    options: str
    dense: int
    dense_weights: int
    sparse: int
    sparse_weights: int


def rows() -> list[Row]:
    row = r"^\| `--board ([\w-]+)(.*?)` \| (\d+) \| ([\d,]+) \| (\d+) \| ([\d,]+) \|$"
    found = re.findall(row, PAGE.read_text(), re.M)
    return [Row(*one[:2], *(int(v.replace(",", "")) for v in one[2:])) for one in found]


def weights(row: Row, hidden: int, density: float) -> int:
    """Compile a network 64-H-H-10 and count its weights; 0 if the board is too small."""
    random, layers = np.random.default_rng(hidden), []
    widths = (64, hidden, hidden, 10)
    for number in range(3):
        shape = (widths[number + 1], widths[number])
        layers.append(
            FloatDense(
                name=f"fc{number}",
                weight=random.normal(size=shape),
                bias=random.normal(size=shape[0]),
                activation="identity" if number == 2 else "relu",
            )
        )
    preset = find(row.board).preset
    base = preset.base
    if "spram" in row.options:
        base = replace(base, entry_memory=EntryMemory.SPRAM, run_width=4)
    try:
        network = compile_model(
            Model(name="random", layers=tuple(layers)),
            random.normal(size=(60, 64)),
            config=with_weights(base, "codebook"),
            options=CompileOptions(preset=preset, density=density, effort="none", strategy="lpt"),
        )
    except ElsieError:  # the counts show that nothing else was wrong
        return 0
    return sum(layer.nnz for layer in network.layers)


def holds(row: Row) -> bool:
    """The row's networks fit, have as many weights, and the next larger ones do not fit."""
    cases = ((row.dense, row.dense_weights, 1.0), (row.sparse, row.sparse_weights, 0.1))
    for hidden, count, density in cases:
        assert weights(row, hidden, density) == count
        assert not weights(row, hidden + STEP, density)
    return True


def test_a_row() -> None:
    assert holds(rows()[0])


@pytest.mark.long
def test_all_rows() -> None:
    assert len(rows()) > 2
    assert all(holds(row) for row in rows())
