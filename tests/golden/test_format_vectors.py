"""The worked example of docs/format.md: the encoder still makes it, and a reader by hand agrees."""

import json
from pathlib import Path

from docs.vectors.make import FIRST, HERE, vectors

STORED = json.loads((Path(HERE) / "format.json").read_text())


def test_the_encoder_makes_the_stored_vectors() -> None:
    assert vectors() == STORED


def test_a_reader_written_from_the_page_finds_the_matrix() -> None:
    """Bit fields by hand, as docs/format.md gives them, for layer 0."""
    config = STORED["config"]
    base = STORED["program"][0] & 0x1F  # column_depth 24: 5 bits
    padding = 0
    found: list[list[int | None]] = [[None] * 4 for _ in FIRST]
    groups = -(-config["pes"] // config["group"])
    for pe, words in enumerate(STORED["pointers"]):
        for column in range(4):
            start, count = words[base + column] & 0xF, words[base + column] >> 4
            row = 0
            for word in STORED["entries"][pe][start : start + count]:
                code, run = word & 0xF, word >> 4
                row += run
                if run == 3:  # padding: all ones in 2 bits
                    padding += 1
                    continue
                index = row * config["group"] + pe % config["group"]
                position = index * groups + pe // config["group"]
                number = row * config["pes"] + pe  # rows were dealt in turn
                assert position == groups * index + pe // 2
                found[number][column] = code
                row += 1
    assert found == FIRST
    assert padding == 1
