"""From seeds to inputs, to counts, and to small files of what fails."""

import json
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.registry import find
from tests.fuzz.target import Failure, Hang, Target, judge

MEMORY = 6 << 30
"""Bytes of address space; a reader that wants more fails."""
SECONDS = 20
"""Of the processor, for one input."""
CHECKS = 400
"""Inputs that are tried to shrink one."""

Recipe = tuple[int, tuple[int, ...]]
"""Number of the seed file, and a seed for each change."""


def recipe_of(target: Target, seed: int) -> Recipe:
    """What is done for a seed; the same on every machine."""
    rng = Random(seed)
    base = rng.randrange(len(target.seeds()))
    return base, tuple(rng.getrandbits(32) for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))))


def cook(target: Target, recipe: Recipe) -> bytes:
    """The input of a recipe."""
    base, steps = recipe
    data = target.seeds()[base]
    for step in steps:
        data = target.mutate(Random(step), data)
    return data


def shrink(data: bytes, fails: Callable[[bytes], bool], checks: int = CHECKS) -> bytes:
    """A shorter input for which `fails` still holds: ever smaller pieces are left out."""
    size = len(data) // 2
    while size:
        at = 0
        while at < len(data):
            if not checks:
                return data
            checks -= 1
            shorter = data[:at] + data[at + size :]
            if fails(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data


def shortest(target: Target, recipe: Recipe, fails: Callable[[bytes], bool], checks: int) -> bytes:
    """The smallest input found: first without the changes that are not needed."""
    base, steps = recipe
    for step in steps:
        fewer = tuple(other for other in steps if other != step)
        if fails(cook(target, (base, fewer))):
            steps = fewer
    return shrink(cook(target, (base, steps)), fails, checks)


@contextmanager
def limits() -> Any:
    """Memory and time of the processor for what is inside."""

    def late(*_: Any) -> None:
        raise Hang(f"more than {SECONDS} s")

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, before[1]))
    usual = signal.signal(signal.SIGPROF, late)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, usual)
        resource.setrlimit(resource.RLIMIT_AS, before)


def one(target: Target, path: Path, data: bytes) -> str | Failure:
    """The verdict on one input, written to `path`."""
    path.write_bytes(data)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return judge(target, path)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def record(folder: Path, name: str, seed: int, data: bytes, failure: Failure) -> Path:
    """Keep what was found: the input, and beside it what happened."""
    kept = folder / f"{name.rpartition(':')[2]}-{seed}{find(name).suffix}"
    kept.write_bytes(data)
    kept.with_suffix(".txt").write_text(
        f"{failure.kind}\nAgain: python -m tests.fuzz --target {name} --file {kept.name}\n\n"
        f"{failure.detail}"
    )
    return kept


def hunt(name: str, seeds: Sequence[int], folder: Path, *, until: float) -> dict[str, Any]:
    """Judge one input for each seed, in this process, until the clock says `until`.

    Returns counts, and `found`: kind of failure -> file. Before each input, the counts so far are
    written to `folder`/at.json, for whoever must know when this process dies.
    """
    target, counts = find(name), Counter()
    found: dict[str, str] = {}
    work = folder / f"input{target.suffix}"
    with limits():
        for seed in seeds:
            if time.time() > until:
                break
            state = {"seed": seed, "counts": dict(counts), "found": found}
            (folder / "at.json").write_text(json.dumps(state))
            recipe = recipe_of(target, seed)
            verdict = one(target, work, cook(target, recipe))
            if isinstance(verdict, Failure):
                kind = verdict.kind
                counts["failed"] += 1
                if kind not in found:

                    def fails(data: bytes, kind: str = kind) -> bool:
                        again = one(target, work, data)
                        return isinstance(again, Failure) and again.kind == kind

                    # A hang is found slowly.
                    checks = 5 if kind == "Hang" else CHECKS
                    small = shortest(target, recipe, fails, checks)
                    found[kind] = str(record(folder, name, seed, small, verdict))
            else:
                counts[verdict] += 1
    return {"counts": dict(counts), "found": found}
