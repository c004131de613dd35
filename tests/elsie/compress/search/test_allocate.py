"""Sharing bits among layers: never more than allowed, and the best there is."""

import itertools

import numpy as np
import pytest

from elsie.compress.search.allocate import Entry, Path
from elsie.compress.search.sensitivity import Curve
from golden.config import EngineConfig
from golden.format import csc

ENTRY = Entry(code=4, run=7, pes=1)


def curve(name: str, size: int, errors: list[float]) -> Curve:
    densities = np.array([0.5**n for n in range(len(errors))])
    return Curve(name=name, size=size, outputs=64, densities=densities, errors=np.array(errors))


CURVES = [
    curve("a", 1000, [0.0, 0.02, 0.05, 0.3]),
    curve("b", 300, [0.0, 0.01, 0.09, 0.2]),
    curve("c", 5000, [0.0, 0.001, 0.02, 0.8]),
]


def test_no_other_choice_of_densities_is_better() -> None:
    """Of all combinations of points, none that takes as much has less error."""
    path = Path(CURVES, ENTRY)
    for chosen in itertools.product(range(4), repeat=3):
        pairs = list(zip(CURVES, chosen, strict=True))
        bits = sum(ENTRY.bits(one, float(one.densities[n])) for one, n in pairs)
        error = sum(float(one.errors[n]) for one, n in pairs)
        share = path.at(bits)
        assert share.bits <= bits * (1 + 1e-12)
        assert share.error <= error + 1e-12


def test_its_ends_and_between() -> None:
    path = Path(CURVES, ENTRY)
    assert path.at(0).densities == {"a": 0.125, "b": 0.125, "c": 0.125}
    assert path.at(float("inf")).densities == pytest.approx({"a": 1.0, "b": 1.0, "c": 1.0})
    assert path.at(float("inf")).error == pytest.approx(0.0)
    shares = [path.at(bits) for bits in np.linspace(path.at(0).bits, 70_000, 40)]
    for one, other in itertools.pairwise(shares):
        assert other.error <= one.error
        assert all(other.densities[name] >= one.densities[name] for name in "abc")


def test_a_layer_that_loses_more_gets_more() -> None:
    same = [0.0, 0.1, 0.3, 0.7]
    twice = [2 * error for error in same]
    share = Path([curve("a", 1000, same), curve("b", 1000, twice)], ENTRY).at(12_000)
    assert share.densities["b"] > share.densities["a"]


@pytest.mark.parametrize(("density", "run"), [(0.3, 2), (0.1, 3), (0.03, 3), (0.03, 5)])
def test_bits_of_entries_with_padding(density: float, run: int) -> None:
    """Of a random matrix on 4 PEs, to 4 %."""
    random = np.random.default_rng(1)
    outputs, columns, pes = 128, 2000, 4
    row, column = np.nonzero(random.random((outputs, columns)) < density)
    nonzeros = csc.Nonzeros(
        pe=row % pes, row=row // pes, column=column, code=np.zeros(len(row), dtype=np.int64)
    )
    gaps = csc.gaps(EngineConfig(pes=pes, group=1), nonzeros, columns=columns)
    wide = Curve(
        name="w",
        size=outputs * columns,
        outputs=outputs,
        densities=np.ones(1),
        errors=np.zeros(1),
    )
    real = int(gaps.count(run).sum()) * (4 + run)
    assert Entry(code=4, run=run, pes=pes).bits(wide, density) == pytest.approx(real, rel=0.04)
