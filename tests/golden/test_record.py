"""Records and their JSON: what is written is read again, and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from golden.errors import ElsieError
from golden.record import Record


@dataclass(frozen=True, kw_only=True)
class Part(Record):
    count: int
    share: float | None


@dataclass(frozen=True, kw_only=True)
class Whole(Record):
    name: str
    sure: bool
    parts: tuple[Part, ...]
    named: Mapping[str, Part]
    fracs: int | list[int]
    counts: dict[str, int]
    note: str | None = None


WHOLE = Whole(
    name="w",
    sure=True,
    parts=(Part(count=1, share=None), Part(count=2, share=0.5)),
    named={"a": Part(count=3, share=1)},
    fracs=[1, 2],
    counts={"b": 4},
)
VALUES = {
    "name": "w",
    "sure": True,
    "parts": [{"count": 1, "share": None}, {"count": 2, "share": 0.5}],
    "named": {"a": {"count": 3, "share": 1}},
    "fracs": [1, 2],
    "counts": {"b": 4},
}


def test_there_and_back() -> None:
    assert WHOLE.to_dict() == VALUES
    assert Whole.from_dict(json.loads(json.dumps(VALUES)), "it") == WHOLE
    with_note = {**VALUES, "note": "n"}
    assert Whole.from_dict(with_note, "it").to_dict() == with_note
    assert Whole.from_dict({**VALUES, "fracs": 7}, "it").fracs == 7


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"sure": 1}, "it: sure must be bool, not 1"),
        ({"parts": [{"count": True, "share": None}]}, "it: parts: count must be int, not True"),
        ({"parts": [{"count": 1}]}, "it: parts has no field share"),
        ({"parts": {}}, r"it: parts must be tuple, not \{\}"),
        ({"named": {"a": 3}}, "it: named: a must be a table of fields, not 3"),
        ({"named": {"a": {"count": 1, "share": "x"}}}, "it: named: a: share must be float"),
        ({"fracs": [1, True]}, "it: fracs must be int, not True"),
        ({"fracs": "1"}, "it: fracs must be .*, not '1'"),
        ({"counts": {"b": 1.0}}, "it: counts: b must be int, not 1.0"),
        ({"note": 5}, "it: note must be .*, not 5"),
        ({"more": 5}, "it has a field 'more' that this Elsie does not know"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ElsieError, match=text):
        Whole.from_dict({**VALUES, **change}, "it")


def test_what_is_no_table() -> None:
    with pytest.raises(ElsieError, match=r"it must be a table of fields, not \[\]"):
        Whole.from_dict([], "it")
