# amaranth: UnusedElaboratable=no
"""`elsie build`: what it refuses before it starts, and two of them with one output folder."""

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest

import elsie
from tests.boards.pretended_tools import pretend, pretend_all
from tests.elsie.cli.broken_tools import small_net

PACKED = "open('elsie.bin', 'w').write(open('elsie.asc').read())"
"""The pretended place and route writes its seed."""
"""A packer whose bitstream is the seed."""


def built(net: Path, out: Path, seed: int, start: Any) -> None:
    """A build that moves its files when the other one does, and slowly.

    Without a lock, seed 1 would move its bitstream between seed 2's bitstream and report.
    """
    from boards import build

    publish, replace = build._publish, os.replace
    wait = {(1, "elsie.bin"): 0.4, (2, "report.json"): 0.8}

    def together(work: Path, out: Path) -> None:
        start.wait(120)
        publish(work, out)

    def slow(source: Path, target: Path) -> None:
        time.sleep(wait.get((seed, Path(target).name), 0))
        replace(source, target)

    build._publish, os.replace = together, slow
    elsie.build(elsie.load(net), "icebreaker", out=out, seed=seed)


def test_two_at_once_leave_a_bitstream_with_its_own_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, (net, _) = pretend_all(tmp_path / "tools", monkeypatch), small_net(tmp_path)
    pretend(tools / "icepack", PACKED)
    context, out = multiprocessing.get_context("spawn"), tmp_path / "out"
    start = context.Barrier(2)
    both = [
        context.Process(target=built, args=(net, out, seed, start), daemon=True) for seed in (1, 2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(240)
        assert process.exitcode == 0
    report = json.loads((out / "report.json").read_text())
    assert (out / "elsie.bin").read_text() == str(report["seed"])
    assert {path.name for path in out.iterdir()} == {"elsie.bin", "report.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"tools", "out", "small.elsie", "x.npz"}
