"""What pointers cost on chip, layer by layer, and what other ways to store them would.

`python -m elsie.bench.compression.pointers NET.elsie ...`; `--random BOARD` adds networks of
LeNet-300-100's shape with random masks. docs/decisions.md draws the conclusion.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boards.registry import find
from elsie.bench.synthetic import random_network
from elsie.compress import sizing
from golden.config import EngineConfig
from golden.format import csc, layout, netfile
from golden.format.address_map import AddressMap
from golden.format.network import Network

BLOCK = 4
"""Columns that share one start, where it is kept once for several."""
LENET = (784, 300, 100, 10)
DENSITIES = (0.1, 0.05, 0.02)


def bits(config: EngineConfig, counts: NDArray[np.int64]) -> dict[str, int]:
    """Bits of a layer by what they hold, from the entries of each column in each PE.

    entries: padding included. now: a start and a count for each column of each PE. ends: EIE's,
    starts alone, the next column's being the end. blocks: one start for BLOCK columns, and all
    counts. shared: one pointer for the PEs of a group, whose shorter columns are padded.
    """
    pes, columns = counts.shape
    start, count = config.start_width, config.count_width
    entry = layout.entry_word_width(config) // config.entry_lanes
    groups = np.array_split(counts, config.groups)
    padding = sum(int(np.sum(group.max(axis=0) - group)) for group in groups)
    return {
        "entries": entry * int(counts.sum()),
        "now": pes * columns * (start + count),
        "ends": pes * (columns + 1) * start,
        "blocks": pes * (-(-columns // BLOCK) * start + columns * count),
        "shared": config.groups * columns * (start + count) + padding * entry,
    }


def layers(network: Network) -> list[dict[str, int]]:
    """`bits` of every layer."""
    config, places = network.config, AddressMap.of(network.config, network.layers)
    found = []
    for number, region in enumerate(places.regions):
        gaps = csc.gaps(config, places.nonzeros(number), columns=region.columns)
        found.append(bits(config, gaps.count(config.run_width)))
    return found


def lenet(board: str, density: float) -> Network:
    """Random masks of this density, on the board's engine."""
    base = find(board).preset.base.replace(act_depth=4096, row_depth=512)
    name = f"LeNet shape at {density:g} on {board}"
    network = random_network(base, name=name, sizes=LENET, density=density)
    config = sizing.size(base, network.layers)
    return Network(name=name, config=config, layers=network.layers)


def table(network: Network) -> list[list[str]]:
    """A row for each layer, and one for all: bits, and pointers' share of them all."""
    rows = layers(network)
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    names = [*(layer.name for layer in network.layers), "all"]
    return [
        [
            name,
            *(str(row[one]) for one in row),
            f"{100 * row['now'] / (row['now'] + row['entries']):.0f} %",
        ]
        for name, row in zip(names, [*rows, total], strict=True)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", metavar="NET", type=Path, nargs="*")
    parser.add_argument("--random", metavar="BOARD")
    options = parser.parse_args(arguments)
    networks = [netfile.load(path) for path in options.nets]
    if options.random:
        networks += [lenet(options.random, density) for density in DENSITIES]
    for network in networks:
        config = network.config
        print(
            f"{network.name}: {config.pes} PEs in groups of {config.group}; a pointer is "
            f"{config.start_width} + {config.count_width} bits"
        )
        titles = ["layer", "entries", "now", "ends", "blocks", "shared", "pointers"]
        for row in [titles, *table(network)]:
            print("  " + "  ".join(f"{cell:>9}" for cell in row))


if __name__ == "__main__":
    main()
