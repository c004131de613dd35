"""One running board, three networks in turn: digits, other digits, spoken digits (an LSTM)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.host import Board
from elsie.host.fitting import fitted
from elsie.host.simulated.board import SimulatedBoard, simulated
from elsie.options import EngineOptions
from golden.arithmetic.sequences import Sequences, quantise_input
from golden.format.image import encode
from golden.format.network import Network
from golden.timing.model import TimingModel

EXAMPLES = Path(__file__).parents[3] / "examples"
DIGITS, SPEECH = EXAMPLES / "digits", EXAMPLES / "speech"
ENGINE = EngineOptions(pes=2, group=2, act_width=16)
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def networks() -> list[Network]:
    digits = [
        elsie.compile(
            DIGITS / f"{name}.onnx",
            calibration=DIGITS / "calibrate.npz",
            weights="fixed:12",
            density=density,
            effort="none",
            engine=ENGINE,
        )
        for name, density in (("digits-pruned", None), ("digits", 0.2))
    ]
    speech = elsie.compile(
        SPEECH / "speech-pruned.onnx",
        calibration=SPEECH / "calibrate.npz",
        effort="none",
        engine=ENGINE,
    )
    return [*digits, speech]


@pytest.fixture(scope="module")
def board(networks: list[Network]) -> Iterator[SimulatedBoard]:
    with simulated(*networks, board="icebreaker") as running:
        yield running


def cycles(network: Network, x: np.ndarray, lengths: np.ndarray | None) -> int:
    """What golden's timing model says of all of them."""
    model, total = TimingModel(encode(network)), 0
    given = Sequences.of(network, quantise_input(network, x), lengths)
    for sample, length in zip(given.x, given.lengths, strict=True):
        for nth in range(length):
            answer = network.head is None or nth + 1 == length
            step = model.run(sample[nth][None], reset=(nth == 0,), answer=answer)
            total += step[1].cycles
    return total


def check(port: str, network: Network, x: np.ndarray, lengths: np.ndarray | None) -> None:
    """All outputs and all cycles are golden's."""
    with Board.open(port) as board:
        before = board.damaged()  # finding the speed costs a frame
        assert board.load(network)
        outputs = board.run(x, lengths)
        expected = elsie.predict(network, x, lengths=lengths).outputs
        assert (outputs == expected).all()
        placed = fitted(network, board.identity.config)
        assert board.measured is not None
        assert board.measured.cycles == cycles(placed, x, lengths)
        assert board.measured.recovered == 0
        assert board.damaged() == before


def test_some_of_each(board: SimulatedBoard, networks: list[Network]) -> None:
    digits, other, speech = networks
    x = elsie.load_data(DIGITS / "test.npz", digits).x
    check(board.port, digits, x[:24], None)
    check(board.port, other, x[24:40], None)
    spoken = elsie.load_data(SPEECH / "test.npz", speech)
    assert spoken.lengths is not None
    check(board.port, speech, spoken.x[:2], spoken.lengths[:2])
    check(board.port, digits, x[:4], None)


@pytest.mark.long
def test_all_digits_twice_and_many_words(board: SimulatedBoard, networks: list[Network]) -> None:
    digits, other, speech = networks
    x = elsie.load_data(DIGITS / "test.npz", digits).x
    check(board.port, digits, x, None)
    check(board.port, other, x, None)
    spoken = elsie.load_data(SPEECH / "test.npz", speech)
    assert spoken.lengths is not None
    check(board.port, speech, spoken.x[:40], spoken.lengths[:40])
