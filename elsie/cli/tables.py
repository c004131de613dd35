"""Tables of `elsie compile`: the front that a search chose from, and sizes of each layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from elsie.cli import output
from golden.record import plain

if TYPE_CHECKING:
    from elsie.compress.report import LayerSizes
    from golden.report import Choice, LayerReport, Search


def show_front(found: "Search", rows: "Sequence[Choice]") -> None:
    """Networks of which none is smaller and better, and what their figures mean."""
    names = list(rows[0].densities)
    many = len(names) > 4 or any(list(row.densities) != names for row in rows)
    shaped = any(row.structure for row in rows)
    table = []
    for row in rows:
        shares = [100 * share for share in row.densities.values()]
        shown = (min(shares), max(shares)) if many else shares
        table.append(
            [
                ">" if row.chosen else "",
                f"{100 * row.density:.1f} %",
                (" to " if many else ", ").join(f"{share:.1f}" for share in shown),
                row.weights,
                *([row.structure] if shaped else []),
                f"{row.bits / 1000:.1f} kbit",
                f"{row.cycles:.0f}",
                f"{row.drop:.2f}",
                f"{row.relative_error:.3g}",
            ]
        )
    each = "each layer's" if many else ", ".join(names)
    structures = ["structure"] if shaped else []
    figures = ["on chip", "cycles", "drop", "error"]
    output.table(["", "density", each, "weights", *structures, *figures], table)
    what = {
        "agreement": "samples with another class than in the float network",
        "variance": "the variance",
    }
    held = " held-out" if found.held_out else ""
    output.line(
        "drop",
        f"percent of {what[found.drop_of]}, on {found.samples}{held} calibration samples, "
        f"not of accuracy; {found.tried} networks were tried",
    )


def show_layers(layers: "Sequence[tuple[LayerReport, LayerSizes]]") -> None:
    """Where the bits of each layer go, in KiB."""
    table, parts = [], list(plain(layers[0][1].on_chip))
    for layer, sizes in layers:
        bits = [sizes.float32, sizes.pruned, sizes.shared, *plain(sizes.on_chip).values()]
        table.append([layer.name, *(f"{one / 8192:.2f}" for one in bits)])
    headers = ["KiB", "float32", "pruned", "shared", *parts[:-1], "on chip"]
    output.table(headers, table)
