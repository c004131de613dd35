"""A foreign package with the name of one of Elsie's is told, not run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from elsie.own import NAMES, foreign_package

ROOT = Path(__file__).parents[2]
CONSOLE = "import sys; from elsie.cli.main import main; sys.exit(main())"
"""What the installed script does."""


def elsie(
    *arguments: str, folder: Path, path: tuple[Path, ...] = (ROOT,), module: bool = False
) -> tuple[int, str]:
    """Exit code and complaint of the command, run in `folder` with `path` as PYTHONPATH."""
    way = ("-m", "elsie.cli.main") if module else ("-P", "-c", CONSOLE)
    done = subprocess.run(
        [sys.executable, *way, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_the_names_are_those_of_the_repository() -> None:
    found = {p.parent.name for p in ROOT.glob("*/__init__.py")}
    assert {*NAMES, "elsie"} == found - {"tests", "build"}
    assert foreign_package() is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("module", [True, False])
def test_a_package_in_front_of_ours(tmp_path: Path, name: str, module: bool) -> None:
    """python -m looks into the current folder first; the script does so with PYTHONPATH."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise SystemExit(0)")
    path = (ROOT,) if module else (tmp_path, ROOT)
    code, said = elsie("boards", folder=tmp_path, path=path, module=module)
    assert code == 2
    assert len(said.splitlines()) == 1
    assert f"Python finds {tmp_path / name} in place of Elsie's own package {name}" in said


def test_a_file_in_front_of_ours(tmp_path: Path) -> None:
    (tmp_path / "sim.py").write_text("raise SystemExit(0)")
    code, said = elsie("--help", folder=tmp_path, module=True)
    assert code == 2
    assert f"Python finds {tmp_path / 'sim.py'} in place of" in said


@pytest.mark.parametrize("name", ["golden", "tools", "cli"])
def test_folders_that_python_does_not_take(tmp_path: Path, name: str) -> None:
    """The script does not look where it is called; a folder without __init__.py comes last."""
    (tmp_path / name).mkdir()
    assert elsie("boards", folder=tmp_path, module=True) == (0, "")
    (tmp_path / name / "__init__.py").touch()
    assert elsie("boards", folder=tmp_path) == (0, "")


def test_a_package_that_is_missing(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "elsie").mkdir()
    for name in ("__init__.py", "own.py"):
        (copy / "elsie" / name).write_text((ROOT / "elsie" / name).read_text())
    code = "from elsie.own import foreign_package; print(foreign_package())"
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"own package golden is missing from {copy}" in done.stdout


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys; from elsie.cli.main import parser; parser().format_help(); "
        "print(*({'numpy', 'amaranth', 'onnx', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
