# amaranth: UnusedElaboratable=no
"""Load frames: bytes on the serial line to a board's loader, in simulation."""

from pathlib import Path
from random import Random

from boards.gateware.loader import LOADED
from golden.errors import ElsieError
from tests.boards.gateware.test_loader import FRAME, TIMEOUT, Line, expected
from tests.fuzz import mutate
from tests.fuzz.target import Target


def change(rng: Random, data: bytes) -> bytes:
    """Bytes damaged, lost and added; at times whole frames before or behind."""
    if rng.random() < 0.3:
        return rng.choice((data + FRAME, FRAME + data, data + rng.randbytes(rng.randrange(9))))
    return mutate.of_bytes(rng, data)[: 5 * len(FRAME)]


def rightly(data: bytes) -> bytes | None:
    """What the loader passes on of a stream of bytes: all behind the first frame that is right.

    Frames are told apart by their length alone. None: there is none.
    """
    for start in range(0, len(data), len(FRAME)):
        if data[start : start + len(FRAME)] == FRAME:
            return data[start + len(FRAME) :]
    return None


def read(path: Path) -> tuple[Line, bytes]:
    """Sends a file to a loader, and after a silence the right frame, which must be taken now."""
    data, line = path.read_bytes(), Line()
    loaded = False

    async def script(ctx) -> None:
        nonlocal loaded
        await line.send(ctx, data, gap=3)
        await ctx.tick().repeat(4)
        loaded = bool(ctx.get(line.dut.loaded))
        await ctx.tick().repeat(2 * TIMEOUT)
        await line.send(ctx, FRAME, gap=3)
        await ctx.tick().repeat(4)
        assert ctx.get(line.dut.loaded), "a right frame was not taken"

    line.run(script)
    assert line.sent == [LOADED], "not answered once"
    if not loaded:
        assert rightly(data) is None, "a right frame was ignored"
        assert line.forwarded == []
        assert line.words[-len(expected()) :] == expected()
        raise ElsieError(f"{path}: ignored by the loader")
    return line, data


def verify(found: tuple[Line, bytes], path: Path) -> None:
    """The right frame was written last, and what followed it was passed on."""
    line, data = found
    rest = rightly(data)
    assert rest is not None, "a wrong frame was taken"
    assert bytes(line.forwarded) == rest + FRAME
    assert line.words[-len(expected()) :] == expected()


SEEDS = (FRAME, bytes(len(FRAME)) + FRAME, FRAME + b"\x01\xfe")
LOADER = Target(
    suffix=".bin",
    seeds=lambda: SEEDS,
    mutate=change,
    read=read,
    verify=verify,
    suite=8,
    long=300,
)
