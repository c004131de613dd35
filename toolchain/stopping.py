"""Ctrl-C, SIGTERM and SIGHUP: each ends the command like an exception, and none is lost."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_AGAIN = 0.01
"""Seconds after which a lost exception is raised again."""


class Stopped(KeyboardInterrupt):
    """Somebody asked the command to stop; its argument is the signal's number."""


_asked: list[int] = []
_later = [False]
_heeding = [False]


def asked() -> int | None:
    """The first signal that asked to stop since `heeded` began; None if there was none."""
    return _asked[0] if _asked else None


def check() -> None:
    """Raise Stopped if somebody asked to stop, and the exception was lost on its way.

    A library may catch everything, and C code that imports a module makes an ImportError of it.
    Called where it matters: before a program starts, and before a result is put in its place. What
    was asked of an earlier command in this process does not count.
    """
    if _asked and _heeding[0]:
        raise Stopped(_asked[0])


@contextmanager
def later() -> Iterator[None]:
    """Do what must not be half done, in the main thread, and raise Stopped only at its end."""
    if _later[0] or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = len(_asked)
    _later[0] = True
    try:
        yield
    finally:
        _later[0] = False
    if len(_asked) > before:
        check()


@contextmanager
def heeded() -> Iterator[None]:
    """Raise Stopped in this, the main, thread when a signal asks to stop.

    Python drops exceptions that are raised in destructors and callbacks; such ones come again. In
    another thread, or for a signal that the parent has told us to ignore (nohup), nothing changes.
    """
    _asked.clear()
    outer, _heeding[0] = _heeding[0], True
    before: dict[int, Any] = {}
    hook = sys.unraisablehook
    timers: list[threading.Timer] = []

    def again(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Stopped):
            hook(unraisable)
            return
        number = unraisable.exc_value.args[0]
        main = threading.main_thread().ident  # which may be waiting for something
        timer = threading.Timer(_AGAIN, signal.pthread_kill, [main, number])
        timer.daemon = True
        timers.append(timer)
        timer.start()

    if threading.current_thread() is threading.main_thread():
        sys.unraisablehook = again
        for number in (getattr(signal, name, None) for name in _SIGNALS):
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        _heeding[0] = outer
        for timer in timers:
            timer.cancel()  # what comes after this does not heed it
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook


def _stop(number: int, _: FrameType | None) -> None:
    _asked.append(number)
    if not _later[0]:
        raise Stopped(number)
