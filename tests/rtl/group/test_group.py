# amaranth: UnusedElaboratable=no
"""A PE group alone, played by the engine's part: inputs in, broadcasts, results in its lists."""

from typing import Any

import numpy as np
import pytest

from golden.arithmetic.run import forward
from golden.format import layout
from golden.format.image import Image, encode
from golden.format.layer import deal
from golden.format.network import Network
from rtl.group.group import Group
from rtl.operations.clearing import clear_cycles
from sim.harness import simulate
from tests.networks import random_input, random_layer, random_network, small_config

SIZES = [19, 13]
ENOUGH = 40
"""Cycles in which whatever is on its way arrives."""


class Player:
    """What sequencer, input port and collector do for a group, as slowly as one likes."""

    def __init__(self, network: Network, image: Image, number: int) -> None:
        self.config, self.number, self.n_in = network.config, number, network.n_in
        self.fields = layout.unpack(layout.descriptor(self.config), image.program[:1])
        self.group = Group(config=self.config, number=number, image=image)
        self.inputs: list[tuple[int, int]] = []
        self.outputs: list[tuple[int, int]] = []
        self.held = 0
        """Cycles in which the broadcasts waited."""
        self.over = 0
        """Cycles from the last broadcast until all operations had begun."""
        self.busy = [0] * self.config.group_size(number)
        """Cycles in which each PE had an entry or an operation."""

    def run(self, x: np.ndarray) -> None:
        async def bench(ctx: Any) -> None:
            # After a reset the sums are cleared, and the sequencer takes no inputs.
            await ctx.tick().repeat(clear_cycles(self.config))
            phase = {name: int(self.fields[name][0]) for name in ("rows", "shift", "relu")}
            ctx.set(self.group.phase, {**phase, "bias_base": int(self.fields["bias_base"][0])})
            for column, value in enumerate(x.tolist()):
                if column % self.config.groups == self.number:
                    index = column // self.config.groups
                    ctx.set(self.group.arriving, {"valid": 1, "index": index, "value": value})
                    await ctx.tick()
            ctx.set(self.group.arriving, {"valid": 0})
            self.inputs = await self._elements(ctx)
            await self._broadcast(ctx, x)
            await self._pulse(ctx, "end")
            self.outputs = await self._elements(ctx)

        async def watch(ctx: Any) -> None:
            group = self.group
            async for _, _, starving, closed in ctx.tick().sample(group.starving, group.closed):
                now = [slot for slot in range(len(self.busy)) if not starving >> slot & 1]
                for slot in now:
                    self.busy[slot] += 1
                assert not closed or len(now) <= 1, "operations of two PEs at once"

        simulate(self.group, bench, processes=[watch], max_cycles=2000)

    async def _pulse(self, ctx: Any, name: str) -> None:
        ctx.set(getattr(self.group, name), 1)
        await ctx.tick()
        ctx.set(getattr(self.group, name), 0)

    async def _elements(self, ctx: Any) -> list[tuple[int, int]]:
        """The list that was written, element by element."""
        await self._pulse(ctx, "begin")
        found = []
        while ctx.get(self.group.pending):
            await self._pulse(ctx, "grant")
            element = self.group.element
            assert ctx.get(element.valid)
            found.append((ctx.get(element.index), ctx.get(element.value)))
        return found

    async def _broadcast(self, ctx: Any, x: np.ndarray) -> None:
        """All columns that are not 0; then wait until the operations are over, and a bit."""
        base = int(self.fields["column_base"][0])
        for column in np.flatnonzero(x).tolist():
            value = int(x[column])
            ctx.set(self.group.broadcast, {"valid": 1, "column": base + column, "value": value})
            hold = 1
            while hold:
                hold = ctx.get(self.group.near_full)
                ctx.set(self.group.hold, hold)
                self.held += hold
                await ctx.tick()
        ctx.set(self.group.broadcast, {"valid": 0})
        assert not ctx.get(self.group.over)
        await ctx.tick().repeat(ENOUGH)  # jobs are still on their way
        ctx.set(self.group.closed, 1)
        while not ctx.get(self.group.over):
            self.over += 1
            await ctx.tick()
        await ctx.tick().repeat(ENOUGH)
        ctx.set(self.group.closed, 0)


def play(network: Network, number: int, seed: int) -> tuple[Player, list, list]:
    """The player after an inference; its group's inputs and outputs that are not 0."""
    config, x = network.config, random_input(np.random.default_rng(seed), network)
    player = Player(network, encode(network), number)
    player.run(x[0])
    given = [(c // config.groups, v) for c, v in enumerate(x[0]) if c % config.groups == number]
    values = zip(network.layers[0].position.tolist(), forward(network, x)[0].tolist(), strict=True)
    made = [(p // config.groups, v) for p, v in values if p % config.groups == number and v]
    return player, [(index, value) for index, value in given if value], made


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (0, {"queue_depth": 32}),
        (0, {"pes": 1, "group": 1, "queue_depth": 32}),
        (0, {"pes": 5, "group": 3, "queue_depth": 32, "mac": "fixed", "act_width": 16}),
        (1, {"pes": 5, "group": 3, "queue_depth": 32, "entry_stages": 2}),
        (1, {"pes": 6, "group": 2, "queue_depth": 32, "mac": "log", "multiplier_stages": 4}),
        (0, {"queue_depth": 3}),
    ],
)
def test_a_layer_of_one_group(number: int, changes: dict[str, Any]) -> None:
    """Its inputs come back in order, then its own rows' results, each once."""
    seed, config = len(changes) + number, small_config(SIZES, **changes)
    network = random_network(np.random.default_rng(seed), config, SIZES, density=0.5)
    player, given, made = play(network, number, seed)
    assert player.inputs == given
    assert sorted(player.outputs) == sorted(made)
    assert len(made) > 1
    assert (player.held > 0) == (changes["queue_depth"] == 3)


@pytest.mark.parametrize("slot", range(4))
def test_one_pe_has_all_the_work(slot: int) -> None:
    """Its queue alone holds the broadcasts, and only it has more than its operations to do."""
    config = small_config(SIZES, queue_depth=3)
    rows = np.arange(SIZES[1])
    mask = np.broadcast_to(rows % config.pes == slot, SIZES)
    layer = random_layer(
        np.random.default_rng(slot), config, mask, shift=8, position=deal(config, rows)
    )
    network = Network(name="n", config=config, layers=(layer,))
    player, given, made = play(network, 0, seed=slot)
    assert sorted(player.outputs) == sorted(made)
    assert player.held > 0
    operations = -(-SIZES[1] // config.pes)
    entries = [
        len(given) * int((rows % config.pes == slot).sum()) * (pe == slot) for pe in range(4)
    ]
    assert player.busy == [operations + count for count in entries]


def test_pes_run_their_operations_one_after_the_other() -> None:
    """Once all jobs are done and that is known, each row takes a cycle, and each PE one more."""
    config = small_config(SIZES, queue_depth=32)
    network = random_network(np.random.default_rng(1), config, SIZES)
    player, _, _ = play(network, 0, seed=1)
    rows = -(-SIZES[1] // config.pes)
    assert 0 <= player.over - config.pes * (rows + 1) <= 2
