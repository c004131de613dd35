"""What a single PE of a network takes after synthesis, without place and route.

`python -m elsie.bench.fpga.element NET...` prints a line for each NET file: it compares kinds of
weights and activations, whose arithmetic is in the PE.
"""

import argparse
import json
from pathlib import Path

from boards.families.registry import family_of
from elsie.bench.fpga.measure import Part
from golden.format.image import encode
from golden.format.netfile import load
from golden.format.network import Network
from rtl.pe.pe import ProcessingElement
from toolchain.netlist import run_yosys, write_rtlil
from toolchain.scratch import scratch


def cells(network: Network, device: str) -> dict[str, int]:
    """How many cells of each type the network's first PE takes. Raises ElsieError as Yosys does."""
    part = family_of(device)
    element = ProcessingElement(config=network.config, number=0, image=encode(network))
    with scratch(Path()) as work:  # YoWASP hides /tmp
        write_rtlil(element, work, platform=Part(device))
        commands = [
            f"synth_{part.name} {' '.join(part.parts[device].synthesis)} -top top",
            "tee -q -o stat.json stat -json",
        ]
        run_yosys(commands, work, makes=["stat.json"])
        found = json.loads((work / "stat.json").read_text())["design"]
    return found["num_cells_by_type"]


def main() -> None:
    """A line for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", metavar="NET", type=Path, nargs="+")
    parser.add_argument("--device", default="iCE40HX8K", help="part (default: %(default)s)")
    options = parser.parse_args()
    for path in options.nets:
        network = load(path)
        config, every = network.config, cells(network, options.device)
        kinds = {"SB_LUT4": "LUTs", "SB_RAM40_4K": "block RAMs", "SB_MAC16": "multipliers"}
        said = ", ".join(f"{every.get(name, 0)} {what}" for name, what in kinds.items())
        flipflops = sum(count for name, count in every.items() if name.startswith("SB_DFF"))
        print(
            f"{path}: {config.mac.value} weights, {config.act_code.value} activations of "
            f"{config.act_width} bits, {config.acc_width}-bit sums: {said}, {flipflops} flip-flops"
        )


if __name__ == "__main__":
    main()
