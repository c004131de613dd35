"""From a design to a netlist."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal

from golden.errors import ElsieError
from toolchain.netlist import run_yosys, write_rtlil


@pytest.fixture
def work() -> Iterator[Path]:
    """A folder beside the tests, because YoWASP hides /tmp."""
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent, prefix=".netlist-") as folder:
        yield Path(folder)


def test_a_design_becomes_verilog(work: Path) -> None:
    m, a, y = Module(), Signal(4), Signal(4)
    m.d.comb += y.eq(~a)
    write_rtlil(m, work, name="inverter", ports={"a": a, "y": y})
    assert "attribute \\src" not in (work / "top.il").read_text()
    run_yosys(["proc", "write_verilog -noattr out.v"], work)
    text = (work / "out.v").read_text()
    assert "module inverter(" in text
    assert "assign y = ~ a;" in text


def test_what_yosys_refuses(work: Path) -> None:
    write_rtlil(Module(), work, ports={})
    with pytest.raises(ElsieError, match=r"yosys failed: .*no_such_command"):
        run_yosys(["no_such_command"], work)
