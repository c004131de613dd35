"""RTL against golden: every output bit for bit, every event cycle for cycle."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.arithmetic.run import forward
from golden.config import EngineConfig
from golden.format.network import Network
from rtl.pe.accumulator import Accumulator
from sim.check import simulate
from tests.cases import halved
from tests.cells import cell_config
from tests.networks import random_fifo, random_input, random_network, random_stages, small_config
from tests.rtl.helpers import on_ecp5


@st.composite
def cases(draw: st.DrawFn):
    """A small network on a small engine, and inputs for it; everything that has a corner."""
    pes = draw(st.one_of(st.integers(1, 9), st.just(17)))  # from 17 on, status takes two stages
    memory = draw(st.sampled_from(["block", "block", "spram"]))
    lanes = 2 if memory == "spram" else 1
    kinds = ["codebook", "log", "log-sqrt2", "ternary"]
    kinds += ["fixed"] * (memory == "block")  # too wide for the large RAM
    sizes = draw(st.lists(st.integers(1, 24), min_size=2, max_size=4))
    shift = draw(st.sampled_from([0, 5, 12]))
    config = small_config(
        sizes,
        mac=draw(st.sampled_from(kinds)),
        entry_memory=memory,
        pes=pes,
        group=lanes * draw(st.integers(1, 5)),
        run_width=draw(st.integers(2, 6 - lanes)),
        act_width=draw(st.sampled_from([8, 16])),
        acc_width=48,
        shift_low=draw(st.integers(0, shift)),
        shift_high=draw(st.integers(shift, 20)),
        entry_stages=draw(st.integers(1, 2)),
        multiplier_stages=draw(st.integers(2, 4)),
        broadcast_stages=draw(st.integers(0, 2)),
        stages=random_stages(np.random.default_rng(draw(st.integers(0, 99)))),
    )
    config = random_fifo(np.random.default_rng(draw(st.integers(0, 99))), config)
    # From the shallowest queue on, in registers or in a memory.
    config = config.replace(queue_depth=config.queue_margin + draw(st.integers(1, 6)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    network = random_network(
        rng,
        config,
        sizes,
        density=draw(st.sampled_from([0.0, 0.05, 0.3, 1.0])),
        shift=shift,
    )
    x = random_input(rng, network, 2)
    if draw(st.booleans()):
        x[0] = 0
    return network, x


def equal(case, load: bool) -> None:
    network, x = case
    result = simulate(network, x, load=load)
    assert result.first_difference() is None
    assert result.equal


@settings(max_examples=9)
@given(cases(), st.booleans())
def test_rtl_equals_golden_on_random_networks(case, load: bool) -> None:
    equal(case, load)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=100)
@given(cases(), st.booleans())
def test_rtl_equals_golden_on_more_random_networks(case, load: bool) -> None:
    equal(case, load)


@pytest.mark.parametrize(
    ("pes", "changes"),
    halved([5, 18], [{"mac": "log"}, {"mac": "fixed"}, {"entry_memory": "spram"}]),
    ids=str,
)
def test_full_queues_stall_the_broadcast(changes: dict[str, Any], pes: int) -> None:
    """Every broadcast is work for all PEs, more than it takes cycles; predicted to the cycle."""
    rng = np.random.default_rng(3)
    sizes = [30, 3 * pes]
    config = small_config(sizes, pes=pes, group=2, queue_depth=4, **changes)
    network = random_network(rng, config, sizes, density=0.6)
    result = simulate(network, random_input(rng, network))
    assert result.first_difference() is None
    assert result.inferences[0].counters.stalls > 20


def full_groups(fifo: int) -> tuple[Network, np.ndarray]:
    """A FIFO in each group, and more work than the queues hold."""
    rng, sizes = np.random.default_rng(4), [30, 48]
    config = small_config(sizes, pes=4, group=2, queue_depth=7, stages={"fifo": fifo, "push": 1})
    network = random_network(rng, config, sizes, density=0.9)
    return network, random_input(rng, network)


def test_groups_with_full_fifos_stop_the_grants() -> None:
    network, x = full_groups(6)
    config = network.config
    assert (config.fifo_threshold, config.queue_threshold) == (1, 2)
    result = simulate(network, x)
    assert result.first_difference() is None
    assert result.inferences[0].counters.stalls > 20


@pytest.mark.parametrize(("margin", "fifo"), [("queue_margin", 16), ("fifo_margin", 6)])
def test_a_margin_that_is_too_small_overflows(
    margin: str, fifo: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So none of the reserved slots is one too many."""
    network, x = full_groups(fifo)
    right = getattr(network.config, margin)
    monkeypatch.setattr(EngineConfig, margin, property(lambda _: right - 1))
    with pytest.raises(AssertionError, match=r"a full queue is pushed|a FIFO overflows"):
        simulate(network, x)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pes": 17, "broadcast_stages": 2, "act_width": 16, "multiplier_stages": 4},
        {"entry_memory": "spram", "group": 2, "run_width": 7},  # 8 bits with the sign
        {"entry_memory": "spram", "group": 2, "run_width": 2},
    ],
    ids=str,
)
def test_ternary_weights(changes: dict[str, Any]) -> None:
    rng = np.random.default_rng(len(changes))
    sizes = [40, 35, 20, 9]
    config = small_config(sizes, mac="ternary", **changes)
    network = random_network(rng, config, sizes, density=0.4, shift=3)
    x = random_input(rng, network, 2)
    result = simulate(network, x)
    assert result.first_difference() is None
    assert result.equal
    outputs = np.concatenate([one.outputs for one in result.inferences])
    assert np.array_equal(outputs, forward(network, x))
    assert outputs.any()


@pytest.mark.parametrize("streams", [1, 2])
def test_a_fully_connected_network_on_an_engine_with_cells(streams: int) -> None:
    """Several vectors share a step; every one of them has its outputs."""
    rng = np.random.default_rng(streams)
    config = cell_config(streams=streams, pes=5)
    network = random_network(rng, config, [20, 14, 9], density=0.4)
    x = random_input(rng, network, 2)
    result = simulate(network, x)
    assert result.first_difference() is None
    assert result.equal
    assert len(result.inferences) == 2 // streams
    outputs = np.concatenate([one.outputs for one in result.inferences])
    assert np.array_equal(outputs, forward(network, x))
    assert np.array_equal(result.inferences[0].vector, outputs[0])
    assert result.summary(5).steps is None


@pytest.mark.parametrize(
    "changes",
    [
        {"pes": 1, "act_width": 16},
        {"mac": "log", "multiplier_stages": 4, "entry_stages": 2},
        {"mac": "fixed", "pes": 18, "group": 2, "broadcast_stages": 2},
    ],
    ids=str,
)
def test_sums_in_lut_ram(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """As ECP5 has them; the other units are as everywhere."""
    on_ecp5(monkeypatch, Accumulator)
    forms: list[str] = []
    plain = Accumulator._direct
    monkeypatch.setattr(
        Accumulator, "_direct", lambda self: (forms.append("LUT RAM"), plain(self))[1]
    )
    rng = np.random.default_rng(len(changes))
    sizes = [16, 12, 12, 9]
    config = small_config(sizes, **changes)
    network = random_network(rng, config, sizes, density=0.7, shift=5)
    result = simulate(network, random_input(rng, network, 2))
    assert result.first_difference() is None
    assert result.equal
    assert len(forms) == config.pes
