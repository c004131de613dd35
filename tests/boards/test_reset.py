# amaranth: UnusedElaboratable=no
"""A reset without timing (SGSR): registers may begin at the same clock edge, or a cycle apart."""

import random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Fragment, Module, Signal

from boards.families.ecp5 import GlobalSetReset
from boards.gateware.top import BoardTop
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
    """Half of all bits, at random; then a vector is answered as ever."""
    chosen = random.Random(seed)
    net = network(config=config)
    top = BoardTop(network=net, divisor=DIVISOR)
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
        await send(ctx, top.rx, bytes(vector), divisor=DIVISOR)
        answer = await receive(ctx, top.tx, 5, divisor=DIVISOR)
        outputs = forward(net, [vector])[0]
        assert answer[0] == int(np.argmax(outputs))
        cycles = TimingModel(encode(net)).run(np.array(vector))[1].cycles
        assert int.from_bytes(answer[1:], "little") == cycles

    simulate(design, begin, max_cycles=2000)


def test_the_counter_before_it_refuses_the_reset_that_it_makes() -> None:
    """Else the reset would never end."""
    m, reset = Module(), GlobalSetReset()
    register, clk = Signal(3), Signal()
    reset.hold(m, clk=clk, register=register, following=register + 1)
    made: Any = Fragment.get(m, None)
    cells = [sub for sub, *_ in made.subfragments]
    assert [cell.type for cell in cells] == ["FD1S3AX"] * 3
    assert all(cell.parameters["GSR"] == "DISABLED" for cell in cells)
