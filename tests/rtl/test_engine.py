# amaranth: UnusedElaboratable=no
"""The whole engine at its ports: back to back, back-pressure, gaps, a reset at any moment."""

import functools
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal

from golden.arithmetic.run import forward
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from golden.timing.model import TimingModel
from rtl.engine import Engine
from rtl.operations.clearing import clear_cycles
from sim.harness import get, put, simulate
from tests.networks import random_input, random_network, small_config

SAMPLES = 3


@functools.cache
def case(mac: str = "codebook", pes: int = 5) -> tuple[Network, np.ndarray, list[dict[int, int]]]:
    """A network, inputs, and the non-zero results by position."""
    rng = np.random.default_rng(11)
    config = small_config([12, 11, 9], mac=mac, pes=pes, group=2, act_width=10)
    network = random_network(rng, config, [12, 11, 9], density=0.5, shift=9)
    x = random_input(rng, network, SAMPLES)
    position = network.layers[-1].position
    expected = [
        {int(p): int(v) for p, v in zip(position, row, strict=True) if v}
        for row in forward(network, x)
    ]
    assert all(expected)
    return network, x, expected


async def send(ctx: Any, engine: Engine, row: np.ndarray, gaps: np.ndarray | None = None) -> None:
    for column, value in enumerate(row):
        if gaps is not None and gaps[column]:
            await ctx.tick().repeat(int(gaps[column]))
        last = int(column == len(row) - 1)
        await put(ctx, engine.input, {"value": int(value), "last": last})


def run(
    mac: str, *, ready: float = 1.0, gap: int = 0, seed: int = 0
) -> tuple[list[dict[int, int]], list[int]]:
    """All samples, one after the other; results of each, and the cycle of each `done`."""
    network, x, _ = case(mac)
    dut = Engine(config=network.config, image=encode(network))
    rng = np.random.default_rng(seed)
    results: list[dict[int, int]] = [{}]
    done: list[int] = []

    async def feed(ctx) -> None:
        for row in x:
            await send(ctx, dut, row, rng.integers(0, gap + 1, len(row)) if gap else None)

    async def take(ctx) -> None:
        cycle = 0
        before: tuple[int, int] | None = None
        while len(done) < len(x):
            ready_now = bool(rng.random() < ready)
            ctx.set(dut.output.ready, ready_now)
            payload = ctx.get(dut.output.payload)
            shown = (payload.position, payload.value) if ctx.get(dut.output.valid) else None
            assert before is None or shown == before, "the stream changed before it was taken"
            if shown and ready_now:
                assert shown[0] not in results[-1]
                results[-1][shown[0]] = shown[1]
            before = None if ready_now else shown
            if ctx.get(dut.done):
                done.append(cycle)
                results.append({})
            await ctx.tick()
            cycle += 1

    simulate(dut, feed, take, max_cycles=20_000)
    assert results.pop() == {}
    return results, done


@pytest.mark.parametrize("mac", ["codebook", "fixed", "log", "log-sqrt2", "ternary"])
def test_inferences_back_to_back(mac: str) -> None:
    """The next input waits at the port all the time, so that no more cycles are lost than must."""
    network, x, expected = case(mac)
    results, done = run(mac)
    assert results == expected
    model = TimingModel(encode(network))
    lasts = [int(model.run(row)[0].events["done"][0, 0]) for row in x]
    # From done to the last input of the next: three cycles in which its first phase is prepared,
    # and one of idle for each input.
    steps = [last + 3 + network.n_in for last in lasts]
    assert [int(gap) for gap in np.diff(done)] == steps[1:]


@pytest.mark.parametrize("ready", [0.05, 0.5])
def test_back_pressure_changes_no_output(ready: float) -> None:
    results, _ = run("codebook", ready=ready, seed=1)
    assert results == case()[2]


def test_gaps_between_inputs_change_no_output() -> None:
    results, _ = run("codebook", gap=5, seed=2)
    assert results == case()[2]
    results, _ = run("fixed", gap=3, ready=0.3, seed=3)
    assert results == case("fixed")[2]


@pytest.mark.parametrize("after", [2, 20, 45, 60, 75])
def test_a_reset_at_any_moment_leaves_a_clean_engine(after: int) -> None:
    network, x, expected = case()
    trace = TimingModel(encode(network)).run(x[0])[0]
    assert int(trace.events["done"][0, 0]) > 63, "the last moments must be inside the inference"
    dut, reset = Engine(config=network.config, image=encode(network)), Signal()
    results: dict[int, int] = {}

    async def bench(ctx) -> None:
        await ctx.tick().until(dut.input.ready)
        sent = 0
        for cycle in range(after):  # some inputs, or all of them and part of the inference
            if sent < network.n_in and ctx.get(dut.input.ready):
                last = int(sent == network.n_in - 1)
                ctx.set(dut.input.payload, {"value": int(x[0][sent]), "last": last})
                ctx.set(dut.input.valid, 1)
                sent += 1
            else:
                ctx.set(dut.input.valid, 0)
            assert not ctx.get(dut.done), cycle
            await ctx.tick()
        ctx.set(dut.input.valid, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        assert not ctx.get(dut.input.ready)
        assert not ctx.get(dut.output.valid)
        await send(ctx, dut, x[1])
        for _ in expected[1]:
            payload = await get(ctx, dut.output)
            results[payload.position] = payload.value
        ctx.set(dut.output.ready, 1)
        await ctx.tick().until(dut.done)

    simulate(ResetInserter(reset)(dut), bench, max_cycles=3000)
    assert results == expected[1]


def test_an_image_for_another_configuration_is_refused() -> None:
    network, _, _ = case()
    other = network.config.replace(queue_depth=network.config.queue_depth + 1)
    with pytest.raises(ElsieError, match="image was encoded for another engine configuration"):
        Engine(config=other, image=encode(network))


def test_the_input_waits_while_sums_are_cleared() -> None:
    network, _, _ = case()
    config = network.config
    # The sequencer's own clear ends a cycle after the last sum is zero; three prepare a phase.
    cycles = clear_cycles(config) + 1 + 3
    dut = Engine(config=config, image=encode(network))
    ready = []

    async def bench(ctx) -> None:
        for _ in range(cycles + 2):
            ready.append(ctx.get(dut.input.ready))
            await ctx.tick()

    simulate(dut, bench, max_cycles=200)
    assert ready == [0] * cycles + [1, 1]
