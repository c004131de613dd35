"""Registers behind block RAMs that go into them: which, and which do not."""

import json
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from boards.build import AFTER_READ
from boards.families.ecp5 import ECP5
from boards.families.output_registers import absorb
from rtl.prim.ram import BlockRam
from toolchain.netlist import run_yosys, write_rtlil
from toolchain.programs import TOOLS

NARROW, WIDE = (12, 700), (36, 512)
"""Width and depth of a memory whose word is on one side of a block RAM, and on both."""


class Read(wiring.Component):
    """A memory, and what its output goes to."""

    address: Signal
    write: Signal
    value: Signal
    other: Signal
    result: Signal
    seen: Signal

    def __init__(self, *, how: str, width: int, depth: int) -> None:
        self._how, self._width, self._depth = how, width, depth
        super().__init__(
            {
                "address": In(10),
                "write": In(1),
                "value": In(width),
                "other": In(1),
                "result": Out(width),
                "seen": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = BlockRam(width=self._width, depth=self._depth)
        start = 1 if self._how == "starts at 1" else 0
        late = Signal(self._width, init=start, reset_less=self._how != "reset")
        m.d.comb += [
            ram.r_en.eq(~self.write),
            ram.r_addr.eq(self.address),
            ram.w_en.eq(self.write),
            ram.w_addr.eq(self.address),
            ram.w_data.eq(self.value),
            self.result.eq(late),
        ]
        if self._how == "enable":
            with m.If(self.other):
                m.d.sync += late.eq(ram.r_data)
        elif self._how == "logic":
            m.d.sync += late.eq(Mux(self.other, self.value, ram.r_data))
        else:
            m.d.sync += late.eq(ram.r_data)
        if self._how == "read directly":
            m.d.comb += self.seen.eq(ram.r_data)
        elif self._how == "a bit read directly":
            m.d.comb += self.seen.eq(ram.r_data[-1])
        return m


def netlist(folder: Path, how: str, size: tuple[int, int] = NARROW) -> dict[str, Any]:
    """What Yosys makes of it."""
    write_rtlil(Read(how=how, width=size[0], depth=size[1]), folder)
    commands = [*AFTER_READ, "synth_ecp5 -top top", "write_json top.json"]
    run_yosys(commands, folder, makes=["top.json"])
    return json.loads((folder / "top.json").read_text())


def of(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The cells of one kind."""
    return [cell for cell in found["modules"]["top"]["cells"].values() if cell["type"] == kind]


@pytest.mark.bitstream
@pytest.mark.parametrize(("size", "sides"), [(NARROW, 1), (WIDE, 2)])
def test_a_register_right_behind_a_block_ram_moves_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], sides: int
) -> None:
    """All its bits; what it drove is driven by the block RAM, and the read port is enabled."""
    monkeypatch.chdir(tmp_path)
    found = netlist(tmp_path, "register", size)
    wanted = found["modules"]["top"]["ports"]["result"]["bits"]
    assert len(of(found, "TRELLIS_FF")) == size[0]
    other = json.loads(json.dumps(found))
    of(other, "TRELLIS_FF")[5]["parameters"]["CLKMUX"] = "INV"
    assert absorb(other) == 0  # a bit on the other edge, so none moves
    ECP5.finish(tmp_path / "top.json")
    found = json.loads((tmp_path / "top.json").read_text())
    assert of(found, "TRELLIS_FF") == []
    (ram,) = of(found, "DP16KD")
    moved = [one for one in "AB" if ram["parameters"][f"REGMODE_{one}"] == "OUTREG"]
    assert len(moved) == sides
    wired = ram["connections"]
    driven = [bit for one in moved for n in range(18) for bit in wired.get(f"DO{one}{n}", [])]
    assert set(wanted) <= set(driven)
    assert all(wired[f"OCE{one}"] == ["1"] for one in moved)
    assert absorb(found) == 0  # once is all


@pytest.mark.bitstream
@pytest.mark.parametrize(
    ("how", "size"),
    [
        *((how, NARROW) for how in ("enable", "logic", "read directly", "reset", "starts at 1")),
        *(("a bit read directly", size) for size in (NARROW, WIDE)),  # of one side, and so of both
    ],
)
def test_other_registers_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, size: tuple[int, int]
) -> None:
    """The netlist is what it was."""
    monkeypatch.chdir(tmp_path)
    found = netlist(tmp_path, how, size)
    before = json.dumps(found)
    assert absorb(found) == 0
    assert json.dumps(found) == before


@pytest.mark.long
def test_its_output_is_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Place and route has a block RAM's data after 5.8 ns, and after 1 ns from its register."""
    monkeypatch.chdir(tmp_path)
    netlist(tmp_path, "register")
    before = output_ns(tmp_path)
    ECP5.finish(tmp_path / "top.json")
    assert before > 5
    assert output_ns(tmp_path) < 1.5


def output_ns(folder: Path) -> float:
    """Latest clock-to-output of the block RAM on any path that is reported."""
    arguments = [
        *("--json", "top.json", "--report", "pnr.json", "-q", "--timing-allow-fail"),
        *(*ECP5.parts["LFE5U-25F"].route, "--freq", "100"),
    ]
    TOOLS["nextpnr-ecp5"].run(arguments, cwd=folder, makes=["pnr.json"])
    paths = json.loads((folder / "pnr.json").read_text())["critical_paths"]
    firsts = [path["path"][0] for path in paths if ".memory" in path["path"][0]["from"]["cell"]]
    return max(first["delay"] for first in firsts)
