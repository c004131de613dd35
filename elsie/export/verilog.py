"""The engine as plain Verilog, for other flows."""

import os
from pathlib import Path
from typing import Any

from elsie.export.comments import annotate
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from golden.kinds import EntryMemory

_WIDTHS = Path(__file__).with_name("widths.v")
_SCRIPT = (
    "chformal -remove",
    # Block RAM's read registers begin with 0, as the other registers do: where they begin with X,
    # a 4-state simulator never sees a sum that is cleared as 0 x weight.
    "setundef -zero -params t:$memrd_v2",
    "proc",
    # What is left is for readers and linters: no overlapping cases, widths that are written out,
    # and no names of what nothing reads.
    "pmuxtree",
    f"techmap -map {_WIDTHS.name}",
    "opt_clean -purge",
    "write_verilog -noattr out.v",
)


def verilog(network: Network, path: str | Path, *, name: str = "elsie") -> None:
    """Write the engine, with `network` in its memories, as one Verilog file.

    Module `name` has ports clk, rst (synchronous, active high) and those of rtl.engine.Engine,
    streams as port__payload, port__valid, port__ready; comments say how to read them. Raises
    ElsieError when Yosys is missing, the entries are in SPRAM, or the file cannot be written.
    """
    if network.config.entry_memory is EntryMemory.SPRAM:
        raise ElsieError(
            f"network {network.name} has its entries in SPRAM, which Verilog cannot fill; compile "
            f"it with --entry-memory block"
        )
    from toolchain import stopping
    from toolchain.scratch import scratch

    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise ElsieError(f"{path}: its directory does not exist; make it first")
    # Beside the target, so that a single rename moves it there.
    with scratch(target.parent) as work:
        translate(network, work, name=name)
        stopping.check()
        os.replace(work / "out.v", target)


def translate(network: Network, work: Path, *, name: str = "elsie") -> None:
    """Write out.v in the folder `work`, and whatever leads to it.

    Entries in SPRAM are left out: with them, all memories wait for the load port.
    """
    from rtl.engine import Engine
    from toolchain.netlist import run_yosys, write_rtlil
    from toolchain.programs import TOOLS

    TOOLS["yosys"].command()  # refuses at once if there is none
    load = network.config.entry_memory is EntryMemory.SPRAM
    engine = Engine(config=network.config, image=None if load else encode(network))
    write_rtlil(engine, work, name=name, ports=_ports(engine))
    (work / _WIDTHS.name).write_bytes(_WIDTHS.read_bytes())
    run_yosys(_SCRIPT, work, makes=["out.v"])
    out = work / "out.v"
    out.write_text(annotate(out.read_text(), network, module=name))


def _ports(engine: Any) -> dict[str, Any]:
    """Signals by flat name; a port that is a constant (load.ready) is left out."""
    from amaranth.hdl import Signal, Value

    flat = (
        ("__".join(map(str, path)), Value.cast(value))
        for path, _, value in engine.signature.flatten(engine)
    )
    return {name: value for name, value in flat if isinstance(value, Signal)}
