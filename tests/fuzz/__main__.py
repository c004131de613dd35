"""Fuzz the readers with fresh seeds: python -m tests.fuzz --minutes 10 [--target NAME] [--out DIR].

Prints counts, and exits with 1 if anything failed; what did is in the folder, shrunk.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import isolated
from tests.fuzz.registry import TARGETS

STEP = 1 << 20
"""Seeds of a round; all rounds together stay below 2**63."""


def main() -> int:
    """Turn by turn, a share of the time for each target."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("--minutes", type=float, default=10, help="in all (default 10)")
    options.add_argument("--target", help=f"only this: {', '.join(TARGETS)}, or MODULE:NAME")
    options.add_argument("--seed", type=int, help="first seed (default: from the clock)")
    options.add_argument("--out", type=Path, default=Path("build/fuzz"), help="for what is found")
    options.add_argument("--file", type=Path, help="judge this one input of the target")
    given = options.parse_args()
    if given.file:
        if not given.target:
            options.error("--file needs --target")
        worker = [sys.executable, "-m", "tests.fuzz.worker", given.target, str(given.file), "."]
        return subprocess.run(worker, check=False).returncode
    names = [given.target] if given.target else list(TARGETS)
    first = time.time_ns() // STEP * STEP if given.seed is None else given.seed
    print(f"first seed {first}", flush=True)
    results = []
    for name in names:
        share = 60 * given.minutes / len(names)
        seeds = range(first, first + STEP)
        found = isolated.hunt(name, seeds, given.out / name.rpartition(":")[2], seconds=share)
        results.append((name, found))
        print(isolated.report(results[-1:]).splitlines()[0], flush=True)
    print(isolated.report(results))
    return int(any(found["counts"].get("failed") for _, found in results))


if __name__ == "__main__":
    sys.exit(main())
