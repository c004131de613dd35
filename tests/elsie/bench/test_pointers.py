"""What pointers cost, beside the compiler's own sizes."""

from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.bench.compression.pointers import bits, layers, main
from elsie.bench.synthetic import random_network
from golden.config import EngineConfig
from golden.format.image import encode
from golden.format.layout import entry_word_width

DIGITS = Path(__file__).parents[3] / "examples" / "digits"


def test_as_in_the_compilers_report() -> None:
    network = elsie.compile(
        DIGITS / "digits.onnx",
        calibration=DIGITS / "calibrate.npz",
        density=0.1,
        effort="none",
        board="icebreaker",
    )
    rows, config = layers(network), network.config
    assert sum(row["entries"] for row in rows) == entry_word_width(config) * sum(
        layer.entries for layer in network.info.layers
    )
    books = sum(layer.codebook.size for layer in network.layers) * config.weight_width
    rest = books + encode(network).used["biases"] * config.groups * config.acc_width
    parts = sum(row["entries"] + row["now"] for row in rows)
    assert parts + rest == network.info.size_bits.stored


def test_by_hand() -> None:
    config = EngineConfig(pes=2, group=2, row_depth=7, entry_depth=32, code_width=4, run_width=3)
    counts = np.array([[1, 0, 2, 0, 1], [3, 0, 0, 0, 1]])
    assert bits(config, counts) == {
        "entries": 7 * 8,
        "now": 2 * 5 * (5 + 3),
        "ends": 2 * 6 * 5,
        "blocks": 2 * (2 * 5 + 5 * 3),
        "shared": 5 * (5 + 3) + 7 * (2 + 2),
    }


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = EngineConfig(pes=4, group=2)
    network = random_network(config, name="some", sizes=(20, 30, 10), density=0.2)
    elsie.save(network, tmp_path / "net")
    main([str(tmp_path / "net")])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["some:", "layer", "layer0", "layer1", "all"]
    first, second, both = (list(map(int, line.split()[1:-2])) for line in lines[2:])
    assert [a + b for a, b in zip(first, second, strict=True)] == both
