"""The configured stages: ranges, sets with a name, and how they are stored."""

import re
from typing import Any

import pytest

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.stages import RANGES, SETS, Stages


def test_every_stage_has_a_range() -> None:
    assert list(RANGES) == list(vars(Stages()))


@pytest.mark.parametrize("name", RANGES)
def test_ranges(name: str) -> None:
    low, high = RANGES[name]
    for value in (low, high):
        made = EngineConfig(queue_depth=64, stages={name: value})  # pyright: ignore[reportArgumentType]
        assert getattr(made.stages, name) == value
    for value in (low - 1, high + 1, 1.0, "1", None, True):
        text = f"stages: {name} must be an integer from {low} to {high}, not {value!r}"
        with pytest.raises(ElsieError, match=re.escape(text)):
            EngineConfig(queue_depth=64, stages={name: value})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("stages", "text"),
    [
        ("lang", "stages must be one of short, "),
        (3, "stages must be one of short, "),
        ({"drian": 1}, "no stages 'drian'; did you mean 'drain'?"),
        ({"zzzz": 1}, "no stages 'zzzz'"),
    ],
)
def test_what_is_no_set_of_stages(stages: Any, text: str) -> None:
    with pytest.raises(ElsieError) as caught:
        EngineConfig(stages=stages)
    assert str(caught.value).startswith(f"engine configuration: {text}")


@pytest.mark.parametrize("name", SETS)
def test_a_name_stands_for_a_set(name: str) -> None:
    config = EngineConfig(queue_depth=64, stages=name)  # pyright: ignore[reportArgumentType]
    assert config.stages == SETS[name]
    values = config.to_dict()
    assert values.get("stages", {}) == SETS[name].to_dict()
    assert EngineConfig.from_dict(values) == config
    assert hash(config) == hash(EngineConfig.from_dict(values))


def test_without_stages_nothing_is_stored() -> None:
    """So older NET files and new ones are alike."""
    assert "stages" not in EngineConfig().to_dict()
    assert EngineConfig().stages == Stages() == SETS["short"]
