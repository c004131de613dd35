"""Reads dumps and save files back, with none of the code that wrote them."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path

from vcd.gtkw import GTKWFlag


@dataclass
class Dump:
    """A VCD file: variables by full name with their range, and what their values were."""

    timescale: str = ""
    names: dict[str, str] = field(default_factory=dict)
    changes: dict[str, list[tuple[int, str | int]]] = field(default_factory=dict)

    def at(self, name: str, time: int) -> str | int:
        """The value just before `time`."""
        changes = self.changes[self.names[name]]
        return changes[bisect_left(changes, time, key=lambda change: change[0]) - 1][1]

    def rises(self, name: str) -> list[int]:
        """When a signal of one bit rises."""
        return [time for time, value in self.changes[self.names[name]] if value == "1" and time]


def read(path: Path) -> Dump:
    """The dump at `path`."""
    dump, scopes, now = Dump(), [], 0
    for words in (line.split() for line in path.read_text().splitlines()):
        match words:
            case ["$timescale", *time, "$end"]:
                dump.timescale = " ".join(time)
            case ["$scope", _, scope, "$end"]:
                scopes.append(scope)
            case ["$upscope", "$end"]:
                scopes.pop()
            case ["$var", _, _, code, *name, "$end"]:
                dump.names[".".join([*scopes, "".join(name)])] = code
            case [change] if change[0] == "#":
                now = int(change[1:])
            case [change] if change[0] in "01":
                dump.changes.setdefault(change[1:], []).append((now, change[0]))
            case [value, code] if value[0] in "bs":
                word = value[1:] if value[0] == "s" else int(value[1:], 2)
                dump.changes.setdefault(code, []).append((now, word))
            case _:
                pass
    return dump


@dataclass
class Trace:
    """A line of GTKWave's save file that shows a signal."""

    group: str
    alias: str
    name: str
    flags: GTKWFlag
    shift: int


@dataclass
class Save:
    """GTKWave's save file."""

    start: int = 0
    zoom: float = 0
    marks: list[int] = field(default_factory=list)
    width: int = 0
    groups: list[str] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)


def read_save(path: Path) -> Save:
    """The save file at `path`."""
    save, flags, shift = Save(), GTKWFlag(0), 0
    for line in path.read_text().splitlines():
        if line.startswith("*"):
            zoom, *marks = line[1:].split()
            save.zoom, save.marks = float(zoom), [int(mark) for mark in marks]
        elif line.startswith("[timestart]"):
            save.start = int(line.split()[1])
        elif line.startswith("[size]"):
            save.width = int(line.split()[1])
        elif line.startswith("[fpshift_count]"):
            shift = int(line.split()[1])
        elif line.startswith("@"):
            flags = GTKWFlag(int(line[1:], 16))
        elif line.startswith("-") and GTKWFlag.grp_begin in flags:
            save.groups.append(line[1:])
        elif match := re.fullmatch(r"\+\{(\S+)\} (\S+)", line):
            save.traces.append(Trace(save.groups[-1], match[1], match[2], flags, shift))
            shift = 0
        else:
            assert line.startswith(("[", "-")), line
    return save
