"""Reports of builds, which `elsie flash` reads."""

import json
from pathlib import Path
from random import Random

from boards.flash import built
from boards.registry import Board
from boards.report import BuildReport
from tests.boards.built import a_report
from tests.fuzz import mutate
from tests.fuzz.target import Target


def seeds() -> tuple[bytes, ...]:
    reports = (a_report("hx8k"), a_report("ulx3s-85f", "entries"))
    return tuple(json.dumps(report.to_dict()).encode() for report in reports)


def change(rng: Random, data: bytes) -> bytes:
    """A field's value, or any byte."""
    if rng.random() < 0.7:
        try:
            values = json.loads(data)
            name = rng.choice(list(values))
            values[name] = mutate.value(rng, values[name])
            return json.dumps(values).encode()
        except Exception:  # damaged too much before
            return data
    return mutate.of_bytes(rng, data)


def verify(found: tuple[BuildReport, Board], path: Path) -> None:
    """What the file says, and no more."""
    report, board = found
    values = json.loads(path.read_text())
    assert {**values, **report.to_dict()} == values
    assert report.board == board.name


BUILD = Target(suffix=".json", seeds=seeds, mutate=change, read=built, verify=verify)
