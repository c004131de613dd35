"""docs/protocol.md says what is true."""

import doctest
import re
from pathlib import Path

from boards.link.protocol import LONGEST, LOST, Command, State, Status
from rtl.load import LoadTarget

PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"
TEXT = PAGE.read_text()


def test_examples() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted > 8
    assert not found.failed


def test_commands() -> None:
    headings = " ".join(re.findall(r"^### (.*)", TEXT, re.M))
    pairs = {int(number): name for number, name in re.findall(r"(\d) ([A-Z]+)", headings)}
    assert pairs == {int(one): one.name for one in Command if one}


def test_statuses() -> None:
    rows = re.findall(r"^\| (\d) \| ([A-Z_]+) \|", TEXT, re.M)
    assert rows == [(str(int(one)), one.name) for one in Status]


def test_numbers() -> None:
    words = " ".join(TEXT.split())
    assert LONGEST == 254
    assert "Message and checksum are 254 bytes at most" in words
    assert LOST == 8
    assert "Eight bytes lost one after the other" in words
    assert [state.value for state in State] == [1, 2, 4]
    names = [t.name for t in sorted(LoadTarget, key=lambda t: t.value)]
    assert names == ["PROGRAM", "COLUMN", "ENTRY", "CODEBOOK"]
    assert "0 layer program, 1 columns (of group `unit`), 2 entries (of PE `unit`), 3" in words
