"""What is asked for becomes numbers, or a sentence."""

from collections.abc import Callable
from typing import Any

import pytest

from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.structure.plan import Plan
from golden.errors import ArgumentError


def plan(model: Model, neurons: Any = None, rank: Any = None) -> Plan:
    return Plan.of(model, neurons=neurons, rank=rank)


def test_numbers(random_model: Callable[..., Model]) -> None:
    model = random_model(64, 128, 64, 10)
    assert plan(model) == Plan()
    assert plan(model, 0.25).neurons == {"fc0": 32, "fc1": 16}
    assert plan(model, {"fc1": 0.001}).neurons == {"fc1": 1}
    # The last layer only when it is named, or alone.
    assert plan(model, rank=16).ranks == {"fc0": 16, "fc1": 16}
    assert plan(model, rank=0.5).ranks == {"fc0": 21, "fc1": 21}
    assert plan(model, rank={"fc2": 3}).ranks == {"fc2": 3}
    assert plan(random_model(20, 20), rank=5).ranks == {"fc0": 5}
    # Ranks are of what is left.
    both = plan(model, 0.25, {"fc1": 0.5})
    assert both.ranks == {"fc1": 5}
    assert both.names(model) == ["fc0", "fc1.down", "fc1.up", "fc2"]
    # One rank for all is for those that it makes smaller.
    assert plan(random_model(64, 128, 8, 4), rank=16).ranks == {"fc0": 16}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"neurons": 0.0}, "neurons must be a share above 0 and at most 1"),
        ({"neurons": 1.5}, "neurons must be a share"),
        ({"neurons": float("nan")}, "neurons must be a share"),
        ({"neurons": {"fc1": "half"}}, "layer fc1: neurons must be a share"),
        ({"neurons": {"fc2": 0.5}}, "names layer 'fc2', but .* follow are fc0, fc1"),
        ({"rank": 0}, "rank must be an integer from 1"),
        ({"rank": 1.5}, "rank must be an integer from 1"),
        ({"rank": True}, "rank must be an integer from 1"),
        ({"rank": {"fc0": -1}}, "layer fc0: rank must be"),
        ({"rank": {"fc9": 2}}, "names layer 'fc9', but .* are fc0, fc1, fc2"),
        ({"rank": {"fc0": 6}}, "layer fc0: .* 108 weights, and it has 80 itself; use at most 4"),
        ({"rank": {"fc2": 2, "fc0": 1}}, "layer fc2: .* use at most 1"),
        ({"rank": 7}, "saves no weights in any fully connected layer"),
    ],
)
def test_refusals(random_model: Callable[..., Model], asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        plan(random_model(8, 10, 6, 3), **asked)


def test_cells_keep_their_units(digits) -> None:
    speech = load_onnx(digits.parent / "speech" / "speech.onnx")
    cells = speech.layers[0].name
    with pytest.raises(ArgumentError, match="no fully connected layer that another follows"):
        plan(speech, 0.5)
    with pytest.raises(ArgumentError, match=f"rank names layer '{cells}'"):
        plan(speech, rank={cells: 4})
