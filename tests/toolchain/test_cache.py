"""The cache, and which program a variable names."""

import hashlib
import multiprocessing
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from golden.errors import ElsieError
from tests.boards.pretended_tools import pretend
from toolchain import cache, yowasp
from toolchain.choice import chosen
from toolchain.compiler import compiler


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELSIE_CACHE_DIR", str(tmp_path / "the cache"))
    return tmp_path / "the cache"


def make(work: Path) -> Path:
    """A program; says in a file beside the cache that it was made."""
    time.sleep(0.3)  # so long that all who wait at the barrier see that it is not there
    with open(os.environ["ELSIE_CACHE_DIR"] + ".made", "a") as made:
        made.write("x")
    (work / "it").write_text("#!/bin/sh\n" + "# long\n" * 1000)
    (work / "it").chmod(0o755)
    return work / "it"


def wanted(results: "multiprocessing.Queue[int]", start: Any) -> None:
    start.wait(120)
    results.put(cache.program("kind", "key", make).stat().st_size)


def made(where: Path) -> int:
    return len(Path(f"{where}.made").read_text())


def race(where: Path, processes: int) -> None:
    """Several processes want the same thing: it is made once, and all get it whole."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[int] = context.Queue()
    start = context.Barrier(processes)
    running = [context.Process(target=wanted, args=(results, start)) for _ in range(processes)]
    for process in running:
        process.start()
    sizes = {results.get(timeout=240) for _ in running}
    for process in running:
        process.join()
    assert sizes == {10 + 7000}
    assert made(where) == 1
    assert not list((where / "kind").glob(".elsie-*"))


def test_several_processes_make_it_once(where: Path) -> None:
    race(where, 3)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_many_processes_make_it_once_many_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for turn in range(20):
        monkeypatch.setenv("ELSIE_CACHE_DIR", str(tmp_path / str(turn)))
        race(tmp_path / str(turn), 8)


@pytest.mark.parametrize("damage", ["cut", "flip", "digest", "mode"])
def test_a_damaged_program_is_made_again(where: Path, damage: str) -> None:
    path = cache.program("kind", "key", make)
    whole = path.read_bytes()
    assert cache.program("kind", "key", make) == path
    assert made(where) == 1
    if damage == "cut":
        path.write_bytes(whole[:500])
    elif damage == "flip":
        path.write_bytes(whole[:500] + b"!" + whole[501:])
    elif damage == "digest":
        path.with_name("key.sha256").write_bytes(b"\xff")
    else:
        path.chmod(0o644)
    assert cache.program("kind", "key", make).read_bytes() == whole
    assert made(where) == 2


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/elsie", "/dev/null"])
def test_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Root may write everywhere, but not in a file and not in /proc."""
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELSIE_CACHE_DIR", place)
    with pytest.raises(ElsieError, match=r"cannot be written \(.*set ELSIE_CACHE_DIR to another"):
        cache.program("kind", "key", make)


def test_a_cache_whose_programs_may_not_run(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        f_flag = os.ST_NOEXEC

    monkeypatch.setattr("os.statvfs", lambda _: Found)
    with pytest.raises(ElsieError, match=r"\(noexec\); set ELSIE_CACHE_DIR"):
        cache.program("kind", "key", make)


def test_a_cache_that_gets_full(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(work: Path) -> Path:
        raise OSError(28, "No space left on device")

    with pytest.raises(ElsieError, match=r"No space left on device\); set ELSIE_CACHE_DIR"):
        cache.program("kind", "key", full)
    assert {path.name for path in (where / "kind").iterdir()} == {"key.lock"}


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ELSIE_CACHE_DIR", "")
    monkeypatch.setattr(cache, "user_cache_path", lambda _: tmp_path / "users")
    assert cache.folder("kind") == tmp_path / "users" / "kind"


@pytest.mark.parametrize("variable", ["YOSYS", "CXX"])
def test_variables_that_name_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (tmp_path / "my tools").mkdir()
    tool = pretend(tmp_path / "my tools" / "a tool", "")
    monkeypatch.chdir(tmp_path)
    for value, command in {
        tool: [tool],
        "my tools/a tool": [tool],
        f"'{tool}' -x 'a b'": [tool, "-x", "a b"],
        f"{sys.executable} -S": [sys.executable, "-S"],
        "": None,
    }.items():
        monkeypatch.setenv(variable, value)
        assert chosen(variable) == command
    for value in ("'unbalanced", " ", str(tmp_path), "/nowhere/tool", "''", "my tools"):
        monkeypatch.setenv(variable, value)
        with pytest.raises(ElsieError, match=f"^{variable} is "):
            chosen(variable)


def test_a_wrong_cxx_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ElsieError, match="CXX is 'no-such-compiler', but there is no such"):
        compiler()


FIRST = """
import os, sys
out = os.path.join(os.environ['YOWASP_CACHE_DIR'], 'pack', 'tool.wasm')
os.makedirs(out, exist_ok=True)
path = os.path.join(out, '{digest}')
if not os.path.exists(path) or open(path).read() != 'compiled':
    open(sys.argv[0] + '.runs', 'a').write('x')
    open(path, 'w').write('{written}')
    sys.exit('OSError: No space left on device' if '{written}' == 'comp' else 0)
"""


def test_a_webassembly_program_is_prepared_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a pretended runtime; the name of what it writes is that of the real one."""
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    (tmp_path / "pack" / "tool.wasm").write_bytes(b"wasm")
    monkeypatch.syspath_prepend(tmp_path)
    digest = hashlib.sha1(b"wasm").hexdigest()
    tool = pretend(tmp_path / "run", FIRST.format(digest=digest, written="compiled"))
    monkeypatch.setattr(yowasp, "command", lambda *_: [tool])
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "compiled"))
    for _ in range(2):
        yowasp.prepare("tool", "pack")
    assert (tmp_path / "run.runs").read_text() == "x"
    assert (tmp_path / "compiled/pack/tool.wasm" / digest).read_text() == "compiled"
    assert not list((tmp_path / "compiled").glob(".elsie-*"))
    monkeypatch.setenv("YOWASP_CACHE_DIR", "/proc/none")
    with pytest.raises(ElsieError, match=r"tool could not be prepared in /proc/none: .*YOWASP_C"):
        yowasp.prepare("tool", "pack")
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "other"))
    for last in ("sys.exit('OSError: No space left on device')", FIRST):  # nothing, or a part
        pretend(tmp_path / "run", last.format(digest=digest, written="comp"))
        with pytest.raises(ElsieError, match="other: OSError: No space left on device; set YOWA"):
            yowasp.prepare("tool", "pack")
        assert not list((tmp_path / "other").glob(".elsie-*"))
        assert not list((tmp_path / "other").rglob(digest))


def test_a_disk_without_room_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after minutes of compiling: the runtime finds out only when it writes."""
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    with (tmp_path / "pack" / "tool.wasm").open("wb") as file:
        file.truncate(1 << 20)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.setattr(yowasp, "command", lambda *_: pytest.fail("it was started"))
    usage = SimpleNamespace(free=(5 << 20) - 1)
    monkeypatch.setattr(yowasp.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ElsieError, match="needs 5 MiB there, and 4 are free; set YOWASP_CACHE"):
        yowasp.prepare("tool", "pack")
    monkeypatch.setattr(yowasp, "runs_nothing", lambda _: True)
    with pytest.raises(ElsieError, match=r"lets no program run \(noexec\); set YOWASP_CACHE_DIR"):
        yowasp.prepare("tool", "pack")
