"""Drive a unit cycle by cycle from a table and write down what it shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from amaranth.hdl import Module, Signal, Value

from golden.config import EngineConfig
from golden.format.alphabets import ALPHABETS
from golden.kinds import MacKind
from sim.harness import simulate

Row = Mapping[str, Any]


def port(dut: Any, path: str) -> Any:
    """A port, or a part of one, by dotted path: "write.en", "elements.2.value"."""
    for key in path.split("."):
        dut = dut[int(key)] if key.isdigit() else getattr(dut, key)
    return dut


def drive(dut: Any, rows: Sequence[Row], watch: Sequence[str]) -> list[dict[str, int]]:
    """One row of inputs for each cycle; what `watch` shows in that cycle, before its clock edge.

    An input that a row does not name is 0, so that pulses need no second row.
    """
    names = {name: port(dut, name) for row in rows for name in row}
    ports = {name: port(dut, name) for name in watch}
    seen: list[dict[str, int]] = []

    async def bench(ctx: Any) -> None:
        held: dict[str, Any] = dict.fromkeys(names, 0)
        for row in rows:
            for name, target in names.items():
                value = row.get(name, 0)
                if value != held[name]:
                    ctx.set(Value.cast(target), value)
                    held[name] = value
            seen.append({name: ctx.get(value) for name, value in ports.items()})
            await ctx.tick()

    simulate(dut, bench, max_cycles=len(rows) + 2)
    return seen


def clocked(dut: Any) -> Any:
    """A unit without registers beside one: the harness needs a clock."""
    plain = dut.elaborate

    def elaborate(platform: object) -> Module:
        m = plain(platform)
        m.d.sync += Signal(name="clocked").eq(1)
        return m

    dut.elaborate = elaborate
    return dut


class Ecp5:
    """A platform, as far as the RTL looks at one."""

    device = "LFE5U-25F"


def on_ecp5(monkeypatch: pytest.MonkeyPatch, unit: Any) -> None:
    """All units of this class as on ECP5, but for vendor cells inside, which nothing simulates."""
    plain = unit.elaborate
    monkeypatch.setattr(unit, "elaborate", lambda self, platform: plain(self, Ecp5()))


def tiny_config(**changes: Any) -> EngineConfig:
    """The smallest configuration in which a change still makes sense."""
    fields: dict[str, Any] = {
        "pes": 4,
        "group": 4,
        "queue_depth": 8,
        "act_width": 8,
        "acc_width": 40,
        "row_depth": 8,
        "act_depth": 32,
        "entry_depth": 64,
        "column_depth": 32,
        "bias_depth": 64,
        "layers": 4,
    }
    fields |= ALPHABETS[MacKind(changes.get("mac", "codebook"))].widths(changes)
    fields |= changes
    return EngineConfig(**fields)
