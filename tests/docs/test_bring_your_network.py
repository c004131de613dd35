"""docs/bring-your-network.md runs, and prints what it says."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import (
    FILES,
    PAGE,
    ROOT,
    Block,
    blocks,
    lay_out,
    run_command,
    run_python,
    same,
)

BLOCKS = blocks()
TRAININGS = [block for block in BLOCKS if block.needs]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def follow(*, figures: bool = True) -> None:
    """Do what the page says, from top to bottom, but for the trainings."""
    wrong = []
    for block in BLOCKS:
        if block.language == "python" and not block.needs:
            run_python(block)
        for command, shown in block.commands if block.language == "console" else ():
            code, printed = run_command(command)
            refused = "elsie: " in shown
            if not same(shown, printed, figures=figures) or (code != 0) != refused:
                wrong.append(f"line {block.line}, exit code {code}:\n$ {command}\n{printed}")
    assert not wrong, "the page does not show this:\n" + "\n".join(wrong)


def test_the_page(folder: Path) -> None:
    """With committed files in the place of what the trainings make."""
    follow()
    assert len(BLOCKS) > 15


def test_every_file_is_small_and_used() -> None:
    text = "\n".join(block.text for block in BLOCKS if block.language == "console")
    sizes = {path.name: path.stat().st_size for path in FILES.iterdir()}
    assert max(sizes.values()) < 20_000
    assert not [name for name in sizes if name not in text]


def test_comparison_sees_differences() -> None:
    printed = "accuracy  float 98.3 %\nclasses 1 2 ...\n"
    assert same(printed, printed)
    assert same("accuracy float\n98.3 % ...", printed)
    assert same("accuracy float 98.4 % ...", printed)  # as on another processor
    assert not same("accuracy float 68.4 % ...", printed)
    assert not same("accuracy float 98.3 %\nclasses 1 3 ...", printed)
    assert same("... classes 1 2 ...", printed)
    assert not same("... classes 1 3 ...", printed)
    assert not same("an engine with 4 PEs", "an engine with 5 PEs")
    assert not same("16-bit", "17-bit")
    assert not same("16-bit", "17-bit", figures=False)
    assert not same("accuracy float 98.3 %", printed)
    assert same("accuracy float 9 %\nclasses 3 4 ...", printed, figures=False)
    assert not same("r2 float 9 %\nclasses 3 4 ...", printed, figures=False)


def test_links() -> None:
    """From README, and to sections and pages that exist."""
    text = PAGE.read_text()
    assert f"docs/{PAGE.name}" in (ROOT / "README.md").read_text()
    titles = re.findall(r"^#+ (.*)", text, re.M)
    own = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    for name, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", text):
        if name:
            assert (PAGE.parent / name).exists(), name
        else:
            assert anchor in own, anchor


@pytest.mark.long
@pytest.mark.parametrize("training", TRAININGS, ids=lambda block: f"line-{block.line}")
def test_a_training(folder: Path, training: Block) -> None:
    """It makes the files that stand for it, and the page holds with them, whatever the figures."""
    if training.missing:
        pytest.skip(f"not installed: {', '.join(training.missing)}; the page says what to install")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    run_python(training)
    after = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(after) == set(before)
    assert [path for path in after if after[path] != before[path]]
    follow(figures=False)
