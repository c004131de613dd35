"""The dump: Amaranth's VCD in picoseconds, with the signals that are shown under clean names.

Amaranth tells signals with the same name apart by a number (`layer$60`), and writes femtoseconds. A
VCD may name a variable any number of times, so the signals that are shown get a second name, in
scopes of their own in front of the whole design.
"""

import re
from dataclasses import dataclass
from itertools import groupby, takewhile
from pathlib import Path

from sim.waves.signals import Group, Shown

TOP = "elsie"
"""The scope of what is shown."""
_END = "$enddefinitions"
_TIMESCALE = "$timescale 1 ps $end\n"


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of the dump that is shown."""

    group: str
    """Its scope in TOP."""
    name: str
    """Its name there."""
    code: str
    """What the VCD's value changes call it."""
    text: bool
    """Its values are words: an enumeration's."""
    width: int
    """Bits; of words 1."""
    signed: bool = False
    """Two's complement."""
    frac: int = 0
    """Fraction bits."""

    @property
    def path(self) -> str:
        """Full name, without the range."""
        return f"{TOP}.{self.group}.{self.name}"

    @property
    def range(self) -> str:
        """Numbers of its first and last bit; below 0 are fraction bits, as in VHDL's sfixed."""
        return f"[{self.width - 1 - self.frac}:{-self.frac}]" if self.width > 1 else ""

    def declare(self) -> str:
        """Its line in the header."""
        kind = "string" if self.text else "wire"
        return f"$var {kind} {self.width} {self.code} {self.name} {self.range} $end\n"


def rewrite(raw: Path, target: Path, *, groups: list[Group], save: str) -> list[Variable]:
    """Copy Amaranth's VCD `raw` in picoseconds, with `groups` in front.

    save: the save file that Amaranth writes when the signals of all groups are its traces. Returns
    the groups' variables.
    """
    with raw.open() as source, target.open("w") as out:
        header = list(takewhile(lambda line: line != f"{_END} $end\n", source))
        variables = _variables(groups, _trace_names(save), _declared(header))
        first = next(n for n, line in enumerate(header) if line.startswith("$scope"))
        header[first:first] = _scopes(variables)
        out.writelines(_TIMESCALE if line.startswith("$timescale") else line for line in header)
        out.write(f"{_END} $end\n")
        out.writelines(_picoseconds(line) if line[0] == "#" else line for line in source)
    return variables


def _variables(
    groups: list[Group], names: list[list[str]], declared: dict[str, tuple[bool, int, str]]
) -> list[Variable]:
    """What is shown, clock first. `names`: of each signal in turn, as Amaranth gives them."""
    flat = [(group.name, shown) for group in groups for shown in group.signals]
    found = [
        _variable(group, shown, *declared[_pick(shown, all_names)])
        for (group, shown), all_names in zip(flat, names, strict=True)
    ]
    clock = declared["bench.top.clk"][2]
    kept = Variable(group=groups[0].name, name="clk", code=clock, text=False, width=1)
    return [kept, *found]


def _variable(group: str, shown: Shown, text: bool, width: int, code: str) -> Variable:
    return Variable(
        group=group,
        name=shown.name,
        code=code,
        text=text,
        width=width,
        signed=shown.signed,
        frac=shown.frac,
    )


def _pick(shown: Shown, names: list[str]) -> str:
    """The name of the signal, or of its field that is shown."""
    if not shown.field:
        return names[0]
    return next(name for name in names if name.endswith(f".{shown.field}"))


def _trace_names(save: str) -> list[list[str]]:
    """Names in Amaranth's save file of each trace, which is a group there; without ranges."""
    names: list[list[str]] = []
    inside = False
    for line in save.splitlines():
        if line.startswith("-"):
            inside = not inside
            if inside:
                names.append([])
        elif inside and not line.startswith("@"):
            names[-1].append(re.sub(r"\[\d+:0\]$", "", line))
    return names


def _declared(header: list[str]) -> dict[str, tuple[bool, int, str]]:
    """By full name: whether the values are words, bits, and the code."""
    scopes: list[str] = []
    declared: dict[str, tuple[bool, int, str]] = {}
    for line in header:
        match line.split():
            case ["$scope", _, scope, "$end"]:
                scopes.append(scope)
            case ["$upscope", "$end"]:
                scopes.pop()
            case ["$var", kind, width, code, name, "$end"]:
                declared[".".join([*scopes, name])] = (kind == "string", int(width), code)
            case _:
                pass
    return declared


def _scopes(variables: list[Variable]) -> list[str]:
    """Lines that declare what is shown, a scope for each group."""
    lines = [f"$scope module {TOP} $end\n"]
    for group, members in groupby(variables, key=lambda variable: variable.group):
        lines.append(f"$scope module {group} $end\n")
        lines.extend(variable.declare() for variable in members)
        lines.append("$upscope $end\n")
    return [*lines, "$upscope $end\n"]


def _picoseconds(line: str) -> str:
    """A line with the time, converted from fs."""
    return f"#{round(int(line[1:]) / 1000)}\n"
