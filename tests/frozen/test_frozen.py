"""Nothing that engines and networks are made of changes unnoticed (tests.frozen.record)."""

import pytest

from tests.frozen import record


@pytest.mark.parametrize(
    ("group", "name"),
    [(group, name) for group, (names, _) in record.GROUPS.items() for name in names],
)
def test_hashes_are_those_on_record(group: str, name: str) -> None:
    assert record.GROUPS[group][1](name) == record.frozen()[group][name]


def test_the_record_is_of_what_there_is() -> None:
    assert {group: set(names) for group, (names, _) in record.GROUPS.items()} == {
        group: set(names) for group, names in record.frozen().items()
    }
