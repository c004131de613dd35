"""Column memory: every PE's pointer a cycle after the broadcast; biases when there is none."""

from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.format import layout
from rtl.group.column_memory import ColumnMemory
from tests.rtl.helpers import drive, tiny_config


def random_words(rng: np.random.Generator, config: EngineConfig) -> tuple[np.ndarray, list[int]]:
    """Pointers' fields (start, count), shape (2, group, columns), and the memory's words."""
    shape = (config.group, config.column_depth)
    start = rng.integers(0, config.entry_depth, shape)
    count = rng.integers(0, config.row_depth + 1, shape)
    packed = layout.pack(layout.pointer(config), start=start, count=count)
    width = layout.width(layout.pointer(config))
    words = [
        sum(int(word) << (width * pe) for pe, word in enumerate(column)) for column in packed.T
    ]
    return np.stack([start, count]), words


@pytest.mark.parametrize("group", [1, 3, 4])
def test_pointers_of_all_pes_a_cycle_after_the_broadcast_moves(group: int) -> None:
    config = tiny_config(group=group)
    rng = np.random.default_rng(group)
    pointers, words = random_words(rng, config)
    rows = [
        {
            "broadcast.valid": int(rng.random() < 0.7),
            "broadcast.column": int(rng.integers(0, config.column_depth)),
            "broadcast.value": int(rng.integers(-128, 128)),
            "hold": int(rng.random() < 0.3),
        }
        for _ in range(200)
    ]
    fields = [f"pointers.{pe}.{name}" for pe in range(group) for name in ("start", "count")]
    dut = ColumnMemory(config=config, init=words)
    seen = drive(dut, [*rows, {}], ["valid", "value", *fields])
    assert seen[0]["valid"] == 0
    moved = 0
    for row, after in zip(rows, seen[1:], strict=True):
        moves = row["broadcast.valid"] and not row["hold"]
        assert after["valid"] == moves
        if moves:
            moved += 1
            assert after["value"] == row["broadcast.value"]
            of_column = pointers[:, :, row["broadcast.column"]].T.reshape(-1).tolist()
            assert [after[name] for name in fields] == of_column
    assert 50 < moved < sum(row["broadcast.valid"] for row in rows)


@pytest.mark.parametrize("changes", [{}, {"stages": "drain"}], ids=str)
@pytest.mark.parametrize("group", [1, 3])
def test_biases_behind_the_pointers(group: int, changes: dict[str, Any]) -> None:
    """Wider than the pointers, or narrower; also beside a broadcast that is held."""
    config = tiny_config(group=group, weight_width=8, acc_width=24, **changes)
    wider = layout.width(layout.pointer(config)) * group > config.acc_width
    assert wider == (group == 3)
    rng = np.random.default_rng(group)
    limit = 1 << (config.acc_width - 1)
    biases = [-limit, limit - 1, -1, *(int(v) for v in rng.integers(-limit, limit, 40))]
    _, words = random_words(rng, config)
    init = words + [bias & (2 * limit - 1) for bias in biases]
    rows = [
        {"bias_read": 1, "bias_address": config.column_depth + n, "broadcast.valid": 1, "hold": 1}
        for n in range(len(biases))
    ]
    late = config.stages.drain
    rows += [{}] * (1 + late)
    seen = drive(ColumnMemory(config=config, init=init), rows, ["bias", "valid"])
    assert [row["bias"] for row in seen[1 + late :]] == biases
    assert not any(row["valid"] for row in seen)


def test_a_drain_while_broadcasts_move_is_asserted() -> None:
    both = {"broadcast.valid": 1, "bias_read": 1}
    with pytest.raises(AssertionError, match="drained while broadcasts move"):
        drive(ColumnMemory(config=tiny_config(), init=[]), [both, {}], ["valid"])
    for harmless in ({"hold": 1}, {"bias_read": 0}, {"broadcast.valid": 0}):
        drive(ColumnMemory(config=tiny_config(), init=[]), [{**both, **harmless}, {}], ["valid"])


def test_the_load_port_writes_pointers_and_biases() -> None:
    config = tiny_config(group=2)
    pointers, (word,) = random_words(np.random.default_rng(1), config.replace(column_depth=1))
    rows: list[dict[str, Any]] = [
        {"write.en": 1, "write.addr": 5, "write.data": word},
        {"write.en": 1, "write.addr": config.column_depth + 9, "write.data": 77},
        {"broadcast.valid": 1, "broadcast.column": 5, "broadcast.value": -3},
        {"bias_read": 1, "bias_address": config.column_depth + 9},
        {},
    ]
    fields = [f"pointers.{pe}.{name}" for pe in range(2) for name in ("start", "count")]
    seen = drive(ColumnMemory(config=config, init=[]), rows, ["valid", "value", "bias", *fields])
    assert (seen[3]["valid"], seen[3]["value"]) == (1, -3)
    assert [seen[3][name] for name in fields] == pointers.T.reshape(-1).tolist()
    assert seen[4]["bias"] == 77


def test_with_broadcast_stages_one_is_behind_the_memory() -> None:
    """Every broadcast takes two moves, in order, and a hold keeps both that are in here."""
    config = tiny_config(group=3, broadcast_stages=2)
    rng = np.random.default_rng(7)
    pointers, words = random_words(rng, config)
    rows, expected, read = [], [], None
    for _ in range(200):
        sent = (int(rng.integers(0, config.column_depth)), int(rng.integers(-128, 128)))
        valid, hold = int(rng.random() < 0.7), int(rng.random() < 0.3)
        rows.append(
            {
                "broadcast.valid": valid,
                "broadcast.column": sent[0],
                "broadcast.value": sent[1],
                "hold": hold,
            }
        )
        expected.append(None if hold else read)
        read = read if hold else sent if valid else None
    fields = [f"pointers.{pe}.{name}" for pe in range(3) for name in ("start", "count")]
    seen = drive(ColumnMemory(config=config, init=words), [*rows, {}], ["valid", "value", *fields])
    for after, due in zip(seen[1:], expected, strict=True):
        assert after["valid"] == (due is not None)
        if due is not None:
            of_column = pointers[:, :, due[0]].T.reshape(-1).tolist()
            assert after["value"] == due[1]
            assert [after[name] for name in fields] == of_column
    assert sum(due is not None for due in expected) > 50
