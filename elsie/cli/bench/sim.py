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

    rates = measure(pes=options.pes, progress=output.note)

    def text() -> None:
        slow, fast = rates.interpreted_cycles_per_second, rates.compiled_cycles_per_second
        output.line("engine", f"{rates.pes} PEs")
        output.line("interpreted", f"{slow:,.0f} cycles a second")
        output.line("compiled", f"{fast:,.0f} cycles a second, over {rates.compiled_cycles:,}")
        output.line("ratio", f"{rates.ratio:,.0f}")
        output.line("compiling took", f"{rates.compile_seconds:.0f} s")
        output.line("same events", "yes" if rates.trace_equal else "NO")

    output.result(rates.to_dict(), as_json=options.json, text=text)
    return 0 if rates.trace_equal else 1
