"""Row counter and decoder: rows from zero runs, padding, codebooks and raw codes."""

import numpy as np
import pytest

from rtl.pe.decoder import Decoder, RowCounter
from tests.rtl.helpers import drive, tiny_config


def rows_of(runs: list[int], firsts: list[int], padding: int) -> list[int | None]:
    """The prose of golden.format.csc: skip `run` rows, then take one; padding only skips."""
    result: list[int | None] = []
    row = 0
    for run, first in zip(runs, firsts, strict=True):
        row = 0 if first else row
        row += run
        result.append(None if run == padding else row)
        row += run != padding
    return result


@pytest.mark.parametrize("run_width", [2, 3, 5])
def test_rows_from_zero_runs(run_width: int) -> None:
    config = tiny_config(run_width=run_width, row_depth=256, act_depth=1024)
    padding = (1 << run_width) - 1
    rng = np.random.default_rng(run_width)
    runs, firsts, rows, reach = [], [], [], 0
    for _ in range(300):
        first = int(not runs or rng.random() < 0.2 or reach > 255 - padding)
        run = padding if rng.random() < 0.3 else int(rng.integers(0, padding))
        reach = (0 if first else reach) + run + 1
        runs.append(run)
        firsts.append(first)
        # Entries come with gaps, in which nothing may count.
        rows.append({"valid": 1, "first": first, "run": run})
        rows += [{"run": int(rng.integers(0, padding + 1))}] * int(rng.integers(0, 2))
    seen = drive(RowCounter(config=config), [*rows, {}], ["real", "row"])
    got = [
        after["row"] if after["real"] else None
        for row, after in zip(rows, seen[1:], strict=True)
        if row.get("valid")
    ]
    assert got == rows_of(runs, firsts, padding)
    idle = [after for row, after in zip(rows, seen[1:], strict=True) if not row.get("valid")]
    assert idle
    assert not any(after["real"] for after in idle)


@pytest.mark.parametrize("mac", ["codebook", "fixed", "log", "log-sqrt2", "ternary"])
def test_weight_row_and_activation_leave_together(mac: str) -> None:
    widths = {"fixed": {"code_width": 7, "weight_width": 7}, "ternary": {}}
    config = tiny_config(mac=mac, **widths.get(mac, {"weight_width": 9}))
    rng = np.random.default_rng(2)
    top = 1 << config.code_width
    book = rng.integers(-256, 256, config.layers * 16)
    dut = Decoder(config=config, init=[int(weight) & 0x1FF for weight in book])
    rows = [
        {
            "valid": 1,
            "first": 1,
            "entry.code": int(rng.integers(0, top)),
            "entry.run": int(rng.integers(0, 6)),
            "value": int(rng.integers(-128, 128)),
            "layer": int(rng.integers(0, config.layers)),
        }
        for _ in range(100)
    ]
    seen = drive(dut, [*rows, {}], ["real", "row", "weight", "activation"])
    for row, after in zip(rows, seen[1:], strict=True):
        code = row["entry.code"]
        weight = {
            "codebook": int(book[row["layer"] * 16 + code % 16]),
            "fixed": code - top * (code >= top // 2),
        }.get(mac, code)
        assert after == {
            "real": 1,
            "row": row["entry.run"],
            "weight": weight,
            "activation": row["value"],
        }


def test_without_an_entry_the_activation_is_zero() -> None:
    """So that the product is, and the drain finds the adder at rest."""
    rows = [{"valid": 1, "first": 1, "value": 9}, {"value": 9}, {"value": -1}, {}]
    seen = drive(Decoder(config=tiny_config(), init=[]), rows, ["activation"])
    assert [row["activation"] for row in seen] == [0, 9, 0, 0]


def test_the_load_port_writes_the_codebook() -> None:
    config = tiny_config(weight_width=9)
    rows = [
        {"write.en": 1, "write.addr": 2 * 16 + 5, "write.data": 0x1FF},
        {"valid": 1, "first": 1, "entry.code": 5, "layer": 2},
        {},
    ]
    assert drive(Decoder(config=config, init=[]), rows, ["weight"])[2] == {"weight": -1}
