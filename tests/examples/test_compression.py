"""The table of compression: its quick form, what makes a bar fail, and the rows that are kept."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from examples.compression import __main__ as table
from examples.compression.bars import BARS, QUICK, Bar


def numbers(capsys: pytest.CaptureFixture) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_quick_form_holds_and_can_fail(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert table.main(["--quick", "--json"]) == 0
    values = numbers(capsys)
    assert [bar["held"] for bar in values["bars"]] == [True] * len(QUICK)
    assert len(values["rows"]) == 2, "two bars share a row"
    assert set(values["rows"][0]) == {
        *("model", "method", "alphabet", "density", "accuracy_float", "accuracy_golden"),
        *("file_bytes", "onchip_bits", "ratio_file", "ratio_onchip", "cycles", "rtl_equal"),
        *("seed", "seconds"),
    }
    rounded = dataclasses.replace(QUICK[0], recipe=table_recipe("none"))
    monkeypatch.setattr(table, "QUICK", (rounded,))
    assert table.main(["--quick", "--json"]) == 1
    assert numbers(capsys)["bars"][0]["reached"] < 80


def table_recipe(effort: str) -> Any:
    from elsie.bench.compression.recipes import compiled, engine

    return compiled("codebook:4", 0.15, effort, base=engine(4))


ROW = {
    **{"accuracy_float": 98.0, "accuracy_golden": 97.5, "ratio_file": 30.0, "ratio_onchip": 10.0},
    **{"seconds": 2.0, "rtl_equal": True},
}


@pytest.mark.parametrize(
    ("figure", "ask", "lost", "held"),
    [
        ("accuracy_golden", 97.5, None, True),
        ("accuracy_golden", 97.6, None, False),
        ("lost", 0.5, None, True),
        ("lost", 0.4, None, False),
        ("ratio_file", 30, 0.5, True),
        ("ratio_file", 30, 0.4, False),
        ("ratio_file", 31, 0.5, False),
        ("seconds", 2, None, True),
        ("seconds", 1.9, None, False),
    ],
)
def test_when_a_bar_holds(figure: str, ask: float, lost: float | None, held: bool) -> None:
    bar = dataclasses.replace(BARS[0], figure=figure, ask=ask, lost=lost)
    better = {**ROW, "accuracy_golden": 97.6, "ratio_file": 32.0, "seconds": 1.0}
    worse = {**ROW, "accuracy_golden": 97.4, "ratio_file": 28.0, "seconds": 3.0}
    result = bar.reached([better, worse])
    assert result["held"] is held
    assert result["lost"] == pytest.approx(0.5)
    assert result["spread"] > 0


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> tuple[Bar, ...]:
    """Two bars of one recipe, and one of another, on a single network."""
    chosen = (BARS[9], dataclasses.replace(BARS[9], figure="seconds", ask=5.0), BARS[0])
    other = dataclasses.replace(chosen[2], networks=chosen[0].networks, ask=97.0)
    monkeypatch.setattr(table, "BARS", (*chosen[:2], other))
    return table.BARS


def test_rows_are_made_once_and_kept(
    bars: tuple[Bar, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def row(case: Any, recipe: Any, *, rtl: bool) -> dict[str, Any]:
        made.append((recipe.alphabet, rtl))
        if len(made) == 2:
            raise KeyboardInterrupt
        return {**ROW, "model": case.name}

    monkeypatch.setattr(table, "row", row)
    with pytest.raises(KeyboardInterrupt):
        table.main(["--json", "--build", str(tmp_path)])
    assert table.main(["--json", "--build", str(tmp_path)]) == 0
    assert made == [("log:4", True), ("codebook:4", True), ("codebook:4", True)]
    assert table.main(["--json", "--build", str(tmp_path)]) == 0
    assert len(made) == 3
    assert len(numbers_of_last(capsys)["rows"]) == 2


def numbers_of_last(capsys: pytest.CaptureFixture) -> Any:
    return json.loads("{" + capsys.readouterr().out.rpartition("\n{")[2])


def test_rtl_that_differs_fails(
    bars: tuple[Bar, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "row", lambda case, recipe, rtl: {**ROW, "rtl_equal": False})
    assert table.main(["--json", "--build", str(tmp_path)]) == 1


@pytest.mark.long
@pytest.mark.timeout(36_000)
def test_the_table() -> None:
    """All bars, over five networks; rows that build/compression has are not made again."""
    assert table.main([]) == 0
