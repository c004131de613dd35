"""Every reader on damaged files: hundreds of each here, thousands in the long tier."""

from pathlib import Path

import pytest

from tests.fuzz import isolated
from tests.fuzz.registry import TARGETS, find


def check(name: str, seeds: range, folder: Path) -> str:
    """No failure, and both verdicts are seen; the counts as a line."""
    result = isolated.hunt(name, seeds, folder)
    counts, line = result["counts"], isolated.report([(name, result)])
    assert not result["found"], line
    assert counts["right"] > 0, line
    assert counts["refused"] > 0, line
    assert sum(counts.values()) == len(seeds)
    return line.splitlines()[0]


@pytest.mark.parametrize("name", TARGETS)
def test_right_or_refused(name: str, tmp_path: Path) -> None:
    check(name, range(find(name).suite), tmp_path)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", TARGETS)
def test_right_or_refused_by_the_thousand(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = 10_000
    line = check(name, range(first, first + find(name).long), tmp_path)
    with capsys.disabled():
        print(f"\n{line}")


def test_how_many() -> None:
    """In the long tier, all together."""
    assert sum(find(name).long for name in TARGETS) >= 20_000


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_right(name: str, tmp_path: Path) -> None:
    """Undamaged files are taken, and seeds give the same inputs every time."""
    from tests.fuzz.hunt import cook, recipe_of
    from tests.fuzz.target import judge

    target = find(name)
    for number, seed in enumerate(target.seeds()):
        path = tmp_path / f"{number}{target.suffix}"
        path.write_bytes(seed)
        assert judge(target, path) == "right", number
    inputs = [cook(target, recipe_of(target, seed)) for seed in range(40)]
    assert inputs == [cook(target, recipe_of(target, seed)) for seed in range(40)]
    assert len(set(inputs)) > 30
