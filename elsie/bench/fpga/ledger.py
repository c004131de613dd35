"""The ledger: a committed JSON file for each measured configuration, which must be reproducible."""

import json
from pathlib import Path
from typing import Any

from elsie.bench.fpga.configurations import CONFIGURATIONS
from golden.errors import ElsieError

FOLDER = Path(__file__).parents[1] / "ledger"
"""Where the rows are."""


def rows() -> list[dict[str, Any]]:
    """All rows, in the order of the configurations."""
    found = (load(name) for name in CONFIGURATIONS)
    return [row for row in found if row is not None]


def load(name: str) -> dict[str, Any] | None:
    """The row of one configuration, if there is one. Raises ElsieError when it cannot be read."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ElsieError(f"{path}: not JSON ({error}); measure it again with --update") from None


def save(row: dict[str, Any]) -> Path:
    """Write one row, atomically."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{row['name']}.json"
    waiting = path.with_suffix(".part")
    waiting.write_text(json.dumps(row, indent=2) + "\n")
    return waiting.replace(path)


def differences(committed: dict[str, Any] | None, measured: dict[str, Any]) -> list[str]:
    """The fields in which a measured row differs from the committed one, each as a sentence."""
    if committed is None:
        return ["the ledger has no row of it"]
    names = dict.fromkeys((*committed, *measured))
    return [
        f"{name} is {measured.get(name)} and was {committed.get(name)}"
        for name in names
        if measured.get(name) != committed.get(name)
    ]
