"""What the wheel brings, and that it runs away from its sources."""

import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import elsie
from tests.test_structure import ROOMS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_all_data_files_are_in_the_package() -> None:
    """Drivers, the ledger, C files: whatever is no Python is named in pyproject.toml."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    named = {
        file
        for package, globs in patterns.items()
        for folder in (ROOMS if package == "*" else [package.replace(".", "/")])
        for glob in globs
        for file in (ROOT / folder).glob(glob)
    }
    there = {
        file
        for room in ROOMS
        for file in (ROOT / room).rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"}
    }
    assert there == named
    assert {file.parent.name for file in there if file.name == "py.typed"} == set(ROOMS)


def test_one_name_and_one_version() -> None:
    project = PROJECT["project"]
    assert project["name"] != "elsie"  # another project on PyPI
    assert "version" in project["dynamic"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "elsie.__version__"}
    assert elsie.__version__ in (ROOT / "CHANGELOG.md").read_text()
    for requirements in project["optional-dependencies"].values():
        for requirement in requirements:
            if requirement.startswith("elsie"):
                assert requirement.startswith(f"{project['name']}[")
    for path in (*ROOT.glob("elsie/**/*.py"), *ROOT.glob("docs/*.md")):
        assert "pip install elsie[" not in path.read_text(), path  # would install the other


@pytest.mark.long
@pytest.mark.timeout(1800)  # a bitstream and a C++ compiler: more than 300 s on a loaded machine
@pytest.mark.skipif(find_spec("pip") is None, reason="pip, which builds the wheel, is missing")
def test_the_wheel_runs_in_an_empty_folder(tmp_path: Path) -> None:
    """Needs what builds it, which pip fetches."""
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    digits = site / "elsie" / "examples" / "digits"
    compiling = ("compile", digits / "digits-pruned.onnx", "--calibrate", digits / "calibrate.npz")
    for arguments in (
        ["--version"],
        ["doctor"],
        ["bench", "fpga"],
        [*compiling, "--board", "icebreaker", "-o", "n.elsie"],
        ["simulate", "n.elsie", "--input", digits / "test.npz", "--limit", "1", "--compiled"],
        ["demo", "--inferences", "1"],
    ):
        code = "import sys; from elsie.cli.main import main; sys.exit(main())"
        command = [sys.executable, "-P", "-c", code, *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(site)}
        subprocess.run(command, cwd=empty, env=environment, check=True)
