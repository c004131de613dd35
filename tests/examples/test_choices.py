"""Settings are compared on held-out training data; the test data take no part."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elsie.bench.compression.recipes import compiled
from examples.compression import choices, held_out
from examples.compression.kept import told
from examples.compression.recipes import (
    CHIP_ICEBREAKER,
    CHIP_ULX3S,
    CHOICES,
    ENGINE,
    FILES,
)
from examples.digits.mlp import Mlp
from examples.parts import Part, joined, shifted


def part(count: int, seed: int, side: int = 8) -> Part:
    """Two classes, told by which half of the image is light."""
    random = np.random.default_rng(seed)
    y = np.arange(count) % 2
    x = random.random((count, side * side)) / 4
    x[y == 1, side * side // 2 :] += 0.5
    return Part(x=x.astype(np.float32), y=y)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    names = ("train", "validation", "calibration", "test")
    found = {name: part(count, count) for name, count in zip(names, (61, 30, 40, 20), strict=True)}
    found["test"] = Part(x=np.full((20, 64), np.nan, np.float32), y=found["test"].y)

    def dense(learn: Part, seed: int) -> Mlp:
        net = Mlp((64, 8, 2), seed=seed)
        net.train(learn, epochs=2, rate=1e-2, decay=0.0)
        return net

    monkeypatch.setattr(held_out, "splits", lambda: found)
    monkeypatch.setattr(held_out, "lenet_splits", lambda: found)
    monkeypatch.setattr("examples.digits.train.dense", dense)
    monkeypatch.setattr("examples.lenet.train.trained", dense)
    return found


def rows(x: Any) -> list[bytes]:
    return [row.tobytes() for row in np.asarray(x, dtype=np.float32)]


def test_folds_of_digits(parts: dict[str, Part], tmp_path: Path) -> None:
    cases = held_out.held_out("digits", tmp_path, 9)
    assert len(cases) == held_out.FOLDS
    judged = [one for case in cases for one in rows(case.test.x)]
    whole = joined(parts["train"], parts["validation"])
    assert sorted(judged) == sorted(rows(whole.x)), "each sample is held out once"
    for case in cases:
        assert case.lesson is not None
        learnt = rows(case.lesson.x)
        assert not set(learnt) & set(rows(case.test.x))
        assert len(learnt) == 5 * (len(whole.x) - len(rows(case.test.x)))
        assert rows(case.calibrate.x) == rows(parts["calibration"].x)
    again = held_out.held_out("digits", tmp_path, 2)
    assert [case.name for case in again] == ["digits-0", "digits-1"]
    assert np.array_equal(again[0].model.predict(whole.x), cases[0].model.predict(whole.x))


def test_lenet_is_judged_by_the_validation_part(parts: dict[str, Part], tmp_path: Path) -> None:
    (case,) = held_out.held_out("lenet", tmp_path, 1)
    assert case.lesson is not None
    assert rows(case.lesson.x) == rows(shifted(parts["train"]).x)
    assert rows(case.test.x) == rows(parts["validation"].x)


def test_a_row_for_each_setting(
    parts: dict[str, Part],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipes = [compiled("codebook:4", one, "fast", base=ENGINE) for one in (0.15, 0.5)]
    two = dataclasses.replace(CHOICES[0], recipes=tuple(recipes))
    monkeypatch.setattr(choices, "CHOICES", (two,))
    options = ["--networks", "2", "--build", str(tmp_path)]
    assert choices.main([*options, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["choices"]
    assert [row["density"] for row in found["settings"]] == [0.15, 0.5]
    for row in found["settings"]:
        assert row["networks"] == 2
        assert 0 <= row["accuracy_golden"] <= 100
        assert row["ratio_file"] > 1

    def again(*_: Any, **__: Any) -> None:
        raise AssertionError("a finished row is not made again")

    monkeypatch.setattr(choices, "row", again)
    assert choices.main(options) == 0
    assert "codebook:4" in capsys.readouterr().out
    assert choices.main(["--only", "nothing"]) == 0


def test_what_was_chosen_was_compared() -> None:
    compared = {told(recipe) for choice in CHOICES for recipe in choice.recipes}
    assert compared >= {told(one) for one in (*FILES.values(), CHIP_ICEBREAKER)}
    same = dataclasses.replace(CHIP_ULX3S, engine=CHIP_ICEBREAKER.engine)
    assert told(same) == told(CHIP_ICEBREAKER), "one setting for both boards"
    assert {choice.networks for choice in CHOICES} <= set(held_out.SETS)


def test_means_and_spread() -> None:
    same = {"cycles": 1.0, "seconds": 1.0}
    sizes = ({"ratio_file": 10.0, "ratio_onchip": 5.0}, {"ratio_file": 20.0, "ratio_onchip": 7.0})
    accuracies = ((98.0, 97.0), (99.0, 99.0))
    found = choices.mean(
        CHOICES[0].recipes[0],
        [
            {**same, **size, "accuracy_float": given, "accuracy_golden": golden}
            for size, (given, golden) in zip(sizes, accuracies, strict=True)
        ],
    )
    figures = {name: found[name] for name in ("accuracy_golden", "lost", "spread", "ratio_file")}
    assert figures == {"accuracy_golden": 98.0, "lost": 0.5, "spread": 0.5, "ratio_file": 15.0}
