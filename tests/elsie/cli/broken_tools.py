"""Tools that do not do their work, each in its way; the commands that run them."""

import sys
from pathlib import Path

import numpy as np

import elsie
from tests.boards.pretended_tools import pretend
from tests.networks import random_network, small_config

_TRACEBACK = (
    'print(\'Traceback (most recent call last):\\n  File "tool.py", line 1, in run\\n'
    "FileNotFoundError: [Errno 2] No such file: cache', file=sys.stderr); sys.exit(1)"
)
_EMPTY = (
    "import os, re\n"
    "for n in ('out.v', 'top.cc', 'top.h', 'elsie.json', 'elsie.stat.json', 'elsie.pnr.json',\n"
    "          'elsie.asc', 'elsie.config', 'elsie.bin', 'elsie.bit', 'program',\n"
    "          'top.json', 'stat.json', 'pnr.json'):\n"
    "    open(n, 'w').close()\n"
    "if '-o' in sys.argv: open(sys.argv[sys.argv.index('-o') + 1], 'w').close()"
)
WAYS = {
    "true": "pass",
    "false": "sys.exit(1)",
    "traceback": _TRACEBACK,
    "empty file": _EMPTY,
    "rubbish": _EMPTY.replace(".close()", ".write('rubbish')"),
    "killed": "import os; os.kill(os.getpid(), 9)",
}
"""Programs in Python, by name."""
HANGS = "import time\nopen('started', 'w').close()\ntime.sleep(600)"
"""One that never ends, and leaves a file when it has begun."""


def break_tool(folder: Path, way: str) -> str:
    """A program that does not do its work."""
    return pretend(folder / "broken", WAYS.get(way, way))


def small_net(folder: Path) -> tuple[Path, Path]:
    """A compiled network that fits every board, and an input for it."""
    sizes = [6, 5]
    config = small_config(sizes, pes=2, group=1)
    network = random_network(np.random.default_rng(1), config, sizes)
    elsie.save(network, folder / "small.elsie")
    np.savez(folder / "x.npz", x=np.zeros((1, sizes[0])))
    return folder / "small.elsie", folder / "x.npz"


def left(folder: Path) -> set[str]:
    """Names of everything in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


ELSIE = [sys.executable, "-m", "elsie.cli.main"]
"""The command, for a process of its own."""
