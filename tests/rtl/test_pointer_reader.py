"""Pointer reader: one job a cycle, a cycle later; nothing for empty columns."""

import numpy as np

from golden import layout
from rtl.pointer_reader import PointerReader
from tests.rtl.helpers import drive, tiny_config

WATCH = ["push", "job.start", "job.count", "job.value"]


def test_every_broadcast_is_a_job_unless_its_column_is_empty() -> None:
    config = tiny_config()
    rng = np.random.default_rng(1)
    start = rng.integers(0, config.entry_depth, config.column_depth)
    count = rng.integers(0, 3, config.column_depth)
    words = [int(w) for w in layout.pack(layout.pointer(config), start=start, count=count)]
    rows = [
        {
            "broadcast.valid": int(rng.random() < 0.8),
            "broadcast.column": int(rng.integers(0, config.column_depth)),
            "broadcast.value": int(rng.integers(-128, 128)),
        }
        for _ in range(200)
    ]
    seen = drive(PointerReader(config=config, init=words), [*rows, {}], WATCH)
    assert seen[0]["push"] == 0
    pushes = 0
    for row, after in zip(rows, seen[1:], strict=True):
        column = row["broadcast.column"]
        push = row["broadcast.valid"] and count[column] > 0
        assert after["push"] == push
        if push:
            pushes += 1
            job = (after["job.start"], after["job.count"], after["job.value"])
            assert job == (start[column], count[column], row["broadcast.value"])
    assert 0 < pushes < sum(row["broadcast.valid"] for row in rows)


def test_the_load_port_writes_pointers() -> None:
    config = tiny_config()
    word = int(layout.pack(layout.pointer(config), start=9, count=2))
    rows = [
        {"write.en": 1, "write.addr": 5, "write.data": word},
        {"broadcast.valid": 1, "broadcast.column": 5, "broadcast.value": -3},
        {},
    ]
    seen = drive(PointerReader(config=config, init=[]), rows, WATCH)
    assert seen[2] == {"push": 1, "job.start": 9, "job.count": 2, "job.value": -3}
