"""Tokens with random drains and work: when they are taken, and the state that entries see."""

import numpy as np
import pytest

from rtl.maps.tokens import Tokens
from tests.maps import map_config
from tests.rtl.helpers import drive

Row = dict[str, int]
STATE = ("slot", "first", "last", "ends")


@pytest.mark.parametrize(("live", "pool"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("entry_stages", [1, 2])
def test_a_ring_of_four_rows(entry_stages: int, live: int, pool: int) -> None:
    """D rows that are ended, one more and the live ones are at most 4; and it comes to 4."""
    config = map_config(entry_stages=entry_stages)
    rng = np.random.default_rng(10 * live + pool)
    rows: list[Row] = []
    expected: list[Row] = []
    ended, drained = 0, 0
    states = [dict.fromkeys(STATE, 0)] * (2 + entry_stages)
    most = 0
    for _ in range(400):
        free, valid = int(rng.random() < 0.6), int(rng.random() < 0.7)
        state = {name: int(rng.integers(0, 4)) for name in STATE[:3]}
        state["ends"] = int(rng.random() < 0.8)
        take = valid and free and (not state["ends"] or ended + 1 + live <= config.maps.rows)
        row = int(rng.integers(-4, 28))
        rows.append(
            {
                **{f"state.{name}": value for name, value in state.items()},
                **{"layer.live": live, "layer.pool_rows": pool - 1},
                **{"valid": valid, "free": free, "drained": drained},
                **{"layer.sums": 5, "row": row},
            }
        )
        unit, number = divmod(row, 4)
        seen_by = states[-1]
        exists = 0 <= unit <= 5 and seen_by["first"] <= number <= seen_by["last"]
        expected.append({"take": int(take), "ended": ended, "exists": int(exists)})
        if exists:
            expected[-1]["address"] = 4 * unit + (number + seen_by["slot"]) % 4
        states = [state if take else states[0], *states[:-1]]
        ended += (take and state["ends"]) - drained * pool
        most = max(most, ended + live)
        drained = int(ended >= pool and rng.random() < 0.2)
    seen = drive(Tokens(config=config), rows, ["take", "ended", "exists", "address"])
    for one, wanted in zip(seen, expected, strict=True):
        assert {name: one[name] for name in wanted} == wanted
    assert sum(one["exists"] for one in expected) > 20
    assert most == config.maps.rows


def test_more_drained_than_ended_is_asserted() -> None:
    with pytest.raises(AssertionError, match="more is drained than is"):
        drive(Tokens(config=map_config()), [{"drained": 1}, {}], ["take"])
