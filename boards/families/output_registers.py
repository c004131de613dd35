"""Registers behind block RAMs go into the block RAMs' own output registers (ECP5).

Yosys maps no output register (REGMODE stays NOREG), and a DP16KD without one takes 5.8 ns to its
output, most of a cycle; with one it takes about 1 ns (docs/timing-closure.md). So this changes
the netlist between synthesis and place and route; no cycle changes.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Netlist = dict[str, Any]
"""What Yosys' write_json wrote."""
_Cell = dict[str, Any]
_User = tuple[str, str]
"""Name of a cell, and its port; of a port of the design, its name and ''."""


@dataclass(frozen=True, kw_only=True)
class _Port:
    """A read port of a DP16KD: one of its two sides, or both where it is 36 bits wide."""

    sides: str
    """A, B or AB."""

    def pins(self, cell: _Cell, name: str) -> list[Any]:
        """What is wired to this pin of each side; 0 where nothing is."""
        wired = cell["connections"]
        return [bit for side in self.sides for bit in wired.get(f"{name}{side}") or ["0"]]

    def parameters(self, cell: _Cell, name: str, usual: str) -> list[str]:
        """A parameter of each side."""
        given = cell["parameters"]
        return [given.get(name.format(side), usual.format(side)) for side in self.sides]


_WIDE = 36
"""Bits of a word in the mode in which one side writes, and both together read."""


def _ports(cell: _Cell) -> list[_Port]:
    if cell["type"] != "DP16KD":
        return []
    wide = _WIDE in (int(cell["parameters"][f"DATA_WIDTH_{side}"], 2) for side in "AB")
    return [_Port(sides=sides) for sides in (("AB",) if wide else ("A", "B"))]


def absorb(netlist: Netlist) -> int:
    """Move every register that a block RAM can take into it; return how many bits moved.

    netlist: changed in place. A read port takes the registers of its outputs if each used output
    goes to exactly one, on the same clock edge, without enable, reset, or a start at 1. Others stay
    as they are.
    """
    module = next(one for one in netlist["modules"].values() if "top" in one["attributes"])
    cells: dict[str, _Cell] = module["cells"]
    users = _users(module)
    moved = 0
    for cell in list(cells.values()):
        for port in _ports(cell):
            registers = _registers(cell, port, cells, users)
            for name, index, register in registers:
                cell["connections"][name][index] = cells.pop(register)["connections"]["Q"][0]
            for side in port.sides if registers else "":
                cell["parameters"][f"REGMODE_{side}"] = "OUTREG"
                cell["connections"][f"OCE{side}"] = ["1"]
            moved += len(registers)
    return moved


def _users(module: dict[str, Any]) -> dict[int, list[_User]]:
    """Who takes each bit."""
    users: dict[int, list[_User]] = defaultdict(list)
    for name, cell in module["cells"].items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for bit in bits:
                    users[bit].append((name, port))
    for name, port in module["ports"].items():
        if port["direction"] != "input":
            for bit in port["bits"]:
                users[bit].append((name, ""))
    return users


def _registers(
    cell: _Cell, port: _Port, cells: dict[str, _Cell], users: dict[int, list[_User]]
) -> list[tuple[str, int, str]]:
    """Output, index and register of each bit that moves; empty if the port can't take them all."""
    if set(port.parameters(cell, "REGMODE_{}", "NOREG")) != {"NOREG"}:
        return []
    found = []
    for name, index, bit in _outputs(cell, port):
        if not users[bit]:
            continue
        register = users[bit][0][0]
        if len(users[bit]) > 1 or not _fits(cells.get(register), users[bit][0][1], cell, port):
            return []
        found.append((name, index, register))
    return found


def _outputs(cell: _Cell, port: _Port) -> Iterator[tuple[str, int, int]]:
    """Port, index and number of every output bit of a read port."""
    for name, bits in cell["connections"].items():
        if name.startswith(tuple(f"DO{side}" for side in port.sides)):
            for index, bit in enumerate(bits):
                if isinstance(bit, int):
                    yield name, index, bit


def _fits(register: _Cell | None, pin: str, cell: _Cell, port: _Port) -> bool:
    """Whether the block RAM's register does what this cell does."""
    if register is None or register["type"] != "TRELLIS_FF" or pin not in ("DI", "M"):
        return False
    wired, given = register["connections"], register["parameters"]
    edges = {mux[:3] for mux in port.parameters(cell, "CLK{}MUX", "CLK{}")}  # CLK or INV
    return (
        set(port.pins(cell, "CLK")) == set(wired["CLK"])
        and edges == {given.get("CLKMUX", "CLK")}
        and given.get("CEMUX", "").strip() == "1"  # Yosys pads what could be a number
        and given.get("REGSET", "RESET") == "RESET"
        and wired.get("LSR", ["0"]) in (["0"], [])
        and set(port.pins(cell, "RST")) == {"0"}
    )
