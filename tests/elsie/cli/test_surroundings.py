"""The command as a process: closed and full output, signals, and what is left behind."""

import itertools
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from elsie.cli.main import parser
from tests.boards.pretended_tools import pretend
from tests.elsie.cli.broken_tools import ELSIE, HANGS, left, small_net
from toolchain.programs import TOOLS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """Environment with folders of its own for everything."""
    for name in ("tmp", "here"):
        (tmp_path / name).mkdir()
    taken = {"CXX", "PYTHONWARNINGS", *(tool.variable for tool in TOOLS.values())}
    return {
        **{name: value for name, value in os.environ.items() if name not in taken},
        "PYTHONPATH": str(ROOT),
        "ELSIE_CACHE_DIR": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path / "tmp"),
    }


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("boards >&-", 2, "elsie: standard output is closed"),
        ("boards --json >/dev/full", 2, "elsie: output: No space left on device"),
        ("boards >/dev/full", 2, "elsie: output: No space left on device"),
        ("boards --json | head -c 1 >/dev/null", None, ""),
        ("--help | true", None, ""),
        ("boards 2>&- >/dev/null", 0, ""),
        ("boards <&- >/dev/null", 0, ""),
        ("predict none --input none 2>/dev/full", 2, ""),
        ("predict none --input none <&- 2>&-", 2, ""),
        ("predict none --input none <&- >&- 2>&-", 2, ""),
    ],
)
def test_streams(surroundings: dict[str, str], line: str, code: int | None, said: str) -> None:
    """A sentence or nothing, never a traceback."""
    shell = f"'{sys.executable}' -m elsie.cli.main {line}"
    done = subprocess.run(
        ["sh", "-c", shell],
        env=surroundings,
        cwd=surroundings["TMPDIR"],
        capture_output=True,
        text=True,
        check=False,
    )
    if code is not None:
        assert done.returncode == code
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == bool(said)


@pytest.mark.parametrize(
    "command",
    [
        ("predict", "NET", "--input", "DATA", "--output", "out.npz"),
        ("verilog", "NET", "-o", "out.v"),
        ("simulate", "NET", "--input", "DATA", "--limit", "1", "--wave", "out.vcd"),
    ],
)
def test_a_file_that_may_not_grow(
    surroundings: dict[str, str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    """As on a full disk; waveforms once made an endless loop of it."""
    net, data = small_net(tmp_path / "here")
    given = [str({"NET": net, "DATA": data}.get(word, word)) for word in command]
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *ELSIE, *given],
        env=surroundings,
        cwd=tmp_path / "here",
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert (done.returncode, done.stdout) == (2, "")
    said = f"elsie: {tmp_path / 'here'}: cannot be written (File too large); choose another place"
    assert done.stderr.splitlines()[-1] == said
    assert left(tmp_path / "here") == {net.name, data.name}


def start(*arguments: object, env: dict[str, str], cwd: Path) -> subprocess.Popen[str]:
    command = [*ELSIE, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, cwd=cwd, stdout=pipe, stderr=pipe, text=True)


def until(condition: Any, seconds: float = 100) -> Any:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_sigterm_ends_the_tools_and_leaves_nothing(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    """A build and a compilation, stopped while a tool runs."""
    here = tmp_path / "here"
    net, data = small_net(here)
    before = left(here)
    hangs = HANGS.replace("'started', 'w').close()", "'started', 'w').write(str(os.getpid()))")
    slow = pretend(tmp_path / "slow", "import os\n" + hangs)
    for number, variable, arguments in (
        (signal.SIGTERM, "YOSYS", ("verilog", net, "-o", "out.v")),
        (signal.SIGINT, "YOSYS", ("simulate", net, "--input", data, "--compiled")),
        (signal.SIGHUP, "CXX", ("simulate", net, "--input", data, "--compiled")),
    ):
        running = start(*arguments, env={**surroundings, variable: slow}, cwd=here)
        begun = until(lambda: list(tmp_path.glob("*/**/.elsie-*/started")))[0]
        tool = int(until(lambda begun=begun: begun.read_text()))
        running.send_signal(number)
        out, err = running.communicate(timeout=100)
        assert running.returncode == 128 + number
        assert out == ""
        name = "interrupted" if number == signal.SIGINT else f"ended by {number.name}"
        assert err.splitlines()[-1] == f"elsie: {name}"
        assert "Traceback" not in err
        with pytest.raises(ProcessLookupError):
            os.kill(tool, 0)
        assert left(here) == before
        assert left(tmp_path / "tmp") == set()
        assert not list(tmp_path.glob("**/.elsie-*"))


def hit(
    number: int, after: float, surroundings: dict[str, str], here: Path, net: Path
) -> tuple[int, str]:
    """`elsie verilog`, hit by a signal after some seconds; its exit code and what it said."""
    running = start("verilog", net, "-o", "out.v", env=surroundings, cwd=here)
    time.sleep(after)
    running.send_signal(number)
    _, err = running.communicate(timeout=200)
    return running.returncode, err


def hits(number: int, times: list[float], surroundings: dict[str, str], tmp_path: Path) -> int:
    """Each leaves nothing, or the whole file and says so; returns how many were in time."""
    here = tmp_path / "here"
    net, _ = small_net(here)
    write = "import time; time.sleep(.3); open('out.v', 'w').write('module elsie')"
    env = {**surroundings, "YOSYS": pretend(tmp_path / "yosys", write)}
    whole = {"small.elsie", "x.npz", "out.v"}
    stopped = 0
    for after in times:
        (here / "out.v").unlink(missing_ok=True)
        code, err = hit(number, after, env, here, net)
        if number == signal.SIGKILL:
            continue
        # Before main has begun, Python itself is hit.
        early = code in (-number, 1) and not left(here) - whole and "elsie: " not in err
        assert early or code in (0, 128 + number), err
        assert early or "Traceback" not in err
        stopped += code == 128 + number
        assert left(here) == whole - ({"out.v"} if code else set()), (code, err)
        assert left(tmp_path / "tmp") == set()
    (here / "out.v").unlink(missing_ok=True)
    done = start("verilog", net, "-o", "out.v", env=env, cwd=here)
    assert done.communicate(timeout=200)[1] == ""
    assert done.returncode == 0
    assert left(here) == whole, "the next run tidies up"
    return stopped


def test_ctrl_c_at_some_moments(surroundings: dict[str, str], tmp_path: Path) -> None:
    assert hits(signal.SIGINT, [0.4, 0.9], surroundings, tmp_path) <= 2


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_at_many_random_moments(
    surroundings: dict[str, str], tmp_path: Path, number: int
) -> None:
    rng = random.Random(number)
    hits(number, [rng.uniform(0.2, 4) for _ in range(40)], surroundings, tmp_path)


def parsers() -> dict[str, Any]:
    """Every command and benchmark."""
    found, todo = {}, [("elsie", parser())]
    while todo:
        name, one = todo.pop()
        found[name] = one
        for action in one._actions:
            if isinstance(action.choices, dict):
                todo += [(f"{name} {key}", below) for key, below in action.choices.items()]
    return found


def test_every_command_has_examples_that_it_takes() -> None:
    """Each command and benchmark; the examples are parsed too."""
    shown = {name: one.epilog or "" for name, one in parsers().items()}
    assert len(shown) >= 15
    for name, text in shown.items():
        examples = [shlex.split(line) for line in text.splitlines() if line.startswith("  elsie")]
        assert examples, f"{name} --help has no examples"
        for words in examples:
            plain = list(itertools.takewhile(lambda word: word not in ("&&", "#"), words))
            if "--help" not in plain:
                parser().parse_args(plain[1:])
