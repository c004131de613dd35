"""Folders for unfinished work, and their locks: nothing stays, and nothing of others goes."""

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from golden.errors import ElsieError
from toolchain import locking
from toolchain.scratch import LOCK, PREFIX, scratch

ROOT = Path(__file__).parents[2]
OWNER = """
import sys, time
from pathlib import Path
from toolchain.scratch import scratch
while True:
    with scratch(Path(sys.argv[1])) as folder:
        (folder / "a").mkdir()
        (folder / "a" / "b").write_text("work")
        print(folder, flush=True)
        time.sleep(float(sys.argv[2]))
"""


def owner(where: Path, seconds: float) -> subprocess.Popen[str]:
    """A process that makes folders in `where`, one after the other."""
    command = [sys.executable, "-c", OWNER, str(where), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_it_goes_at_the_end_and_after_an_exception(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_the_next_one_takes_away_what_a_killed_process_left(tmp_path: Path) -> None:
    killed, alive = owner(tmp_path, 600), owner(tmp_path, 600)
    try:
        assert killed.stdout is not None
        assert alive.stdout is not None
        dead, held = (Path(p.stdout.readline().strip()) for p in (killed, alive) if p.stdout)
        killed.kill()
        killed.wait()
        assert dead.exists(), "nobody could tidy up"
        with scratch(tmp_path):
            assert not dead.exists()
            assert (held / "a" / "b").exists()
    finally:
        for process in (killed, alive):
            process.kill()
            process.communicate()


def test_only_what_is_ours_is_taken_away(tmp_path: Path) -> None:
    notes, link = tmp_path / ".elsie-mynotes_", tmp_path / ".elsie-linklink"
    notes.mkdir()
    (notes / "file").touch()
    other = tmp_path / "other"
    other.mkdir()
    (other / LOCK).touch()
    link.symlink_to(other)
    (tmp_path / ".elsie-12345678").touch()
    newborn = tmp_path / ".elsie-newborn_"
    newborn.mkdir()
    with scratch(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} >= {link.name, notes.name, "other"}
        assert (other / LOCK).exists()
        assert (tmp_path / ".elsie-12345678").exists()
        assert not newborn.exists()


def test_errors_name_a_place_that_still_exists(tmp_path: Path) -> None:
    def message(raised: OSError) -> str:
        with pytest.raises(ElsieError) as caught, scratch(tmp_path):
            raise raised
        return str(caught.value)

    full = message(OSError(errno.ENOSPC, "No space left on device"))
    assert full.startswith(f"{tmp_path}: cannot be written (No space left on device)")
    with pytest.raises(ElsieError) as caught, scratch(tmp_path) as folder:
        (folder / "no" / "such").touch()
    assert PREFIX not in str(caught.value)
    with pytest.raises(ElsieError, match="out: cannot be written"), scratch(tmp_path) as folder:
        os.replace(folder / LOCK, tmp_path / "no" / "out")
    with pytest.raises(BrokenPipeError), scratch(tmp_path):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    with pytest.raises(ElsieError, match="cannot be written"), scratch(tmp_path / "nowhere"):
        pass


def hammer(where: Path, seconds: float, makers: int) -> int:
    """Makers that are killed at random moments; returns how many were. Each reports live folders
    that vanished by failing."""
    rng, killed, until = random.Random(1), 0, time.monotonic() + seconds
    running = [owner(where, 0.001) for _ in range(makers)]
    try:
        while time.monotonic() < until:
            time.sleep(rng.random() * 0.1)
            victim = running.pop(0)
            assert victim.poll() is None, "its folder vanished while it used it"
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            running.append(owner(where, 0.001))
            killed += 1
    finally:
        for process in running:
            alive = process.poll() is None
            process.kill()
            process.communicate()
            assert alive
    with scratch(where) as last:
        assert list(where.iterdir()) == [last]
    return killed


def test_kill_9_at_random_moments(tmp_path: Path) -> None:
    assert hammer(tmp_path, 2, 2) > 3


@pytest.mark.long
def test_kill_9_at_very_many_moments(tmp_path: Path) -> None:
    assert hammer(tmp_path, 120, 4) > 100


def test_a_lock_on_a_deleted_file_guards_nothing(tmp_path: Path) -> None:
    """As between a maker and whoever tidies up: the waiting one must get a new file."""
    path = tmp_path / "lock"
    first = locking.lock(path)
    assert first is not None
    assert locking.lock(path, wait=False) is None
    path.unlink()
    second = locking.lock(path, wait=False)
    assert second is not None
    assert os.fstat(second).st_nlink == 1
    os.close(first)
    os.close(second)


def test_a_waiting_one_notices_that_the_file_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had opened the file already: the lock that it then gets is on a file without a name."""
    path = tmp_path / "lock"
    first = locking.lock(path)
    assert first is not None

    def tidied(_: float) -> None:
        path.unlink()
        os.close(first)

    monkeypatch.setattr("time.sleep", tidied)
    second = locking.lock(path)
    assert second is not None
    assert os.path.samestat(os.fstat(second), path.stat())
    assert locking.lock(path, wait=False) is None
    os.close(second)


def test_without_locks_waiting_ones_succeed_and_the_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    file = locking.lock(tmp_path / "lock")
    assert file is not None
    os.close(file)
    with contextlib.suppress(OSError):
        pytest.fail(str(locking.lock(tmp_path / "lock", wait=False)))
