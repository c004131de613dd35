"""The trail: as many steps as a broadcast, and held with it."""

import numpy as np
import pytest

from golden.timing.schedule import Latencies
from rtl.sequence.trail import Trail
from tests.rtl.helpers import drive, tiny_config


@pytest.mark.parametrize("stages", ["short", "long"])
@pytest.mark.parametrize(("pes", "broadcast"), [(1, 0), (5, 0), (5, 2), (20, 4)])
def test_quiet_comes_as_late_as_a_broadcast(pes: int, broadcast: int, stages: str) -> None:
    config = tiny_config(
        pes=pes, group=1, broadcast_stages=broadcast, column_depth=128, stages=stages
    )
    steps = Latencies.of(config).read
    rng = np.random.default_rng(pes + broadcast)
    way: list[int] = []  # what passed in each step so far
    rows, expected = [], []
    for _ in range(300):
        row = {"passed": rng.random() < 0.85, "hold": rng.random() < 0.3, "clear": 0}
        row["clear"] = rng.random() < 0.02
        expected.append(int(len(way) >= steps and way[-steps]))
        if not row["hold"]:
            way.append(row["passed"])
        if row["clear"]:
            way = []
        rows.append({name: int(value) for name, value in row.items()})
    seen = drive(Trail(config=config), rows, ["quiet"])
    assert [row["quiet"] for row in seen] == expected
    assert 30 < sum(expected) < 280
