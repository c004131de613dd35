# amaranth: UnusedElaboratable=no
"""Argmax over sparse results, against numpy over the dense vector."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from boards.gateware.argmax import Argmax
from golden.errors import ElsieError
from sim.harness import get, put, simulate
from tests.boards.gateware.networks import CONFIG


def run(vectors: list[list[int]], positions: list[int], *, order, gaps=0, slow=0) -> list[int]:
    """Feed several dense vectors as sparse results in a given order; return the answers."""
    dut = Argmax(config=CONFIG, positions=positions)
    answers: list[int] = []
    n_out = len(positions)

    async def engine_side(ctx):
        for vector in vectors:
            for number in order:
                if vector[number]:
                    payload = {"position": positions[number], "value": vector[number]}
                    await put(ctx, dut.results, payload)
                    await ctx.tick().repeat(gaps + 1) if gaps else None
            ctx.set(dut.done, 1)
            await ctx.tick()
            ctx.set(dut.done, 0)
            # Nothing of the next inference comes before the answer is taken.
            await ctx.tick().until(dut.answer.valid & dut.answer.ready)

    async def host_side(ctx):
        for _ in vectors:
            await ctx.tick().repeat(slow) if slow else None
            answers.append((await get(ctx, dut.answer)).index)

    limit = 50 + len(vectors) * (n_out * (gaps + 4) + slow + 20)
    simulate(dut, engine_side, host_side, max_cycles=limit)
    return answers


@st.composite
def cases(draw):
    """Vectors with many ties, zeros and negative values; positions and order at random."""
    n_out = draw(st.integers(1, 12))
    values = st.sampled_from([0, 0, -1, -2, -128, 1, 2, 127])
    negative = st.integers(-128, -1)
    element = draw(st.sampled_from([values, negative, st.integers(-3, 0), st.just(0)]))
    vector = st.lists(element, min_size=n_out, max_size=n_out)
    vectors = draw(st.lists(vector, min_size=1, max_size=3))
    positions = draw(st.permutations(range(16)))[:n_out]
    return vectors, positions, draw(st.permutations(range(n_out)))


@settings(deadline=None, max_examples=60)
@given(case=cases(), gaps=st.integers(0, 2), slow=st.sampled_from([0, 25]))
@example(case=([[-1, -2, 0]], [5, 0, 9], [2, 0, 1]), gaps=0, slow=0)
@example(case=([[-5, -2, -2], [-5, -2, 0]], [5, 0, 9], [2, 1, 0]), gaps=0, slow=0)
@example(case=([[0, 0], [3, 3], [0, 0]], [1, 0], [1, 0]), gaps=0, slow=0)
def test_equals_numpy(case, gaps: int, slow: int) -> None:
    vectors, positions, order = case
    expected = [int(np.argmax(vector)) for vector in vectors]
    assert run(vectors, list(positions), order=order, gaps=gaps, slow=slow) == expected


def test_done_before_the_memory_is_cleared_is_kept() -> None:
    dut = Argmax(config=CONFIG, positions=list(range(20)))

    async def bench(ctx):
        assert ctx.get(dut.results.ready) == 0
        ctx.set(dut.done, 1)
        await ctx.tick()
        ctx.set(dut.done, 0)
        assert (await get(ctx, dut.answer)).index == 0

    simulate(dut, bench, max_cycles=100)


def test_unknown_position_and_zero_are_caught() -> None:
    for payload, message in (
        ({"position": 7, "value": 1}, "no class"),
        ({"position": 1, "value": 0}, "zero"),
    ):
        dut = Argmax(config=CONFIG, positions=[0, 1])

        # No `until`: its generator would be closed while it runs, when the assertion fails.
        async def bench(ctx, dut=dut, payload=payload):
            ctx.set(dut.results.payload, payload)
            ctx.set(dut.results.valid, 1)
            for _ in range(20):
                await ctx.tick()

        with pytest.raises(AssertionError, match=message):
            simulate(dut, bench, max_cycles=100)


@pytest.mark.parametrize("positions", [[], [1, 1], [-1], [1 << 20]])
def test_refuses_positions(positions: list[int]) -> None:
    with pytest.raises(ElsieError, match="argmax: positions"):
        Argmax(config=CONFIG, positions=positions)
