"""Files that the library writes are whole or not there, however the writing ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elsie
from golden.format.network import Network
from tests.networks import random_network, small_config
from toolchain.scratch import PREFIX

ROOT = Path(__file__).parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
import elsie
network = elsie.load(sys.argv[1])
write = Path.write_bytes
def half(path, content):
    write(path, content[:len(content) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
Path.write_bytes = half
elsie.save(network, sys.argv[1])
"""


def make(seed: int) -> Network:
    config = small_config([5, 4])
    return random_network(np.random.default_rng(seed), config, [5, 4])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    elsie.save(make(1), tmp_path / "n.elsie")
    return tmp_path / "n.elsie"


@pytest.mark.parametrize("step", ["pathlib.Path.write_bytes", "os.replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_half_written_stays(
    step: str, error: BaseException, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(step, fail)
    with pytest.raises((elsie.ElsieError, KeyboardInterrupt)) as caught:
        elsie.save(make(2), saved)
    monkeypatch.undo()
    assert PREFIX not in str(caught.value)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_the_next_save_takes_away_what_a_killed_one_left(saved: Path) -> None:
    before = saved.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, str(saved)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert saved.read_bytes() == before
    assert len(list(saved.parent.iterdir())) == 2, "nobody could tidy up"
    elsie.save(make(2), saved)
    assert list(saved.parent.iterdir()) == [saved]
    assert saved.read_bytes() != before


def test_saving_over_something_else_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "folder.npy").mkdir()
    prediction = elsie.predict(make(1), np.zeros((1, 5)))
    for name in ("pipe.npy", "folder.npy"):
        for save in (
            lambda path: elsie.save(make(1), path),
            lambda path: prediction.save(path, classes=False),
        ):
            with pytest.raises(elsie.ElsieError, match=f"{name}: is not a regular file"):
                save(tmp_path / name)
    assert (tmp_path / "pipe.npy").is_fifo()
    assert (tmp_path / "folder.npy").is_dir()


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(elsie.ElsieError, match=r"nowhere: cannot be written \(No such file"):
        elsie.save(make(1), tmp_path / "nowhere" / "n.elsie")
