"""Input port: columns to groups in turn, start with the last one, ready only when idle."""

import numpy as np
import pytest

from rtl.front.input_port import InputPort
from tests.golden.arithmetic.slow_powers import slow_nearest, slow_terms, slow_word
from tests.rtl.helpers import drive, tiny_config

WATCH = ["input.ready", "valid", "index", "value", "start"]


@pytest.mark.parametrize("groups", [1, 2, 3, 5])
def test_columns_go_to_groups_in_turn(groups: int) -> None:
    config = tiny_config(pes=groups, group=1)
    rng = np.random.default_rng(groups)
    rows, expected = [], []
    for length in (1, 2 * groups, 2 * groups + 1, 7):
        column = 0
        while column < length:
            valid, idle = (int(bit) for bit in rng.random(2) < 0.7)
            value, last = int(rng.integers(-128, 128)), int(column == length - 1)
            rows.append(
                {
                    "input.valid": valid,
                    "input.payload.value": value,
                    "input.payload.last": last,
                    "idle": idle,
                }
            )
            taken = valid and idle
            expected.append((idle, taken, column, value, taken and last))
            column += taken
    seen = drive(InputPort(config=config), rows, WATCH)
    for got, (idle, taken, column, value, start) in zip(seen, expected, strict=True):
        assert got["input.ready"] == idle
        assert got["valid"] == (1 << column % groups if taken else 0)
        assert got["start"] == start
        if taken:
            assert (got["index"], got["value"]) == (column // groups, value)


@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
def test_inputs_become_the_words_of_powers(code: str) -> None:
    config = tiny_config(mac="log", act_code=code, input_terms=1)
    rows = [{"input.valid": 1, "input.payload.value": v, "idle": 1} for v in range(-128, 128)]
    seen = drive(InputPort(config=config), rows, ["value"])
    expected = [slow_word(config, slow_nearest(config, value)) for value in range(-128, 128)]
    assert [row["value"] for row in seen] == expected


@pytest.mark.parametrize("terms", [2, 3])
@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
def test_an_input_is_taken_with_its_last_power(code: str, terms: int) -> None:
    """Every power in a cycle of its own, and one without any at the end if there are fewer."""
    config = tiny_config(mac="log", pes=3, group=1, act_code=code, input_terms=terms)
    rng = np.random.default_rng(terms)
    values = rng.permutation(np.arange(-128, 128)).tolist()
    rows, expected = [], []
    for number, value in enumerate(values):
        column = number % 64
        words = [slow_word(config, power) for power in slow_terms(config, value)]
        words += [0] * (len(words) < terms)
        while words:
            valid, idle = (int(bit) for bit in rng.random(2) < 0.8)
            last = int(column == 63)
            rows.append(
                {
                    "input.valid": valid,
                    "input.payload.value": value,
                    "input.payload.last": last,
                    "idle": idle,
                }
            )
            going = valid and idle
            over = going and len(words) == 1
            expected.append((going, over, column, words[0], over and last))
            words = words[going:]
    seen = drive(InputPort(config=config), rows, WATCH)
    for got, (going, over, column, word, start) in zip(seen, expected, strict=True):
        assert got["valid"] == (1 << column % 3 if going else 0)
        assert got["start"] == start
        if going:
            assert got["input.ready"] == over
            assert (got["index"], got["value"]) == (column // 3, word)
