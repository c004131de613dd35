"""The examples of docs/compression.md run, and print what the page says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "compression.md").read_text()


def test_the_pages_python(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(ROOT)
    multilayer, recurrent = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    exec(multilayer, {})
    capsys.readouterr()
    exec(recurrent, {})
    printed = capsys.readouterr().out.strip()
    assert f"prints {printed}: the 400 test words" in TEXT
