"""The engine as plain Verilog, for other flows."""

import os
from pathlib import Path
from typing import Any

from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from golden.kinds import EntryMemory


def verilog(network: Network, path: str | Path, *, name: str = "elsie") -> None:
    """Write the engine, with `network` in its memories, as one Verilog file.

    Module `name` has ports clk, rst (synchronous, active high) and those of rtl.engine.Engine,
    streams as port__payload, port__valid, port__ready. Raises ElsieError when Yosys is missing,
    the entries are in SPRAM, or the file cannot be written.
    """
    from rtl.engine import Engine
    from toolchain import stopping
    from toolchain.netlist import run_yosys, write_rtlil
    from toolchain.programs import TOOLS
    from toolchain.scratch import scratch

    if network.config.entry_memory is EntryMemory.SPRAM:
        raise ElsieError(
            f"network {network.name} has its entries in SPRAM, which Verilog cannot fill; compile "
            f"it with entry_memory block"
        )
    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise ElsieError(f"{path}: its directory does not exist")
    TOOLS["yosys"].command()  # refuses at once if there is none
    engine = Engine(config=network.config, image=encode(network))
    # Beside the target, so that a single rename moves it there.
    with scratch(target.parent) as work:
        write_rtlil(engine, work, name=name, ports=_ports(engine))
        script = ["chformal -remove", "proc", "opt_clean", "write_verilog -noattr out.v"]
        run_yosys(script, work, makes=["out.v"])
        stopping.check()
        os.replace(work / "out.v", target)


def _ports(engine: Any) -> dict[str, Any]:
    """Signals by flat name; a port that is a constant (load.ready) is left out."""
    from amaranth.hdl import Signal, Value

    flat = (
        ("__".join(map(str, path)), Value.cast(value))
        for path, _, value in engine.signature.flatten(engine)
    )
    return {name: value for name, value in flat if isinstance(value, Signal)}
