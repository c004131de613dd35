"""Registers that synthesis leaves apart: rtl.prim.kept and the line of boards.build for it."""

import json
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from boards.build import AFTER_READ
from rtl.prim.kept import kept
from toolchain.netlist import run_yosys, write_rtlil


class Copies(wiring.Component):
    """Two kept copies of a bit, and another register of it."""

    value: Signal
    copies: Signal

    def __init__(self) -> None:
        super().__init__({"value": In(1), "copies": Out(3)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        one = kept(m, self.value, shape=1, name="one")
        two = kept(m, self.value, shape=1, name="two")
        three = Signal()
        m.d.sync += three.eq(self.value)
        for bit, register in enumerate((one, two, three)):
            m.d.comb += self.copies[bit].eq(register)
        return m


@pytest.mark.bitstream
@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_kept_registers_stay_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """A third is one of them after synthesis; without the line there is only one."""
    monkeypatch.chdir(tmp_path)
    write_rtlil(Copies(), tmp_path)
    made = f"synth_{family} -top top", "write_json top.json"
    for lines, registers in ((AFTER_READ, 2), (AFTER_READ[:-1], 1)):
        run_yosys([*lines, *made], tmp_path, makes=["top.json"])
        top = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]
        assert len(set(top["netnames"]["copies"]["bits"])) == registers
