"""Targets of every kind: classes, labels, values, and those that say nothing."""

import dataclasses

import numpy as np
import pytest

from elsie.compress.scores import Score, has_classes, score_for
from golden.errors import ElsieError
from golden.format.network import Network
from tests.networks import random_network, small_config
from tests.reports import report_of

RNG = np.random.default_rng(1)


def network(n_in: int, n_out: int, *, activation: str = "identity") -> Network:
    made = random_network(RNG, small_config([n_in, n_out]), [n_in, n_out])
    last = dataclasses.replace(made.layers[0], activation=activation)
    found = dataclasses.replace(made)
    object.__setattr__(found, "layers", (last,))  # an engine without functions is enough here
    return found


def scored(made: Network, y: object, outputs: object) -> tuple[Score, dict[str, float]]:
    out = np.asarray(outputs, dtype=float)
    given: list[int] = y  # pyright: ignore[reportAssignmentType]
    score = score_for(made, given, samples=len(out), what="y", outputs=out)
    assert score is not None
    return score, score.figures(out)


def figures(made: Network, y: object, outputs: object) -> dict[str, float]:
    return scored(made, y, outputs)[1]


OUT = [[0.1, 0.9, 0.2], [2.0, -1.0, 0.0], [-3.0, -2.0, -1.0]]


@pytest.mark.parametrize(
    "y",
    [
        [1, 0, 1],
        np.array([1, 0, 1], dtype=np.uint8),
        [[0, 1, 0], [1, 0, 0], [0, 1, 0]],
        np.eye(3)[[1, 0, 1]],
    ],
)
def test_classes_as_numbers_or_one_hot(y: object) -> None:
    assert figures(network(5, 3), y, OUT) == {"accuracy": 66.667}


def test_labels_are_what_exceeds_the_threshold() -> None:
    """0 for logits, a half behind a sigmoid."""
    y = [[1, 1, 1], [1, 0, 0], [0, 0, 1]]
    assert figures(network(5, 3), y, OUT) == {"exact_match": 66.667, "label_accuracy": 88.889}
    y = [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
    made = network(5, 3, activation="sigmoid")
    assert figures(made, y, [[0.4, 0.9, 0.2], [0.7, 0.1, 0.4], [0.1, 0.2, 0.3]]) == {
        "exact_match": 66.667,
        "label_accuracy": 88.889,
    }


def test_values() -> None:
    """R2 of each output that varies, their mean; one output takes them in one column or none."""
    y = np.array([1.0, 2.0, 4.0])
    error = np.array([0.1, -0.2, 0.3])
    expected = 1 - (error**2).sum() / ((y - y.mean()) ** 2).sum()
    for given in (y, y[:, None]):
        found = figures(network(5, 1), given, (y + error)[:, None])
        assert found["r2"] == pytest.approx(expected, abs=1e-5)
        assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
    two = np.stack([y, np.ones(3)], axis=1)
    found = figures(network(5, 2), two, two + error[:, None])
    assert found["r2"] == pytest.approx(expected, abs=1e-5)
    assert list(figures(network(5, 1), [3.0, 3.0], [[3.0], [4.0]])) == ["rmse"]


def test_one_output_is_a_class_only_behind_a_sigmoid() -> None:
    out = [[0.2], [0.7], [0.6]]
    assert figures(network(5, 1, activation="sigmoid"), [0, 1, 0], out) == {"accuracy": 66.667}
    assert list(figures(network(5, 1), [0, 1, 0], out)) == ["r2", "rmse"]
    assert list(figures(network(5, 1, activation="sigmoid"), [0, 3, 0], out)) == ["r2", "rmse"]


@pytest.mark.parametrize("spread", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_one_output_without_a_sigmoid_is_a_logit_or_a_value(spread: float, share: float) -> None:
    """Whichever of the two is right for targets drawn from it, sure ones and unsure ones."""
    rng = np.random.default_rng(5)
    logits = rng.normal(np.log(share / (1 - share)), spread, size=(2000, 1))
    chances = 1 / (1 + np.exp(-logits))
    y = (rng.random((2000, 1)) < chances).astype(int)
    score, found = scored(network(5, 1), y[:, 0], logits)
    assert found == {"accuracy": round(100 * float(np.mean((logits > 0) == y)), 3)}
    assert score.kind == "classes"
    assert "class 1 is an output above 0" in str(score.note)
    score, found = scored(network(5, 1), y[:, 0], chances)
    assert list(found) == ["r2", "rmse"]
    assert (score.kind, score.note) == ("values", None)


def test_the_model_and_the_labels_say_what_outputs_are() -> None:
    made = network(5, 3)
    for outputs, figures, expected in (
        ("classes", {}, True),
        (None, {"accuracy": {}}, True),
        (None, {"exact_match": {}, "label_accuracy": {}}, False),
        ("classes", {"rmse": {}}, False),
        (None, {}, True),
    ):
        told = dataclasses.replace(report_of(made), outputs=outputs, figures=figures)
        assert has_classes(dataclasses.replace(made, report=told)) is expected
    assert has_classes(made)
    same = network(6, 6)
    same = dataclasses.replace(same, report=dataclasses.replace(report_of(same), outputs="classes"))
    assert has_classes(same)
    assert not has_classes(network(6, 6))


def test_targets_that_say_nothing() -> None:
    assert score_for(network(6, 6), [0, 1, 0], samples=3, what="y") is None
    assert score_for(network(6, 6), [0, 5, 0], samples=3, what="y") is not None
    assert [has_classes(network(*shape)) for shape in ((6, 6), (6, 1), (6, 2))] == [
        *(False, False, True),
    ]


@pytest.mark.parametrize(
    ("y", "text"),
    [
        ([0, 1], "labels y must be 3 integer class numbers"),
        (["a", "b", "c"], "labels y must be 3 integer class numbers"),
        (np.zeros((3, 2, 2)), "labels y must be 3 integer class numbers"),
        ([0, 1, 3], r"labels y are 0\.\.3, but network .* has classes 0\.\.2"),
        ([0, -1, 2], r"labels y are -1\.\.2"),
        ([0.5, 1.0, 2.0], "not float64, or targets of"),
        (np.zeros((3, 2)), "has 3 outputs; give one class number"),
        (np.full((3, 3), np.nan), "NaN or infinite"),
    ],
)
def test_targets_that_do_not_fit(y: object, text: str) -> None:
    with pytest.raises(ElsieError, match=f"t.npz: .*{text}"):
        score_for(network(5, 3), y, samples=3, what="t.npz")  # pyright: ignore[reportArgumentType]
