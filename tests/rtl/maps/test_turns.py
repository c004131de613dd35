"""Groups in turn, and the largest of a window, against plain Python."""

import numpy as np
import pytest

from rtl.maps.turns import Turns
from rtl.maps.window import Window
from tests.maps import map_config
from tests.rtl.helpers import drive

Row = dict[str, int]


@pytest.mark.parametrize("groups", [1, 2, 5])
def test_groups_in_turn(groups: int) -> None:
    """The next pending group behind the one before, from the first on in each row; or all."""
    rng = np.random.default_rng(groups)
    rows: list[Row] = []
    expected: list[int] = []
    following = 0
    for _ in range(300):
        restart, enable, together = (int(rng.random() < p) for p in (0.1, 0.8, 0.2))
        pending = int(rng.integers(0, 1 << groups))
        rows.append(
            {"restart": restart, "enable": enable, "together": together, "pending": pending}
        )
        some = [
            n % groups for n in range(following, following + groups) if pending >> n % groups & 1
        ]
        expected.append((pending if together else 1 << some[0]) if some and enable else 0)
        if some and enable:
            following = some[0] + 1
        if restart:
            following = 0
    seen = drive(Turns(config=map_config(pes=groups, group=1)), rows, ["grant"])
    assert [row["grant"] for row in seen] == expected
    assert len(set(expected)) > groups


def test_the_largest_of_a_window() -> None:
    rng = np.random.default_rng(3)
    rows: list[Row] = []
    expected: list[int] = []
    window: list[int] = []
    for _ in range(200):
        opens, value = int(rng.random() < 0.3 or not window), int(rng.integers(-4, 3))
        window = [*([] if opens else window), value]
        rows.append({"opens": opens, "value": value})
        expected.append(max(window))
    seen = drive(Window(config=map_config()), rows, ["largest", "some"])
    assert [row["largest"] for row in seen] == expected
    assert [row["some"] for row in seen] == [int(largest != 0) for largest in expected]
