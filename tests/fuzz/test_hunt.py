"""The fuzzer itself: it finds faults of every kind, goes on, and shrinks what it has found."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import hunt, isolated, planted
from tests.fuzz.target import Failure, Target, judge


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("RAISES", "KeyError at planted.py"),
        ("NAMELESS", "AssertionError at target.py"),
        ("GREEDY", "MemoryError at planted.py"),
        ("WRONG", "AssertionError at planted.py"),
        ("DIES", "exit code -6"),
    ],
)
def test_planted_faults_are_found(name: str, kind: str, tmp_path: Path) -> None:
    result = isolated.hunt(f"tests.fuzz.planted:{name}", range(30), tmp_path)
    ((found, file),) = result["found"].items()
    assert found.startswith(kind)
    counts = result["counts"]
    assert sum(counts.values()) == 30
    assert counts["failed"] > 1, "it does not go on behind a failure"
    small = Path(file).read_bytes()
    assert planted.BAD in small
    assert len(small) <= (12 if name == "DIES" else 1)
    assert "Again: python -m tests.fuzz --target" in Path(file).with_suffix(".txt").read_text()


def test_what_was_found_can_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "bad.bin").write_bytes(b"!")
    (tmp_path / "good.bin").write_bytes(b"?")
    command = [sys.executable, "-m", "tests.fuzz", "--target", "tests.fuzz.planted:RAISES"]
    for name, code, said in (("bad.bin", 1, "KeyError: 'not ours'"), ("good.bin", 0, "right")):
        done = subprocess.run(
            [*command, "--file", str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, said in done.stdout) == (code, True), done


def test_a_command_with_fresh_seeds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--target", "tests.fuzz.planted:RAISES"]
    options = ["--minutes", "0.05", "--out", str(tmp_path)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert "first seed " in done.stdout
    assert "KeyError at planted.py" in done.stdout
    assert len(list((tmp_path / "RAISES").glob("RAISES-*.bin"))) == 1


def test_hangs_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forever(*given: Any) -> None:
        while given:
            pass

    monkeypatch.setattr(hunt, "SECONDS", 0.05)
    target = Target(
        suffix="", seeds=tuple, mutate=lambda rng, data: data, read=forever, verify=forever
    )
    with hunt.limits():
        verdict = hunt.one(target, tmp_path / "x", b"")
    assert isinstance(verdict, Failure)
    assert verdict.kind == "Hang"
    assert "in forever" in verdict.detail


def test_sentences_are_checked(tmp_path: Path) -> None:
    from golden.errors import ElsieError

    class Raw(ElsieError):
        """With its text as it is: an ElsieError escapes what cannot be printed."""

        def __init__(self, text: str) -> None:
            self.text = text

        def __str__(self) -> str:
            return self.text

    path = tmp_path / "x"
    for text, right in (
        (f"{path}: wrong", True),
        ("wrong", False),
        (f"{path}: wrong\nin two lines", False),
        (f"{path}: {'x' * 1000}", False),
        (f"{path}: \ud800", False),
    ):

        def refuse(_: Path, text: str = text) -> None:
            raise Raw(text)

        target = Target(
            suffix="", seeds=tuple, mutate=lambda rng, data: data, read=refuse, verify=print
        )
        assert (judge(target, path) == "refused") == right, text
