"""Two compiled simulations that want one program: it is compiled once, and both get it whole."""

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.boards.pretended_tools import pretend
from tests.networks import random_input, random_network, small_config

CONFIG = small_config([6, 5], pes=2, group=1)
COMPILER = """
import os, time
if '--version' not in sys.argv:
    target = sys.argv[sys.argv.index('-o') + 1]
    if target == 'program':
        open(sys.argv[0] + '.linked', 'a').write('x')
        time.sleep(0.5)
    open(target, 'w').write('#!/bin/sh' + chr(10) * 1000)
    os.chmod(target, 0o755)
"""


def translated(_: object, work: Path) -> None:
    """Instead of Amaranth and Yosys."""
    (work / "part0.cc").write_text("int part;")


def pretended(start: Any, told: Any) -> None:
    from sim.compiled import program

    program._translate = translated
    start.wait(120)
    path = program.program(CONFIG)
    told.put((str(path), path.stat().st_size))


def real(start: Any, told: Any) -> None:
    from sim.check import simulate

    rng = np.random.default_rng(3)
    network = random_network(rng, CONFIG, [6, 5])
    start.wait(120)
    told.put(simulate(network, random_input(rng, network), compiled=True).equal)


def at_once(work: Any, count: int, told: int) -> list[Any]:
    """What `count` processes tell."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(count), context.Queue()
    running = [
        context.Process(target=work, args=(start, results), daemon=True) for _ in range(count)
    ]
    for process in running:
        process.start()
    found = [results.get(timeout=told) for _ in running]
    for process in running:
        process.join()
    return found


def test_one_compiles_and_both_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSIE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", pretend(tmp_path / "cxx", COMPILER))
    one, other = at_once(pretended, 2, 120)
    assert one == other
    assert one[1] == 9 + 1000
    assert (tmp_path / "cxx.linked").read_text() == "x"
    assert not list((tmp_path / "cache" / "compiled").glob(".elsie-*"))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_real_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSIE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CXX", raising=False)
    assert at_once(real, 3, 600) == [True] * 3
    programs = [p for p in (tmp_path / "cache" / "compiled").iterdir() if not p.suffix]
    assert len(programs) == 1
