"""The exported Verilog in Icarus, with random waits on both ports, and under Verilator's lint."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elsie.export.testbench import write_steps
from golden.arithmetic.sequences import Sequences, Step, interleave
from golden.format.network import Network
from tests.cells import SMALL, cell_config, cell_network, random_steps
from tests.networks import random_input, random_network, small_config

SIZES = (11, 9, 6)
DENSE: dict[str, dict[str, Any]] = {
    "codebook": {"group": 2},
    "fixed": {"mac": "fixed", "pes": 3, "group": 2, "act_width": 16},
    "log": {"mac": "log", "multiplier_stages": 4, "acc_width": 48, "pes": 1, "group": 1},
    "ternary": {"mac": "ternary", "pes": 5, "group": 2},
    "spram": {"entry_memory": "spram", "group": 2, "queue_depth": 4},
    "functions": {"mac": "fixed", "group": 2, "act_width": 16, "functions": True},
}
CELLS: dict[str, dict[str, Any]] = {
    "cells": {"pes": 2, "group": 1, "mac": "ternary"},
    "two streams": {"pes": 2, "streams": 2, "mac": "codebook", "entry_stages": 2},
    "delta": {"pes": 2, "delta": True, "act_lists": 16},
    "cells, spram": {"pes": 2, "mac": "log", "entry_memory": "spram", "entry_depth": 8192},
}
"""Engines of every kind: changes to small_config and cell_config."""
ENGINES = [*DENSE, *CELLS]


def engine(name: str) -> tuple[Network, list[Step]]:
    """A network of the kind, and three steps for it."""
    rng = np.random.default_rng(sorted(DENSE | CELLS).index(name))
    if name in CELLS:
        config = cell_config(**CELLS[name])
        spram, delta = config.entry_lanes > 1, config.delta
        network = cell_network(rng, config, widths=SMALL, peepholes=not spram, head=not delta)
        return network, random_steps(rng, network, 3)
    functions = name == "functions"
    names = ["tanh", "sigmoid"] if functions else None
    network = random_network(
        rng, small_config(SIZES, **DENSE[name]), SIZES, density=0.5, shift=8, activations=names
    )
    return network, interleave(network, Sequences.of(network, random_input(rng, network, 3), None))


def run(made: Path, *command: str) -> str:
    """What a command says in a testbench folder."""
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def icarus(made: Path) -> None:
    """Golden's outputs and counters; without waits also every done in golden's cycle.

    Memories' read registers, as everything in a 4-state simulator, are unknown until something is
    written: the testbench finds an X on any port.
    """
    for argument in ("+wait=0", "+seed=1"):
        assert run(made, "make", "-s", f"PLUSARGS={argument}") == "PASS: 3 steps\n"


def verilator(made: Path) -> None:
    """No warning but these: a file may hold several modules, and names may be for readers only.

    UNOPTFLAT: parts of one wire that depend on each other, which slows Verilator down.
    """
    fine = ("DECLFILENAME", "UNUSEDSIGNAL", "UNOPTFLAT")
    lint = ("--lint-only", "-Wall", *(f"-Wno-{name}" for name in fine), "--top-module", "elsie")
    assert run(made, "verilator", *lint, "engine.v") == ""


CHECKS = {"iverilog": icarus, "verilator": verilator}
"""By the program that each needs, which is also the name of its package in Debian."""


QUICK = ("codebook", "functions", "two streams", "delta", "cells, spram")
"""Engines that together have every kind of memory, operation and list; the long tier has all."""


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in ENGINES],
)
def test_simulators_agree_with_golden(name: str, tmp_path: Path) -> None:
    network, steps = engine(name)
    missing = [program for program in CHECKS if shutil.which(program) is None]
    if len(missing) < len(CHECKS):
        write_steps(network, steps, tmp_path / "made")
    for program, check in CHECKS.items():
        if program not in missing:
            check(tmp_path / "made")
    if missing:
        pytest.skip(f"not checked, because not installed: {', '.join(missing)} (apt install)")


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
def test_the_testbench_finds_wrong_values(tmp_path: Path) -> None:
    network, steps = engine("codebook")
    write_steps(network, steps, made := tmp_path / "made")
    make = ("make", "-s", "PLUSARGS=+wait=0")
    for file in ("expected.hex", "counters.hex"):
        words = (made / file).read_text().split()
        (made / file).write_text("\n".join([*words[:-1], f"{int(words[-1], 16) ^ 1:x}"]))
        assert run(made, *make).endswith("FAIL: 1 faults\n"), file
        (made / file).write_text("\n".join(words))
    text = (made / "engine.v").read_text()
    (made / "engine.v").write_text(re.sub(r"initial (_\d+_) = \d+'h0+;", "", text))
    said = run(made, *make)
    assert "a port is X" in said or "nothing happened" in said


@pytest.mark.long
@pytest.mark.skipif(shutil.which("verilator") is None, reason="verilator is not installed")
def test_verilator_runs_the_testbench(tmp_path: Path) -> None:
    network, steps = engine("two streams")
    write_steps(network, steps, made := tmp_path / "made")
    for argument in ("+wait=0", "+seed=1"):
        said = run(made, "make", "-s", "verilator", f"PLUSARGS={argument}")
        assert "PASS: 3 steps" in said
