"""The demo's two threads."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The demo up to where simulate and build have imported what they need, and stop. With so short a
# switch interval, threads that import Amaranth at once failed in 5 of 6 runs.
TWO_THREADS = """
import sys, threading
from pathlib import Path
from elsie import api, demo

class Reached(Exception):
    pass

class Network:
    def __getattr__(self, name):
        raise Reached

def compile(*_, **options):
    return Network()

found = []

def watched(step):
    def run(*arguments, **options):
        try:
            step(*arguments, **options)
        except BaseException as error:
            found.append(repr(error))
            raise
    return run

api.compile, api.save = compile, lambda *_: None
demo.load_data = lambda *_: ([], None, [])
api.simulate, api.build = watched(api.simulate), watched(api.build)
sys.setswitchinterval(1e-5)
try:
    demo.demo(board="none", weights="log", inferences=1, out=Path(sys.argv[1]), seed=1,
              say=print, progress=print)
except BaseException:
    pass
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join()
assert len(found) == 2, found
for error in found:
    assert error == "Reached()" or "no board 'none'" in error, error
"""


@pytest.mark.parametrize("_", range(5))
def test_threads_do_not_import_at_once(tmp_path: Path, _: int) -> None:
    command = [sys.executable, "-c", TWO_THREADS, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
