"""Programs that are run: how they ended, and that they end with us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from golden.errors import ElsieError
from tests.boards.pretended_tools import pretend
from toolchain import process, stopping
from toolchain.process import Done

PYTHON = [sys.executable, "-S", "-c"]


@pytest.mark.parametrize(
    ("done", "reason"),
    [
        (Done(code=1, out="", err=""), "exit code 1"),
        (Done(code=-11, out="", err=""), "it was ended by SIGSEGV"),
        (Done(code=1, out="one\ntwo  words\n", err="\n"), "two words"),
        (Done(code=1, out="", err="x.cc:1: fatal error: no y.h\n1 error generated"), None),
        (
            Done(code=1, out="", err="Traceback:\n  raise error\nOSError: [Errno 28] full"),
            "OSError",
        ),
    ],
)
def test_reasons(done: Done, reason: str | None) -> None:
    assert (reason or "x.cc:1: fatal error: no y.h") in done.reason
    assert "\n" not in done.reason


def test_side_by_side_in_order_and_with_a_folder_for_temporary_files(tmp_path: Path) -> None:
    script = "import sys, time, os; time.sleep(float(sys.argv[1])); print(sys.argv[1])"
    script += "; print(os.environ['TMPDIR'], file=sys.stderr)"
    waits = ["0.2", "0", "0.1", "0.05"]
    done = process.run_all([[*PYTHON, script, w] for w in waits], cwd=tmp_path, at_once=3)
    assert [one.out.strip() for one in done] == waits
    assert {one.err.strip() for one in done} == {str(tmp_path)}


def test_what_cannot_be_started(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("no program")
    bad.chmod(0o755)
    with pytest.raises(ElsieError, match=r"bad cannot be run: Exec format error"):
        process.run([str(bad)])
    with pytest.raises(ElsieError, match="cannot be run: No such file"):
        process.run([str(tmp_path / "none")])


@pytest.mark.parametrize("deaf", [False, True])
def test_a_program_and_its_children_end_with_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: bool
) -> None:
    """Also one that takes no notice of Ctrl-C, after some grace."""
    monkeypatch.setattr(process, "_GRACE", 0.1)
    child = f"import os, signal, time; deaf = {deaf}\n"
    child += "if deaf: signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    child += "os.fork(); print(os.getpid(), file=open(f'pid{os.getpid()}', 'w'), flush=True)\n"
    child += "time.sleep(600)"
    with pytest.raises(ElsieError, match="did not end within"):
        process.run([pretend(tmp_path / "hangs", child)], cwd=tmp_path, seconds=1.0)
    pids = [int(path.read_text()) for path in tmp_path.glob("pid*")]
    assert len(pids) == 2
    all_go(pids)


def test_programs_end_when_we_are_killed(tmp_path: Path) -> None:
    """All that run side by side, with their children; and nothing that has ended before."""
    child = "import os, time; os.fork(); open(f'pid{os.getpid()}', 'w').close(); time.sleep(600)"
    names = [pretend(tmp_path / name, child) for name in ("one", "two")]
    quick = pretend(tmp_path / "quick", "open('quick-ran', 'w').close()")
    call = f"from toolchain.process import run_all; run_all({[[quick], *[[n] for n in names]]}, "
    call += "at_once=2)"
    path = os.pathsep.join([str(Path.cwd()), *sys.path])
    env = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen([sys.executable, "-c", call], cwd=tmp_path, env=env) as popen:
        until = time.monotonic() + 60
        while len(list(tmp_path.glob("pid*"))) < 4:
            assert popen.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        popen.kill()
    assert (tmp_path / "quick-ran").exists()
    all_go([int(path.name.removeprefix("pid")) for path in tmp_path.glob("pid*")])


def test_without_a_shell_there_is_no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.Popen

    def start(command: list[str], **options: Any) -> Any:
        if command[0] == "/bin/sh":
            raise FileNotFoundError
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    assert process.run([*PYTHON, "print(5)"]).out == "5\n"


def all_go(pids: list[int]) -> None:
    """Soon."""
    until = time.monotonic() + 10
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().split(")")[1].split()[0] == "Z"


class Quiet:
    """An object whose destructor is where a signal arrives."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass


def test_a_request_that_python_drops_comes_again() -> None:
    def work() -> None:
        with stopping.heeded():
            thing = Quiet()
            del thing  # the exception is raised in __del__, and ignored
            time.sleep(600)

    with pytest.raises(stopping.Stopped):
        work()


def test_a_request_that_a_library_catches_is_remembered() -> None:
    with stopping.heeded():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        except BaseException:
            pass
        assert stopping.asked() == signal.SIGTERM
        with pytest.raises(stopping.Stopped):
            process.run([*PYTHON, "print('never')"])
    with stopping.heeded():
        assert stopping.asked() is None


def test_what_must_not_be_half_done_is_finished_first() -> None:
    done = []

    def work() -> None:
        with stopping.heeded():
            with stopping.later():
                os.kill(os.getpid(), signal.SIGINT)
                done.append(1)
            done.append(2)

    with pytest.raises(stopping.Stopped):
        work()
    assert done == [1]


def test_what_comes_after_is_not_stopped() -> None:
    """In one process a command may be interrupted, and the API called after it."""

    def work() -> None:
        with stopping.heeded():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)

    with pytest.raises(stopping.Stopped):
        work()
    assert stopping.asked() == signal.SIGINT
    stopping.check()
    assert process.run([*PYTHON, "print('yes')"]).out == "yes\n"


def test_ignored_signals_stay_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping.heeded():
            os.kill(os.getpid(), signal.SIGHUP)  # as under nohup
    finally:
        signal.signal(signal.SIGHUP, before)
