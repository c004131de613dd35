"""Would the tests notice? python -m tests.mutants FILE TESTS... [--count N] [--seed N].

In a copy of the tree, one place of FILE after the other is changed, and TESTS must fail. Prints the
changes that survive, and exits with 1 if there are any. Some change nothing that matters.
"""

import argparse
import ast
import copy
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_SWAPS: dict[type, type] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq},
    **{ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn},
    **{ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add},
}


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what was done, and the changed source, for each place that can be changed."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for said, change in _changes(node):
            other = copy.deepcopy(tree)
            change(list(ast.walk(other))[number])
            yield getattr(node, "lineno", 0), said, ast.unparse(other)


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """What can be done with a node: a word for it, and a function that does it to a copy."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _SWAPS:
            new = _SWAPS[type(operator)]
            yield f"{ast.unparse(node)}: {new.__name__}", lambda n: n.ops.__setitem__(0, new())
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator) if type(operator) in _SWAPS:
            new = _SWAPS[type(operator)]
            yield f"{ast.unparse(node)}: {new.__name__}", lambda n: setattr(n, "op", new())
        case ast.If() | ast.IfExp():
            never = ast.Constant(False)
            yield f"if {ast.unparse(node.test)}: never", lambda n: setattr(n, "test", never)
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            yield f"{value}: {value + 1}", lambda n: setattr(n, "value", value + 1)
        case _:
            return


def main() -> int:
    """Try a random choice of all changes."""
    options = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    options.add_argument("file", type=Path)
    options.add_argument("tests", nargs="+", help="passed to pytest")
    options.add_argument("--count", type=int, default=30, help="changes to try (default 30)")
    options.add_argument("--seed", type=int, default=0, help="of their choice (default 0)")
    given = options.parse_args()
    every = list(mutants(given.file.read_text()))
    chosen = random.Random(given.seed).sample(every, min(given.count, len(every)))
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".*", "build", "__pycache__", "*.egg-info")
        shutil.copytree(ROOT, tree, ignore=ignored)
        target = tree / given.file.resolve().relative_to(ROOT)
        usual = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", *given.tests]
        for line, said, source in sorted(chosen):
            target.write_text(source)
            if not subprocess.run(usual, cwd=tree, capture_output=True, check=False).returncode:
                survived += 1
                print(f"{given.file}:{line}: {said}", flush=True)
    print(f"{survived} of {len(chosen)} changes survived ({len(every)} are possible)")
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
