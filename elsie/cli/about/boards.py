"""`elsie boards`."""

import argparse

from elsie.cli import output
from elsie.cli.grammar import Steps, add_command


def add(steps: Steps) -> None:
    """The grammar."""
    add_command(steps, "boards", "list the boards", "elsie boards --json", run=run)


def run(options: argparse.Namespace) -> int:
    """List the boards and their presets."""
    from boards.registry import BOARDS

    rows = [
        {
            "board": preset.board,
            "title": preset.title,
            "device": preset.device,
            "family": preset.family,
            "clock_mhz": preset.clock_mhz,
            "block_rams": preset.block_rams,
            "sprams": preset.sprams,
            "pes": preset.base.pes,
            "act_width": preset.base.act_width,
        }
        for preset in (board.preset for board in BOARDS.values())
    ]
    headers = ["board", "title", "device", "clock_mhz", "block_rams", "sprams", "pes", "act_width"]
    output.result(
        {"boards": rows},
        as_json=options.json,
        text=lambda: output.table(headers, [[f"{row[name]}" for name in headers] for row in rows]),
    )
    return 0
