"""An engine with its entries in SPRAM, from the ONNX model to simulated cycles."""

from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.options import EngineOptions
from golden.arithmetic.run import forward
from golden.arithmetic.sequences import quantise_input
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from golden.kinds import EntryMemory
from golden.timing.model import TimingModel

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
TEST = DIGITS / "test.npz"


@pytest.fixture(scope="module")
def network() -> Network:
    """The digits network on 6 PEs and three SPRAMs; for more, block RAM runs out."""
    return elsie.compile(
        DIGITS / "digits-pruned.onnx",
        calibration=DIGITS / "calibrate.npz",
        board="icebreaker",
        engine=EngineOptions(pes=6, entry_memory="spram"),
        evaluate=TEST,
    )


def test_the_compiler_sizes_it(network: Network) -> None:
    config = network.config
    assert config.entry_memory is EntryMemory.SPRAM
    assert config.code_width + config.run_width <= 8
    assert encode(network).used["entries"] <= config.entry_depth
    shifts = [layer.shift for layer in network.layers]
    assert (config.shift_low, config.shift_high) == (min(shifts), max(shifts))
    assert network.info.figures["accuracy"]["golden"] > 97


def test_its_weights_are_those_of_block_ram(network: Network) -> None:
    block = elsie.compile(
        DIGITS / "digits-pruned.onnx",
        calibration=DIGITS / "calibrate.npz",
        # 8 bits as on the iCEBreaker, whose block RAM it would exceed.
        engine=EngineOptions(act_width=8, pes=6, run_width=network.config.run_width),
    )
    assert block.config.entry_memory is EntryMemory.BLOCK
    for one, other in zip(network.layers, block.layers, strict=True):
        assert np.array_equal(one.codes, other.codes)
        assert np.array_equal(one.position, other.position)
    # Columns of an odd number of entries leave half a word free.
    assert encode(network).used["entries"] > encode(block).used["entries"]


def test_timing_model_and_arithmetic_give_the_same_results(network: Network) -> None:
    x = elsie.load_data(TEST, network).x
    inputs = quantise_input(network, x[:20])
    expected = forward(network, inputs)
    model, position = TimingModel(encode(network)), network.layers[-1].position
    for row, outputs in zip(inputs, expected, strict=True):
        trace, _ = model.run(row)
        found = {int(p): int(v) for _, p, v, _ in trace.events["output"]}
        assert found == {int(p): int(v) for p, v in zip(position, outputs, strict=True) if v}


def test_the_rtl_agrees_event_for_event(network: Network) -> None:
    x = elsie.load_data(TEST, network).x
    assert elsie.simulate(network, x[:1]).equal


def test_it_is_saved_and_loaded(network: Network, tmp_path: Path) -> None:
    elsie.save(network, tmp_path / "n.elsie")
    assert elsie.load(tmp_path / "n.elsie").config == network.config


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"weights": "fixed"}, "code_width 8 and run_width 2 need 10; lower one of them"),
        ({"code_width": 5, "run_width": 4}, "code_width 5 and run_width 4 need 9"),
        ({"pes": 10, "board": "icebreaker"}, "its 10 PEs need 5 SPRAMs"),
        ({"board": "hx8k"}, "iCE40HX8K of board hx8k has none; it fits with --entry-memory block"),
        ({"group": 3}, "group must be even with entry_memory spram"),
    ],
)
def test_what_does_not_go_into_spram_is_refused(options: dict, text: str) -> None:
    with pytest.raises(ElsieError, match=text):
        elsie.compile(
            DIGITS / "digits-pruned.onnx",
            calibration=DIGITS / "calibrate.npz",
            board=options.pop("board", None),
            weights=options.pop("weights", None),
            effort="none",
            engine=EngineOptions(entry_memory="spram", **options),
        )


@pytest.mark.parametrize(
    ("weights", "code_width"),
    [
        ("fixed", 5),
        ("codebook", 1),
        ("log-sqrt2", 4),
        pytest.param("log", 4, marks=pytest.mark.long),
        pytest.param("codebook", 6, marks=pytest.mark.long),
        pytest.param("ternary", 1, marks=pytest.mark.long),
    ],
)
def test_other_weights_and_widths(weights: str, code_width: int) -> None:
    network = elsie.compile(
        DIGITS / "digits-pruned.onnx",
        calibration=DIGITS / "calibrate.npz",
        weights=weights,
        effort="none",
        engine=EngineOptions(entry_memory="spram", code_width=code_width),
    )
    assert network.config.code_width == code_width
    assert network.config.run_width <= 8 - code_width
    x = elsie.load_data(TEST, network).x
    assert elsie.simulate(network, x[:1]).equal
