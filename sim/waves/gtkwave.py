"""GTKWave's save file (GTKWave 3.3 manual, appendix on save files)."""

import math
from itertools import groupby
from pathlib import Path

from vcd.gtkw import GTKWFlag, GTKWSave

from sim.waves.dump import TOP, Variable
from sim.waves.window import Window

WIDTH, HEIGHT, NAMES, TREE = 1400, 800, 220, 340
"""Pixels of the window, of its column of names, and of the design's tree with all borders."""
_FRAME = 200
"""The zoom gives the time in this many pixels, as the exponent of 1/2."""
_OPEN_PES = 1
"""The groups of the other PEs are folded."""


def write(path: Path, dump: Path, *, variables: list[Variable], window: Window) -> None:
    """Show `variables` of `dump` by groups; zoom to `window`, marked a and b."""
    seen = WIDTH - NAMES - TREE
    zoom = -math.log2((window.end - window.begin) * _FRAME / seen)
    with path.open("w") as file:
        save = GTKWSave(file)
        save.dumpfile(dump.name, abspath=False)
        save.timestart(window.begin)
        save.size(WIDTH, HEIGHT)
        save.signals_width(NAMES)
        marks = (window.start, window.start, window.done)  # the cursor's, a, b
        file.write(f"*{zoom:.6f} {' '.join(str(mark) for mark in marks)}\n")
        save.treeopen(TOP)
        for group, members in groupby(variables, key=lambda variable: variable.group):
            folded = group.startswith("PE") and int(group[2:]) >= _OPEN_PES
            with save.group(group, closed=folded):
                for variable in members:
                    _trace(save, variable)


def _trace(save: GTKWSave, variable: Variable) -> None:
    flags = GTKWFlag(0)
    if variable.frac:
        flags = GTKWFlag.fpdecshift
        save.file.write(f"[fpshift_count] {variable.frac}\n")
    save.trace(
        variable.path + variable.range,
        alias=variable.name,
        datafmt="ascii" if variable.text else "signed" if variable.signed else "dec",
        extraflags=flags,
    )
