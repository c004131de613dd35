"""Entry memories of two PEs: a half each, one reader a cycle, in turns, loaded half by half."""

from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.group.entry_memory import SharedEntries, SharedEntryMemory
from rtl.load import LoadTarget
from tests.rtl.helpers import drive, tiny_config

CONFIG = tiny_config(entry_memory="spram", code_width=4, run_width=4, entry_depth=64)


@pytest.mark.parametrize("config", [CONFIG, CONFIG.replace(entry_depth=1 << 14)])
def test_each_pe_reads_what_was_loaded_for_it(config: EngineConfig) -> None:
    rng = np.random.default_rng(config.entry_depth)
    # In the deepest memory, the last word of a half is the one before the other's first.
    places = [0, 1, 2, 17, config.entry_depth // 2 - 1]
    memory = {(pe, place): int(rng.integers(0, 1 << 16)) for pe in (0, 1) for place in places}
    rows: list[dict[str, Any]] = [
        {f"write_{pe}.en": 1, f"write_{pe}.addr": place, "write_0.data": word, "write_1.data": word}
        for (pe, place), word in memory.items()
    ]
    expected: dict[int, int] = {}
    for _ in range(200):
        here = [int(place) for place in rng.choice(places, 2)]
        reader = int(rng.integers(-1, 2))  # or none
        # The other one's address is there too, and does not count.
        fetch = 0 if reader < 0 else 1 << reader
        rows.append({"fetch": fetch, "address_0": here[0], "address_1": here[1]})
        if fetch:
            expected[len(rows)] = memory[reader, here[reader]]
    seen = drive(SharedEntryMemory(config=config), [*rows, {}], ["word"])
    assert {cycle: seen[cycle]["word"] for cycle in expected} == expected
    assert len(set(memory.values())) == len(memory)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"fetch": 3}, "two PEs read their shared memory in one cycle"),
        ({"fetch": 1, "write_0.en": 1}, "loaded while a network runs"),
        ({"fetch": 1, "write_1.en": 1}, "loaded while a network runs"),
        ({"fetch": 2, "write_0.en": 1}, "loaded while a network runs"),
        ({"write_1.en": 1, "write_1.data": 1}, "loaded with different data"),
    ],
)
def test_what_must_not_happen_is_asserted(row: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        drive(SharedEntryMemory(config=CONFIG), [row, {}], ["word"])


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_groups_pes_take_turns_and_read_what_was_loaded_for_them(size: int) -> None:
    first = 3
    rng = np.random.default_rng(size)
    memory = {
        (pe, place): int(rng.integers(0, 1 << 16)) for pe in range(size) for place in range(4)
    }
    rows: list[dict[str, Any]] = [
        {
            "load_valid": 1,
            "load_word.target": LoadTarget.ENTRY.value,
            "load_word.unit": first + pe,
            "load_word.address": place,
            "load_word.data": word,
        }
        for (pe, place), word in memory.items()
    ]
    rows += [{}, {"begin": 1}, {"begin": 1}]
    begun, expected = len(rows) - 1, {}
    for cycle in range(begun + 1, begun + 60):
        row: dict[str, Any] = {"fetch": 0}
        for pe in range(size):
            place = int(rng.integers(0, 4))
            row[f"address.{pe}"] = place
            # Those of one half read in one cycle, the others in the next.
            if (cycle - begun) % 2 == pe % 2 and rng.random() < 0.7:
                row["fetch"] |= 1 << pe
                expected[cycle + 1, pe] = memory[pe, place]
        rows.append(row)
    config = CONFIG.replace(pes=16, act_depth=128)
    dut = SharedEntries(config=config, first=first, size=size)
    words = [f"words.{pe}" for pe in range(size)]
    seen = drive(dut, [*rows, {}], ["turns", *words])
    assert {(n, pe): seen[n][f"words.{pe}"] for n, pe in expected} == expected
    # A job that is taken now reads two cycles later; a phase's first is the first PE's.
    even = sum(1 << pe for pe in range(0, size, 2))
    for n, row in enumerate(seen[begun + 1 :]):
        assert row["turns"] == (((1 << size) - 1) ^ even if n % 2 == 0 else even)
