"""`python -m elsie.bench.fpga.link NET`: what the host link takes on an iCE40, without an engine.

Yosys alone: the engine's ports are pins, so that nothing of the link is left out.
"""

import json
import sys
import tempfile
from pathlib import Path

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

import elsie
from boards.build import AFTER_READ
from boards.gateware.top import BoardTop
from boards.registry import find
from golden.config import EngineConfig
from golden.format.network import Network
from rtl.layouts import counters_layout, input_layout, output_layout
from rtl.load import load_layout
from toolchain.netlist import run_yosys, write_rtlil
from toolchain.scratch import scratch

BOARD = "icebreaker"


class Pins(wiring.Component):
    """An engine's ports, and nothing behind them.

    input: as rtl.engine.Engine.
    output: as there.
    done: as there.
    counters: as there.
    load: as there.
    """

    input: stream.Interface
    output: stream.Interface
    done: Signal
    counters: data.View
    load: stream.Interface

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(
            {
                "input": In(stream.Signature(input_layout(config))),
                "output": Out(stream.Signature(output_layout(config))),
                "done": Out(1),
                "counters": Out(counters_layout()),
                "load": In(stream.Signature(load_layout(config), always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Nothing."""
        return Module()

    def pins(self) -> dict[str, Value]:
        """Every port by a name of its own."""
        named: dict[str, Value] = {"done": self.done, "counters": self.counters.as_value()}
        for name in ("input", "output", "load"):
            port = getattr(self, name)
            named |= {f"{name}_valid": port.valid, f"{name}_payload": port.payload.as_value()}
        for name in ("input", "output"):
            named[f"{name}_ready"] = getattr(self, name).ready
        return named


def area(network: Network, *, baked: bool) -> dict[str, int]:
    """LUTs, flip-flops and block RAMs; `baked`: the network is in the bitstream."""
    board, engine = find(BOARD), Pins(network.config)
    top = BoardTop(
        network=network if baked else None,
        config=network.config,
        clock_hz=board.clock_hz,
        divisor=board.divisor(),
        engine=engine,
    )
    line = {name: getattr(top, name) for name in ("rx", "tx", "busy")}
    with scratch(Path(tempfile.gettempdir())) as work:
        write_rtlil(top, work, ports={**line, **engine.pins()})
        commands = [*AFTER_READ, "synth_ice40 -top top", "tee -q -o stat.json stat -json"]
        run_yosys(commands, work, makes=("stat.json",))
        cells = json.loads((work / "stat.json").read_text())["design"]["num_cells_by_type"]
    begins = {"lut": "SB_LUT4", "ff": "SB_DFF", "bram": "SB_RAM40"}
    return {
        name: sum(count for cell, count in cells.items() if cell.startswith(begin))
        for name, begin in begins.items()
    }


if __name__ == "__main__":
    given = elsie.load(sys.argv[1])
    for baked, what in ((True, "network in the bitstream"), (False, "everything loaded")):
        print(what, area(given, baked=baked))
