"""docs/boards.md says what is true."""

import re
from pathlib import Path

from boards.registry import BOARDS

TEXT = (Path(__file__).parents[2] / "docs" / "boards.md").read_text()


def test_clocks_of_the_table() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| \S+ \| [^|]+ \| ([\d.]+ MHz) \|", TEXT, re.M))
    assert rows == {name: f"{b.clock_mhz:g} MHz" for name, b in BOARDS.items()}
