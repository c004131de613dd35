"""From a design in Amaranth to Yosys' result, in a folder of its own.

Yosys' WebAssembly build sees only relative paths, so everything is a file in that folder.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]
from amaranth.hdl import Elaboratable, Value

from toolchain.programs import TOOLS


def write_rtlil(
    top: Elaboratable,
    work: Path,
    *,
    name: str = "top",
    ports: Mapping[str, Value] | None = None,
    platform: object = None,
) -> None:
    """Write the design as top.il; by default its ports are those of the component."""
    named = None if ports is None else {port: (value, None) for port, value in ports.items()}
    # Source paths in the netlist would make the result depend on where Elsie is installed.
    text = rtlil.convert(top, name=name, ports=named, platform=platform, emit_src=False)
    # Amaranth writes the name of Yosys' own memory cell as that of a module.
    (work / "top.il").write_text(text.replace("cell \\$mem_v2", "cell $mem_v2"))


def run_yosys(commands: Sequence[str], work: Path, *, makes: Sequence[str] = ()) -> None:
    """Read top.il and run `commands`; they are kept in top.ys, and Yosys' output in yosys.log.

    makes: the files that they write. Raises ElsieError when Yosys is missing, fails or writes none.
    """
    (work / "top.ys").write_text("\n".join(["read_rtlil top.il", *commands]) + "\n")
    TOOLS["yosys"].run(["-q", "-l", "yosys.log", "top.ys"], cwd=work, makes=makes)
