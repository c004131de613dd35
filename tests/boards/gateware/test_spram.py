# amaranth: UnusedElaboratable=no
"""A board whose bitstream holds all but the entries: only they are loaded, and only its own."""

from typing import Any

import numpy as np

from boards.gateware.top import BoardTop
from boards.link.frames import Answer, answer, request
from boards.link.pieces import pieces
from boards.link.protocol import Command, Loads, Status
from rtl.load import LoadTarget
from sim.harness import simulate
from tests.boards.gateware.networks import network
from tests.boards.gateware.serial_line import receive, send
from tests.boards.link.script import DIVISOR, N_IN, TINY, Loaded

SPRAM = TINY.replace(entry_memory="spram", run_width=4)


def test_entries_are_loaded_by_themselves() -> None:
    mine = Loaded(network(config=SPRAM, n_in=N_IN, seed=1))
    top = BoardTop(network=mine.network, clock_hz=1, divisor=DIVISOR)
    assert top.loads is Loads.ENTRIES
    words = pieces(mine.image, Loads.ENTRIES)
    assert {piece[0] for piece in words} == {LoadTarget.ENTRY.value}
    import zlib

    total = zlib.crc32(b"".join(words)).to_bytes(4, "little")
    other = total + mine.commit[4:-1] + bytes([mine.commit[-1] ^ 1])
    x = np.random.default_rng(1).integers(-128, 128, (1, N_IN))
    begin, run = (Command.BEGIN, b""), (Command.RUN, mine.run(x))
    load = [(Command.LOAD, piece) for piece in words]
    asked = [
        (run, Status.NOT_LOADED),
        (begin, Status.OK),
        *((one, Status.OK) for one in load),
        ((Command.COMMIT, other), Status.CHECKSUM),
        (run, Status.NOT_LOADED),
        (begin, Status.OK),
        ((Command.LOAD, b"\x01" + words[0][1:]), Status.REFUSED),
        (begin, Status.OK),
        *((one, Status.OK) for one in load),
        ((Command.COMMIT, total + mine.commit[4:]), Status.OK),
        (run, Status.OK),
    ]
    found: list[Answer | None] = []

    async def host(ctx: Any) -> None:
        ctx.set(top.rx, 1)
        await ctx.tick().repeat(20)
        for number, ((command, payload), _) in enumerate(asked):
            await send(ctx, top.rx, request(number, command, payload), divisor=DIVISOR)
            raw = b""
            while not raw.endswith(b"\0"):
                raw += await receive(ctx, top.tx, 1, divisor=DIVISOR)
            found.append(answer(raw[:-1]))

    simulate(top, host, max_cycles=100_000)
    assert [one and one.status for one in found] == [status for _, status in asked]
    assert found[-1] is not None
    assert mine.right(x, found[-1].payload)
