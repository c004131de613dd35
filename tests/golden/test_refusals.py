"""Corners that once got through, or came out as a traceback."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from golden.arithmetic.sequences import quantise_input
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format import netfile
from golden.format.image import encode
from golden.format.memories import MemoryMap
from golden.format.network import Network
from golden.proof import accumulator_bound
from tests.networks import random_network, small_config
from tests.reports import report_of

SIZES = [6, 5]
CONFIG = small_config(SIZES)
NETWORK = random_network(np.random.default_rng(0), CONFIG, SIZES)


def test_a_bias_that_overflows_its_accumulator_is_refused() -> None:
    layer = NETWORK.layers[0]
    wide = dataclasses.replace(layer, bias=layer.bias + (1 << (CONFIG.acc_width - 1)))
    with pytest.raises(ElsieError, match=r"layer layer0: its sums can reach \d+"):
        encode(Network(name="n", config=CONFIG, layers=(wide,)))


def test_the_widest_sum_that_fits_is_taken() -> None:
    dense = random_network(np.random.default_rng(0), CONFIG, SIZES, density=1.0)
    needed = accumulator_bound(dense.layers[0], dense, signed_input=True).bit_length() + 1
    encode(dataclasses.replace(dense, config=CONFIG.replace(acc_width=needed)))
    with pytest.raises(ElsieError, match=f"acc_width {needed - 1}"):
        encode(dataclasses.replace(dense, config=CONFIG.replace(acc_width=needed - 1)))


@pytest.mark.parametrize("make", [EngineConfig, lambda mac: EngineConfig.from_dict({"mac": mac})])
def test_an_unknown_mac_is_named(make) -> None:
    with pytest.raises(
        ElsieError, match="mac must be one of codebook, fixed, log, log-sqrt2, ternary, not 'foo'"
    ):
        make(mac="foo")


def test_a_shift_that_the_engine_cannot_do_is_refused() -> None:
    shift = NETWORK.layers[0].shift
    for limits in ({"shift_low": shift + 1}, {"shift_high": shift - 1}):
        config = CONFIG.replace(**limits)
        text = f"layer layer0: shift must be {config.shift_low}..{config.shift_top}, not {shift}"
        with pytest.raises(ElsieError, match=text):
            dataclasses.replace(NETWORK, config=config)
    dataclasses.replace(NETWORK, config=CONFIG.replace(shift_low=shift, shift_high=shift))


def test_saving_onto_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ElsieError, match=str(tmp_path)):
        netfile.save(NETWORK, tmp_path)


def test_figures_may_be_numpy_scalars(tmp_path: Path) -> None:
    report = dataclasses.replace(report_of(NETWORK), compression_ratio=np.float32(0.5))
    netfile.save(dataclasses.replace(NETWORK, report=report), tmp_path / "n.elsie")
    assert netfile.load(tmp_path / "n.elsie").info.compression_ratio == 0.5


def test_huge_inputs_saturate_in_silence() -> None:
    layer = dataclasses.replace(NETWORK.layers[0], in_frac=8, out_frac=8)
    network = Network(name="n", config=CONFIG, layers=(layer,))
    assert quantise_input(network, np.full((1, 6), 1e308)).tolist() == [[127] * 6]


def test_activation_memory_is_counted_as_deep_as_it_is_built() -> None:
    config = CONFIG.replace(act_depth=257)
    assert MemoryMap.of(config)["activation"].depth == 1024
