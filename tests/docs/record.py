"""Makes the files that stand in for the page's trainings: `python -m tests.docs.record`.

Runs each Python block of docs/bring-your-network.md whose packages are there; the page says which
they are. Models lose what names the machine's folders.
"""

import os
import tempfile
from pathlib import Path

from tests.docs.blocks import FILES, blocks, run_python
from tests.elsie.compress.onnx.exports.make import slim


def train() -> None:
    """Run what needs a framework."""
    for block in blocks():
        if block.needs and not block.missing:
            with tempfile.TemporaryDirectory() as name:
                os.chdir(name)
                run_python(block)
                for path in Path(name).iterdir():
                    data = path.read_bytes()
                    made = slim(data) if path.suffix == ".onnx" else data
                    (FILES / path.name).write_bytes(made)
                    print(f"line {block.line}: {path.name}, {len(made)} bytes")


if __name__ == "__main__":
    train()
