"""The check of tests by changes: it changes each place once, and sees which tests notice."""

import subprocess
import sys
from pathlib import Path

from tests.mutants import mutants

SOURCE = """
def clip(value, top):
    if value < 0:
        return 0
    return top if value > top and top else value + 1
"""


def test_every_place_is_changed_once() -> None:
    found = list(mutants(SOURCE))
    assert len({source for _, _, source in found}) == len(found) == 9
    for line, said, source in found:
        compile(source, "mutant", "exec")
        assert 2 < line < 6, said


def test_what_survives_is_printed() -> None:
    """Tests of something else notice nothing."""
    command = [sys.executable, "-m", "tests.mutants", "golden/reading.py", "--count", "1"]
    done = subprocess.run(
        [*command, "tests/golden/test_presets.py"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done
    assert "1 of 1 changes survived" in done.stdout
