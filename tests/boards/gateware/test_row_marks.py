"""Rows' marks with random waits, and a network with maps behind a serial line."""

from typing import Any

import numpy as np
import pytest

from boards.gateware.row_marks import RowMarks
from boards.gateware.top import BoardTop
from golden.arithmetic.run import forward
from golden.maps.checks import as_shape
from golden.maps.convolution import Source
from golden.maps.grid import as_sent, sent_shape
from sim.harness import simulate
from tests.boards.gateware.serial_line import receive, send
from tests.maps import Builder, map_config, map_input
from tests.rtl.helpers import drive

DIVISOR, TIMEOUT = 4, 80
NAMES = ("valid", "payload.value", "payload.last")


@pytest.mark.parametrize("items", [1, 2, 3, 8])
def test_the_last_of_each_row_is_marked(items: int) -> None:
    """Whatever the pauses on both sides; all else passes."""
    rng = np.random.default_rng(items)
    rows: list[dict[str, int]] = []
    expected: list[dict[str, Any]] = []
    taken = 0
    for _ in range(120):
        given = {name: int(rng.integers(0, 2)) for name in NAMES}
        ready = int(rng.integers(0, 2))
        rows.append({f"given.{name}": value for name, value in given.items()})
        rows[-1] |= {"given.payload.row": int(rng.integers(0, 2)), "marked.ready": ready}
        shown = {f"marked.{name}": value for name, value in given.items()}
        shown |= {"marked.payload.row": int(taken % items == items - 1), "given.ready": ready}
        expected.append(shown)
        taken += given["valid"] & ready
    dut = RowMarks(config=map_config(), items=items)
    assert drive(dut, rows, [*expected[0]]) == expected


def test_a_network_with_maps_on_a_board() -> None:
    """Inputs of three channels, for which each row has places without a unit."""
    build = Builder(np.random.default_rng(5), map_config(), (3, 4, 5))
    build.conv(4, Source(layer=-1, kernel=(3, 3), pad=(1, 1)), shape=(4, 4), pool=(2, 2))
    build.flatten(5)
    network = build.network()
    shape = as_shape(network.input_shape)
    rows, items = sent_shape(network.config, shape, network.n_in)
    assert rows * items > network.n_in
    top = BoardTop(network=network, divisor=DIVISOR, timeout=TIMEOUT)

    async def script(ctx: Any) -> None:
        for _ in range(2):
            x = map_input(build.rng, network)
            sent = as_sent(network.config, shape, x)[0]
            assert sent.shape == (rows, items)
            await send(ctx, top.rx, sent.astype(np.int8).tobytes(), divisor=DIVISOR)
            answer = await receive(ctx, top.tx, 5, divisor=DIVISOR)
            assert answer[0] == forward(network, x)[0].argmax()
            assert int.from_bytes(answer[1:], "little") > 0

    simulate(top, script, max_cycles=60_000)
