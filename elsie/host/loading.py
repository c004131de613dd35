"""Loads a network, whatever happens on the line."""

import zlib
from collections.abc import Callable, Sequence

from boards.link.protocol import Command, State, Status
from elsie.host.errors import BoardError, Interrupted
from elsie.host.link import Link, Refused

RETRIES = 10
"""How often a piece of work is begun again before it is given up."""


def load_words(
    link: Link,
    words: Sequence[bytes],
    commit: bytes,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """BEGIN, LOAD, COMMIT; after an error on from the last piece that has arrived.

    words: payloads of LOAD. commit: COMMIT's payload behind the checksum; its last eight bytes are
    the network's hash. progress: called with (bytes loaded, all). Raises BoardError when the line
    is too bad.
    """
    sums, ends = [0], [0]
    for piece in words:
        sums.append(zlib.crc32(piece, sums[-1]))
        ends.append(ends[-1] + len(piece))
    done = None
    for _ in range(RETRIES):
        try:
            if done is None:
                link.ask(Command.RESET)
                link.ask(Command.BEGIN)
                done = 0
            for _ in link.stream([(Command.LOAD, piece) for piece in words[done:]]):
                done += 1
                if progress:
                    progress(ends[done], ends[-1])
            link.ask(Command.COMMIT, sums[-1].to_bytes(4, "little") + commit)
            return
        except Interrupted:
            found = link.recover()
            if State.LOADED in found.state and found.identity.network == commit[-8:]:
                return
            # What the board has is known by its checksum.
            known = State.LOADING in found.state and found.checksum in sums
            done = sums.index(found.checksum) if known else None
        except Refused as error:
            if error.status is not Status.CHECKSUM:
                raise
            link.recover()
            done = None
    raise BoardError(
        f"the network could not be loaded in {RETRIES} tries; the line on port {link.line.name} is "
        f"bad: try a lower speed or another cable"
    )
