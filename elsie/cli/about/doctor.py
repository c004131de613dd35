"""`elsie doctor`."""

import argparse

from elsie.cli import output
from elsie.cli.grammar import Steps, add_command


def add(steps: Steps) -> None:
    """The grammar."""
    summary = "check that all tools are there and work, and that the caches can be written"
    add_command(steps, "doctor", summary, "elsie doctor", run=run)


def run(options: argparse.Namespace) -> int:
    """Check the tools; exit code 1 when one that is needed is missing or does not run."""
    from elsie.doctor import examine

    with output.progress("running the tools (the first run prepares them)", "tools") as update:
        checks = examine(progress=update)
    healthy = all(check.ok for check in checks if check.needed)
    values = {"ok": healthy, "checks": checks}

    def text() -> None:
        for check in checks:
            mark = "ok" if check.ok else "FAILED" if check.needed else "optional"
            output.line(check.name, f"{mark:<10} {check.detail}")
            if not check.ok:
                output.line("", f"{'':<10} {check.cure}")

    output.result(values, as_json=options.json, text=text)
    return 0 if healthy else 1
