"""Runs programs: what they say is kept, and they end when we do."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from golden.errors import ElsieError
from toolchain import stopping
from toolchain.guard import Guard

_POLL = 0.01
"""Seconds between two looks at programs that run side by side."""
_GRACE = 3.0
"""Seconds that a program has to tidy up after SIGINT before it is killed."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A program that has ended."""

    code: int
    """Its exit code; negative: the signal that ended it."""
    out: str
    """Its standard output."""
    err: str
    """Its standard error."""

    @property
    def reason(self) -> str:
        """Why it failed, in one line: its first error, else its last words, else how it ended."""
        lines = [line.rstrip() for line in (self.err + "\n" + self.out).splitlines()]
        lines = [line for line in lines if line]
        # An indented line is part of a traceback or of quoted source.
        errors = [line for line in lines if re.match(r"\S.*error", line, re.IGNORECASE)]
        ended = f"exit code {self.code}"
        if self.code < 0:
            names = {number.value: number.name for number in signal.Signals}
            ended = f"it was ended by {names.get(-self.code, f'signal {-self.code}')}"
        said = [*errors[:1], *lines[-1:], ended][0]
        return " ".join(said.split())[:300]


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> Done:
    """Run one program to its end; see `run_all`."""
    return run_all([command], cwd=cwd, env=env, seconds=seconds)[0]


def run_all(
    commands: Sequence[Sequence[str]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float | None = None,
    at_once: int = 1,
    ended: Callable[[int, Done], None] | None = None,
) -> list[Done]:
    """Run programs, `at_once` side by side, in `cwd`; returns how each ended, in order.

    ended: called with a program's number and how it ended, as soon as it has. env: added to our
    environment. seconds: how long each may take; by default as long as it likes, because place and
    route may need hours, and Ctrl-C ends it. Each runs in a process group of its own, which is
    ended when we are interrupted, asked to stop, or killed. Raises ElsieError when one cannot be
    started or takes too long, KeyboardInterrupt when one was interrupted.
    """
    done: dict[int, Done] = {}
    running: dict[int, _Child] = {}
    with ExitStack() as stack:
        with stopping.later():
            guard = Guard()
            stack.callback(guard.close)
        try:
            for number, command in enumerate(commands):
                while len(running) == at_once:
                    _collect(running, done, guard, ended)
                stopping.check()
                with stopping.later():
                    running[number] = _Child(stack, command, cwd, env, seconds)
                    guard.started(running[number].popen.pid)
            while running:
                _collect(running, done, guard, ended)
        finally:
            with stopping.later():
                for child in running.values():
                    child.end()
                    guard.ended(child.popen.pid)
    return [done[number] for number in range(len(commands))]


class _Child:
    """A running program; its output goes to files, which cannot block it as pipes do."""

    def __init__(
        self,
        stack: ExitStack,
        command: Sequence[str],
        cwd: Path | None,
        env: Mapping[str, str] | None,
        seconds: float | None,
    ) -> None:
        self.name = Path(command[0]).name
        self.seconds = seconds
        temporary = tempfile.TemporaryFile
        self.files: list[IO[bytes]] = [stack.enter_context(temporary(dir=cwd)) for _ in range(2)]
        try:
            self.popen = subprocess.Popen(
                list(command),
                cwd=cwd,
                # What it leaves in its own temporary folders goes when `cwd` goes.
                env={**os.environ, **({"TMPDIR": str(cwd)} if cwd else {}), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=self.files[0],
                stderr=self.files[1],
                process_group=0,
            )
        except OSError as error:
            raise ElsieError(f"{command[0]} cannot be run: {error.strerror}") from None
        self.started = time.monotonic()

    def wait(self, seconds: float | None) -> Done | None:
        """How it ended; None if it has not within `seconds`."""
        try:
            code = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            if self.seconds is not None and time.monotonic() - self.started > self.seconds:
                raise ElsieError(
                    f"{self.name} did not end within {self.seconds:g} s, so it was stopped"
                ) from None
            return None
        if code in (-signal.SIGINT, 128 + signal.SIGINT):
            raise KeyboardInterrupt  # somebody interrupted the program alone
        out, err = (_text(file) for file in self.files)
        return Done(code=code, out=out, err=err)

    def end(self) -> None:
        """End it and all that it has started: politely first, because it tidies up then."""
        for number, seconds in ((signal.SIGINT, _GRACE), (signal.SIGKILL, None)):
            try:
                os.killpg(self.popen.pid, number)
                self.popen.wait(seconds)
            except (ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
                continue
        self.popen.wait()


def _collect(
    running: dict[int, _Child],
    done: dict[int, Done],
    guard: Guard,
    ended: Callable[[int, Done], None] | None,
) -> None:
    """Move what has ended from `running` to `done`; waits a little, or for the only one."""
    alone = len(running) == 1
    for number, child in list(running.items()):
        if how := child.wait(None if alone and child.seconds is None else _POLL):
            done[number] = how
            guard.ended(child.popen.pid)
            del running[number]
            if ended is not None:
                ended(number, how)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
