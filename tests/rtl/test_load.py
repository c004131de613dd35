# amaranth: UnusedElaboratable=no
"""Load port: every target lands in the right memory, and its neighbours stay untouched."""

import importlib
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module

from golden.config import EngineConfig
from golden.format.image import Image, encode
from rtl.engine import Engine
from rtl.load import LoadSelect, LoadTarget
from rtl.prim.ram import BlockRam
from sim.harness import simulate
from sim.load import load_image, load_words
from tests.cases import halved
from tests.networks import random_network, small_config
from tests.rtl.helpers import clocked, drive, tiny_config

OWNERS = {
    LoadTarget.PROGRAM: "sequence.sequencer",
    LoadTarget.COLUMN: "group.column_memory",
    LoadTarget.ENTRY: "pe.pe",
    LoadTarget.CODEBOOK: "pe.decoder",
}
Memories = dict[LoadTarget, list[Any]]


@pytest.fixture
def memories(monkeypatch: pytest.MonkeyPatch) -> Memories:
    """All memories of the next engine by target, in the order of PEs or groups."""
    found: Memories = {target: [] for target in LoadTarget}

    def recording(target: LoadTarget) -> type[BlockRam]:
        class Recording(BlockRam):
            def elaborate(self, platform: object) -> Module:
                m = super().elaborate(platform)
                found[target].append(m.submodules.memory.data)
                return m

        return Recording

    for target, owner in OWNERS.items():
        monkeypatch.setattr(importlib.import_module(f"rtl.{owner}"), "BlockRam", recording(target))
    return found


def contents(ctx: Any, memories: Memories) -> dict[LoadTarget, list[list[int]]]:
    return {
        target: [[ctx.get(memory[n]) for n in range(memory.depth)] for memory in found]
        for target, found in memories.items()
    }


def case(mac: str, pes: int) -> tuple[EngineConfig, Image]:
    config = small_config([7, 6, 5], mac=mac, pes=pes, group=2, bias_depth=24)
    network = random_network(np.random.default_rng(pes), config, [7, 6, 5], density=0.7)
    return config, encode(network)


@pytest.mark.parametrize(
    ("mac", "pes"), halved(["codebook", "fixed", "log", "log-sqrt2", "ternary"], [1, 3, 6])
)
def test_a_loaded_engine_equals_an_initialised_one(mac: str, pes: int, memories: Memories) -> None:
    config, image = case(mac, pes)
    states = []
    for initial in (image, None):
        for found in memories.values():
            found.clear()
        dut = Engine(config=config, image=initial)

        async def bench(ctx, dut: Engine = dut, initial: Image | None = initial) -> None:
            if initial is None:
                assert not any(
                    word for units in contents(ctx, memories).values() for unit in units
                    for word in unit
                )  # fmt: skip
                await load_image(ctx, dut, image)
            states.append(contents(ctx, memories))

        simulate(dut, bench, max_cycles=5000)
    assert states[0] == states[1]
    sizes = {target: len(units) for target, units in states[0].items()}
    assert sizes == {
        LoadTarget.PROGRAM: 1,
        LoadTarget.COLUMN: config.groups,
        LoadTarget.ENTRY: pes,
        LoadTarget.CODEBOOK: pes if mac == "codebook" else 0,
    }
    assert len({tuple(unit) for unit in states[0][LoadTarget.ENTRY]}) == pes


@pytest.mark.parametrize("target", list(LoadTarget))
def test_one_word_changes_one_word(target: LoadTarget, memories: Memories) -> None:
    config, _ = case("codebook", 5)
    dut = Engine(config=config)
    units = {LoadTarget.COLUMN: 3, LoadTarget.ENTRY: 5}.get(target, 1)

    async def bench(ctx) -> None:
        await ctx.tick().until(dut.input.ready)
        before = contents(ctx, memories)
        for unit in range(units):
            word = {"target": target, "unit": unit, "address": 3 + unit, "data": 5 + unit}
            if target is LoadTarget.PROGRAM:
                word["address"] = 1
            ctx.set(dut.load.payload, word)
            await ctx.tick()
            assert contents(ctx, memories) == before, "not valid, yet written"
            ctx.set(dut.load.valid, 1)
            await ctx.tick()
            ctx.set(dut.load.valid, 0)
            await ctx.tick().repeat(2)
            everywhere = target in (LoadTarget.CODEBOOK, LoadTarget.PROGRAM)
            for number, memory in enumerate(before[target]):
                if everywhere or number == unit:
                    memory[word["address"]] = 5 + unit
            assert contents(ctx, memories) == before

    simulate(dut, bench, max_cycles=500)


def test_load_select_takes_its_own_words() -> None:
    config = tiny_config()
    dut = LoadSelect(config=config, target=LoadTarget.ENTRY, unit=2)
    rows = [
        {
            "valid": valid,
            "word.target": target.value,
            "word.unit": unit,
            "word.address": 9,
            "word.data": 77,
        }
        for valid in (0, 1)
        for target in LoadTarget
        for unit in range(4)
    ]
    seen = drive(clocked(dut), rows, ["write.en", "write.addr", "write.data"])
    for row, shown in zip(rows, seen, strict=True):
        mine = row["word.target"] == LoadTarget.ENTRY.value and row["word.unit"] == 2
        assert shown["write.en"] == (row["valid"] and mine)
        if shown["write.en"]:
            assert (shown["write.addr"], shown["write.data"]) == (9, 77)
    assert sum(shown["write.en"] for shown in seen) == 1


def test_load_words_are_within_the_port() -> None:
    for mac in ("codebook", "fixed", "log"):
        config, image = case(mac, 3)
        for word in load_words(image):
            dut_width = LoadSelect(config=config, target=word["target"], unit=None).word.data
            assert 0 <= word["data"] < 1 << len(dut_width)
