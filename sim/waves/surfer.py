"""Surfer's command file (Surfer's documentation, "Commands").

Every group begins with a divider, because a folding group would need a selection. An item's format
is set when it has the focus; items are called by their number in hexadecimal, digits a to p.
"""

from itertools import groupby
from pathlib import Path

from sim.waves.dump import Variable
from sim.waves.window import Window


def write(path: Path, *, variables: list[Variable], window: Window) -> None:
    """Show `variables` by groups; zoom to `window`, with the cursor at the start."""
    lines: list[str] = []
    item = 0
    for group, members in groupby(variables, key=lambda variable: variable.group):
        lines.append(f"divider_add {group}")
        item += 1
        for variable in members:
            lines.append(f"variable_add {variable.path}")
            if form := _format(variable):
                lines += [f"item_focus {_number(item)}", f"item_set_format {form}"]
            item += 1
    lines += ["item_unfocus", f"cursor_set {window.start}", f"zoom_to {window.begin} {window.end}"]
    path.write_text("\n".join(lines) + "\n")


def _format(variable: Variable) -> str:
    """The name of a translator; none where Surfer's own choice is right."""
    if variable.text or variable.width == 1:
        return ""
    if variable.signed:
        return "Signed fixed point" if variable.frac else "Signed"
    return "Unsigned"


def _number(item: int) -> str:
    return "".join(chr(ord("a") + int(digit, 16)) for digit in f"{item:x}")
