"""`elsie bench sim`."""

import argparse

from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, positive


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "sim",
        "compiled against interpreted simulation: cycles a second, in one run",
        "elsie bench sim",
        "elsie bench sim --pes 8 --json",
        run=run,
    )
    command.add_argument(
        "--pes", type=positive, default=32, metavar="N", help="processing elements (default: 32)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; 1 when the simulators saw different events."""
    from elsie.bench.simulators import measure

    values = measure(pes=options.pes, progress=output.note)

    def text() -> None:
        slow, fast = (values[f"{kind}_cycles_per_second"] for kind in ("interpreted", "compiled"))
        output.line("engine", f"{values['pes']} PEs")
        output.line("interpreted", f"{slow:,.0f} cycles a second")
        output.line("compiled", f"{fast:,.0f} cycles a second, over {values['compiled_cycles']:,}")
        output.line("ratio", f"{values['ratio']:,.0f}")
        output.line("compiling took", f"{values['compile_seconds']:.0f} s")
        output.line("same events", "yes" if values["trace_equal"] else "NO")

    output.result(values, as_json=options.json, text=text)
    return 0 if values["trace_equal"] else 1
