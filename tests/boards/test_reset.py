# amaranth: UnusedElaboratable=no
"""A reset without timing (SGSR): registers may begin at the same clock edge, or a cycle apart."""

import random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Fragment, Module, Signal

from boards.families.ecp5 import GlobalSetReset
from boards.gateware.top import BoardTop
from boards.link.frames import answer, request
from boards.link.protocol import Command, Status
from elsie.host.packing import Packing
from golden.arithmetic.run import forward
from golden.config import EngineConfig
from golden.format.image import encode
from golden.timing.model import TimingModel
from sim.harness import simulate
from tests.boards.gateware.networks import CONFIG, network
from tests.boards.gateware.serial_line import receive, send

DIVISOR = 4


def registers(design: Any) -> list[Signal]:
    """Every register of a design, each once."""
    found = {
        id(signal): signal
        for domain, statements in design.statements.items()
        if domain != "comb"
        for statement in statements
        for signal in statement._lhs_signals()
    }
    return [*found.values(), *(r for sub, *_ in design.subfragments for r in registers(sub))]


@pytest.mark.parametrize(
    ("config", "seed"), [(CONFIG, 1), (CONFIG.replace(group=2, broadcast_stages=2), 2)]
)
def test_bits_that_begin_a_cycle_late_do_no_harm(config: EngineConfig, seed: int) -> None:
    """Half of all bits, at random; then a request is answered as ever."""
    chosen = random.Random(seed)
    net = network(config=config)
    top = BoardTop(network=net, clock_hz=1, divisor=DIVISOR)
    design = Fragment.get(top, None)
    vector = [chosen.randrange(1, 100) for _ in range(net.n_in)]

    async def begin(ctx: Any) -> None:
        ctx.set(top.rx, 1)
        await ctx.tick()
        for register in registers(design):
            late = chosen.getrandbits(len(register))
            now = ctx.get(register.as_unsigned())
            ctx.set(register.as_unsigned(), now & ~late | register.init & late)
        await ctx.tick().repeat(20)
        payload = b"\x04" + bytes(vector)
        await send(ctx, top.rx, request(0, Command.RUN, payload), divisor=DIVISOR)
        raw = b""
        while not raw.endswith(b"\0"):
            raw += await receive(ctx, top.tx, 1, divisor=DIVISOR)
        found = answer(raw[:-1])
        assert found is not None
        assert (found.number, found.command, found.status) == (0, Command.RUN, Status.OK)
        (step,) = Packing(net).results(found.payload)
        assert (step.outputs == forward(net, [vector])[0]).all()
        assert step.cycles == TimingModel(encode(net)).run(np.array(vector))[1].cycles

    simulate(design, begin, max_cycles=6000)


def test_the_counter_before_it_refuses_the_reset_that_it_makes() -> None:
    """Else the reset would never end."""
    m, reset = Module(), GlobalSetReset()
    register, clk = Signal(3), Signal()
    reset.hold(m, clk=clk, register=register, following=register + 1)
    made: Any = Fragment.get(m, None)
    cells = [sub for sub, *_ in made.subfragments]
    assert [cell.type for cell in cells] == ["FD1S3AX"] * 3
    assert all(cell.parameters["GSR"] == "DISABLED" for cell in cells)
