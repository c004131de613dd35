"""Tables of `elsie compile`: the front that a search chose from, and sizes of each layer."""

from collections.abc import Mapping, Sequence
from typing import Any

from elsie.cli import output

_PARTS = ("entries", "pointers", "codebook", "biases")


def show_front(info: Mapping[str, Any]) -> None:
    """Networks of which none is smaller and better, and what their figures mean."""
    found, rows = info["search"], info["front"]
    names = list(rows[0]["densities"])
    each = "each layer's" if len(names) > 4 else ", ".join(names)
    table = []
    for row in rows:
        shares = [100 * share for share in row["densities"].values()]
        shown = (min(shares), max(shares)) if len(names) > 4 else shares
        table.append(
            [
                ">" if row["chosen"] else "",
                f"{100 * row['density']:.1f} %",
                (" to " if len(names) > 4 else ", ").join(f"{share:.1f}" for share in shown),
                row["weights"],
                f"{row['bits'] / 1000:.1f} kbit",
                f"{row['cycles']:.0f}",
                f"{row['drop']:.2f}",
                f"{row['relative_error']:.3g}",
            ]
        )
    headers = ["", "density", each, "weights", "on chip", "cycles", "drop", "error"]
    output.table(headers, table)
    what = {
        "agreement": "samples with another class than in the float network",
        "variance": "the variance",
    }
    held = " held-out" if found["held_out"] else ""
    output.line(
        "drop",
        f"percent of {what[found['drop_of']]}, on {found['samples']}{held} calibration samples, "
        f"not of accuracy; {found['tried']} networks were tried",
    )


def show_layers(layers: Sequence[Mapping[str, Any]]) -> None:
    """Where the bits of each layer go, in KiB."""
    table = []
    for layer in layers:
        sizes = layer["sizes"]
        steps = [sizes[name] for name in ("float32", "pruned", "shared")]
        chip = [sizes["on_chip"][name] for name in (*_PARTS, "total")]
        table.append([layer["name"], *(f"{bits / 8192:.2f}" for bits in (*steps, *chip))])
    headers = ["KiB", "float32", "pruned", "shared", *_PARTS, "on chip"]
    output.table(headers, table)
