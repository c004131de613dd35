"""Output port: whatever the taker does, nothing is lost, and the stream's rules hold."""

import itertools

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.front.output_port import OutputPort
from sim.harness import simulate
from tests.rtl.helpers import drive, tiny_config

Result = tuple[int, int]


def run(config: EngineConfig, results: list[Result], ready: list[int]) -> list[dict[str, int]]:
    """A collector that grants whenever it is not held, and a taker that is ready now and then.

    With FIFOs in the groups, what is granted moves on, and grants stop a cycle later.
    """
    dut, fifo = OutputPort(config=config), bool(config.stages.fifo)
    latency = config.collect_stages
    way: list[Result | None] = [None] * latency
    left, seen = list(results), []

    async def bench(ctx) -> None:
        stopped = False
        ctx.set(dut.enable, 1)
        for bit in ready:
            position, value = way[0] or (0, 0)
            ctx.set(
                dut.broadcast,
                {"valid": way[0] is not None, "column": position, "value": value},
            )
            ctx.set(dut.output.ready, bit)
            hold = ctx.get(dut.hold)
            ctx.set(dut.held, 0 if fifo else hold)
            payload = ctx.get(dut.output.payload)
            seen.append(
                {
                    "ready": bit,
                    "valid": ctx.get(dut.output.valid),
                    "position": payload.position,
                    "value": payload.value,
                    "empty": ctx.get(dut.empty),
                    "hold": hold,
                }
            )
            if fifo or not hold:
                way.pop(0)
                way.append(left.pop(0) if left and not stopped else None)
            stopped = fifo and bool(hold)
            await ctx.tick()

    simulate(dut, bench, max_cycles=len(ready) + 2)
    return seen


def taken(seen: list[dict[str, int]]) -> list[Result]:
    return [(row["position"], row["value"]) for row in seen if row["valid"] and row["ready"]]


def make(rng: np.random.Generator, config: EngineConfig, count: int) -> list[Result]:
    top = config.groups * config.act_depth
    return [(int(rng.integers(0, top)), int(rng.integers(-128, 128))) for _ in range(count)]


@pytest.mark.parametrize("stages", ["short", "elastic"])
@pytest.mark.parametrize("groups", [1, 3, 9, 17])
@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_random_back_pressure_loses_nothing(groups: int, chance: float, stages: str) -> None:
    config = tiny_config(pes=groups, group=1, stages=stages)
    rng = np.random.default_rng(groups)
    results = make(rng, config, 40)
    ready = [int(bit) for bit in rng.random(int(60 / chance) + 20) < chance] + [1] * 60
    seen = run(config, results, ready)
    assert taken(seen) == results
    for now, after in itertools.pairwise(seen):
        if now["valid"] and not now["ready"]:
            same = ("valid", "position", "value")
            assert [now[name] for name in same] == [after[name] for name in same]
    assert [row["empty"] for row in seen] == [1 - row["valid"] for row in seen]


@pytest.mark.parametrize("groups", [1, 5, 20])
def test_a_taker_that_is_ready_never_waits(groups: int) -> None:
    config = tiny_config(pes=groups, group=1)
    results = make(np.random.default_rng(1), config, 50)
    seen = run(config, results, [1] * 60)
    first = 3 + config.collector_levels
    assert [row["valid"] for row in seen] == [0] * first + [1] * 50 + [0] * (10 - first)
    assert taken(seen) == results
    assert not any(row["hold"] for row in seen)


def test_a_taker_that_never_comes_holds_the_collector() -> None:
    config = tiny_config()
    results = make(np.random.default_rng(2), config, 50)
    seen = run(config, results, [0] * 40)
    assert seen[-1]["hold"]
    assert not taken(seen)
    assert (seen[-1]["position"], seen[-1]["value"]) == results[0]


def test_a_result_that_is_held_is_not_taken() -> None:
    """Whatever holds it, here another unit."""
    result = {"enable": 1, "broadcast.valid": 1, "broadcast.column": 9}
    rows = [{**result, "held": 1}] * 3 + [result, {"output.ready": 1}, {}]
    seen = drive(OutputPort(config=tiny_config()), rows, ["output.valid", "hold"])
    assert [row["output.valid"] for row in seen] == [0, 0, 0, 0, 1, 0]
    assert not any(row["hold"] for row in seen)


def test_who_ignores_hold_trips_the_queue() -> None:
    rows = [{"enable": 1, "broadcast.valid": 1}] * 20
    with pytest.raises(AssertionError, match="a full queue is pushed"):
        drive(OutputPort(config=tiny_config()), rows, ["hold"])


def test_broadcasts_of_layers_are_not_results() -> None:
    seen = drive(OutputPort(config=tiny_config()), [{"broadcast.valid": 1}] * 20, ["empty"])
    assert all(row["empty"] for row in seen)
