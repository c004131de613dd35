"""The position unit with the formulas of docs/convolution.md; borders for every row and state."""

import numpy as np

from rtl.maps.position import PositionUnit
from rtl.maps.tokens import Borders
from tests.maps import map_config
from tests.rtl.helpers import clocked, drive


def test_places_and_bases() -> None:
    config = map_config(act_depth=64, row_depth=128)
    rng = np.random.default_rng(1)
    rows, expected = [], []
    for _ in range(200):
        index, shift = int(rng.integers(0, 64)), int(rng.integers(0, 7))
        more, first = int(rng.integers(0, 2)), int(rng.integers(-8, 4))
        still, value = int(rng.random() < 0.2), int(rng.integers(-128, 128))
        if (index >> shift) << more > 50:
            continue
        item = {"valid": 1, "index": index, "value": value}
        reading = {"shift": shift, "more": more, "first": first, "still": still}
        rows.append(
            {f"item.{name}": number for name, number in item.items()}
            | {f"reading.{name}": number for name, number in reading.items()}
        )
        base = 0 if still else ((index >> shift) << more) + first
        expected.append((index % (1 << shift), base, value))
    names = ["element.index", "element.base", "element.value"]
    seen = drive(PositionUnit(config=config), [*rows, {}], names)
    assert [tuple(one[name] for name in names) for one in seen[1:]] == expected


def test_borders() -> None:
    """Every local row near the borders, in every state."""
    config = map_config(row_depth=64)
    rows, expected = [], []
    for first, last, slot in ((0, 3, 0), (1, 3, 2), (0, 0, 3), (2, 2, 1)):
        for row in range(-12, 40):
            rows.append(
                {
                    "layer.sums": 5,
                    "state.first": first,
                    "state.last": last,
                    "state.slot": slot,
                    "row": row,
                }
            )
            unit, number = row // 4, row % 4
            exists = 0 <= unit <= 5 and first <= number <= last
            expected.append((exists, 4 * unit + (number + slot) % 4))
    seen = drive(clocked(Borders(config=config)), rows, ["exists", "address"])
    for one, (exists, address) in zip(seen, expected, strict=True):
        assert one["exists"] == exists
        assert not exists or one["address"] == address
