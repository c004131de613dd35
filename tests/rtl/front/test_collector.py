"""Collector: any number of groups, one broadcast a cycle, lowest group first, hold and enable."""

from collections import deque

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.front.collector import Collector
from sim.harness import simulate
from tests.rtl.helpers import tiny_config

Element = tuple[int, int]
"""index, value"""
BASE = 7


def config_of(groups: int, grant: int = 0) -> EngineConfig:
    stages = {"grant": grant}
    return tiny_config(
        pes=groups, group=1, row_depth=4, act_depth=8, column_depth=512, stages=stages
    )


def run(
    config: EngineConfig, lists: list[list[Element]], enable: list[int], hold: list[int]
) -> tuple[list[int | None], dict[int, tuple[int, int]]]:
    """Which group was granted in each cycle, and the broadcasts by cycle."""
    dut = Collector(config=config)
    waiting = [deque(elements) for elements in lists]
    grants: list[int | None] = []
    broadcasts: dict[int, tuple[int, int]] = {}

    async def bench(ctx) -> None:
        ctx.set(dut.base, BASE)
        shown: tuple[int, Element] | None = None
        late = 0
        for cycle in range(len(enable)):
            pending = sum(bool(elements) << g for g, elements in enumerate(waiting))
            ctx.set(dut.pending, pending)
            if config.stages.grant:
                ctx.set(dut.more, sum((len(left) > 1) << g for g, left in enumerate(waiting)))
            ctx.set(dut.enable, enable[cycle])
            ctx.set(dut.hold, hold[cycle])
            grant = ctx.get(dut.grant)
            left = sum(map(len, waiting)) - bool(late)
            assert ctx.get(dut.any_pending) == bool(left)
            assert grant & (grant - 1) == 0
            grants.append(grant.bit_length() - 1 if grant else None)
            leaving = ctx.get(dut.broadcast)
            if leaving.valid and not hold[cycle]:
                broadcasts[cycle] = (leaving.column, leaving.value)
            await ctx.tick()
            if hold[cycle]:
                continue  # as the activation memories do: their elements stay
            if shown:
                ctx.set(dut.elements[shown[0]], {"valid": 0, "index": 0, "value": 0})
            shown = None
            if config.stages.grant:  # it is on its way
                grant, late = late, grant
            if grant:
                group = grant.bit_length() - 1
                shown = (group, waiting[group].popleft())
                index, value = shown[1]
                ctx.set(dut.elements[group], {"valid": 1, "index": index, "value": value})

    simulate(dut, bench, max_cycles=len(enable) + 2)
    return grants, broadcasts


def random_lists(rng: np.random.Generator, config: EngineConfig) -> list[list[Element]]:
    return [
        [(int(i), int(rng.choice([-128, -1, 1, 127]))) for i in range(int(rng.integers(0, 5)))]
        for _ in range(config.groups)
    ]


@pytest.mark.parametrize("groups", range(1, 21))
def test_sustained_in_order_and_after_a_fixed_latency(groups: int) -> None:
    config = config_of(groups)
    lists = random_lists(np.random.default_rng(groups), config)
    order = [(group, element) for group, elements in enumerate(lists) for element in elements]
    cycles = len(order) + 8
    grants, broadcasts = run(config, lists, [1] * cycles, [0] * cycles)
    assert grants == [group for group, _ in order] + [None] * 8
    levels = 0 if groups == 1 else 1 if groups <= 4 else 2 if groups <= 16 else 3
    assert broadcasts == {
        cycle + 2 + levels: (BASE + index * groups + group, value)
        for cycle, (group, (index, value)) in enumerate(order)
    }


@pytest.mark.parametrize("grant", [0, 1])
@pytest.mark.parametrize("groups", [1, 3, 4, 7, 17])
def test_hold_stops_all_that_is_on_its_way_and_enable_the_grants(groups: int, grant: int) -> None:
    """A grant that is on its way counts: no element is granted twice, and no cycle is lost."""
    config = config_of(groups, grant)
    rng = np.random.default_rng(groups)
    lists = random_lists(rng, config)
    lists[0] = [(0, 1), (1, -1), (2, 5)]
    order = [(group, element) for group, elements in enumerate(lists) for element in elements]
    cycles = 6 * len(order) + 40
    enable = [int(bit) for bit in rng.random(cycles) < 0.7]
    hold = [int(bit) for bit in rng.random(cycles) < 0.3]
    grants, broadcasts = run(config, lists, enable, hold)
    open_cycles = [n for n in range(cycles) if enable[n] and not hold[n]]
    assert [n for n, grant in enumerate(grants) if grant is not None] == open_cycles[: len(order)]
    # A step is a cycle without hold; the way takes 2 + levels of them.
    steps = [n for n in range(cycles) if not hold[n]]
    latency = 2 + config.collector_levels + grant
    expected = {}
    for cycle, (group, (index, value)) in zip(open_cycles, order, strict=False):
        leaves = steps[steps.index(cycle) + latency]
        expected[leaves] = (BASE + index * groups + group, value)
    assert broadcasts == expected


def test_a_group_that_fills_up_again_goes_first() -> None:
    """Grants follow what is pending now, not a round."""
    dut = Collector(config=config_of(3))
    seen = []

    async def bench(ctx) -> None:
        ctx.set(dut.enable, 1)
        for pending in (0b110, 0b111, 0b100, 0b101):
            ctx.set(dut.pending, pending)
            seen.append(ctx.get(dut.grant))
            await ctx.tick()

    simulate(dut, bench, max_cycles=10)
    assert seen == [0b010, 0b001, 0b100, 0b001]
