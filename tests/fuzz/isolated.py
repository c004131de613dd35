"""The same hunt in a process of its own, so that a reader may even crash it."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fuzz.hunt import recipe_of, record, shortest
from tests.fuzz.registry import find
from tests.fuzz.target import Failure


def hunt(name: str, seeds: range, folder: Path, *, seconds: float = 1e6) -> dict[str, Any]:
    """Counts and `found` (see tests.fuzz.hunt.hunt); goes on behind an input that crashes."""
    folder.mkdir(parents=True, exist_ok=True)
    until, counts, found = time.time() + seconds, Counter(), {}
    while seeds and time.time() < until:
        left = str(until - time.time())  # from when it has started
        arguments = (name, str(seeds.start), str(seeds.stop), left)
        done = _child(*arguments, folder=folder)
        if done.returncode == 0:
            part = json.loads(done.stdout.splitlines()[-1])
            counts.update(part["counts"])
            return {"counts": dict(counts), "found": {**found, **part["found"]}}
        if done.returncode == 1:
            raise RuntimeError(f"the fuzzer itself failed:\n{done.stderr}")
        state = json.loads((folder / "at.json").read_text())
        counts.update(state["counts"])
        counts["failed"] += 1
        found |= state["found"]
        kind = f"exit code {done.returncode}"
        if kind not in found:
            failure = Failure(kind=kind, detail=done.stderr)
            small = _shortest_crash(name, state["seed"], folder)
            found[kind] = str(record(folder, name, state["seed"], small, failure))
        seeds = range(state["seed"] + 1, seeds.stop)
    return {"counts": dict(counts), "found": found}


def _child(*arguments: str, folder: Path) -> Any:
    command = [sys.executable, "-X", "faulthandler", "-W", "error", "-m", "tests.fuzz.worker"]
    return subprocess.run(
        [*command, *arguments, str(folder)], capture_output=True, text=True, check=False
    )


def _shortest_crash(name: str, seed: int, folder: Path) -> bytes:
    """The smallest input found for which a process still dies; each trial takes a second."""
    target, trial = find(name), folder / f"trial{find(name).suffix}"

    def fails(data: bytes) -> bool:
        trial.write_bytes(data)
        return _child(name, str(trial), folder=folder).returncode not in (0, 1)

    return shortest(target, recipe_of(target, seed), fails, 12)


def report(results: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """A line for each target, and the sum."""
    lines, total = [], Counter()
    for name, result in results:
        total.update(result["counts"])
        lines.append(f"{name:12} {_counts(result['counts'])}")
        lines += [f"  {kind}: {file}" for kind, file in result["found"].items()]
    return "\n".join([*lines, f"{'all':12} {_counts(total)}"])


def _counts(counts: dict[str, int]) -> str:
    words = [f"{counts.get(name, 0):6} {name}" for name in ("right", "refused", "failed")]
    return f"{sum(counts.values()):6} inputs: {', '.join(words)}"
