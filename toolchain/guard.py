"""Ends programs when we cannot: after kill -9, or when the system has no memory left."""

import subprocess
from contextlib import suppress

_SCRIPT = """
while read -r what pid; do
    left=
    for one in $all; do [ "$one" = "$pid" ] || left="$left $one"; done
    all=$left
    [ "$what" = start ] && all="$all $pid"
done
for one in $all; do kill -s KILL -- "-$one"; done
"""
"""Its input ends when we do, however that comes; then what is still running is killed."""


class Guard:
    """A shell that is told which process groups run. Without a shell there is no guard."""

    def __init__(self) -> None:
        self._popen: subprocess.Popen[bytes] | None = None
        with suppress(OSError):
            self._popen = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in our terminal is not for it
            )

    def started(self, group: int) -> None:
        """A group runs."""
        self._tell(f"start {group}")

    def ended(self, group: int) -> None:
        """A group has ended; its number may soon be somebody else's."""
        self._tell(f"end {group}")

    def _tell(self, line: str) -> None:
        if self._popen and self._popen.stdin:
            with suppress(OSError):  # somebody has ended it
                self._popen.stdin.write(f"{line}\n".encode())

    def close(self) -> None:
        """Nothing is left to guard."""
        if self._popen and self._popen.stdin:
            self._popen.stdin.close()
            self._popen.wait()
