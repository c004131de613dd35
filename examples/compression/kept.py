"""Rows that were measured once, so that a long run can be ended and gone on with."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elsie.bench.compression.recipes import Recipe


def told(recipe: Recipe) -> tuple[Any, ...]:
    """What tells one recipe from another."""
    return (recipe.method, recipe.alphabet, recipe.density, recipe.engine)


def kept(key: str, folder: Path | None, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A row from `folder`, or a new one, which is then there; without a folder always a new one."""
    if folder is None:
        return make()
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    if path.exists():
        return json.loads(path.read_text())
    found = make()
    folder.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(".part")
    whole.write_text(json.dumps(found))
    whole.replace(path)
    return found
