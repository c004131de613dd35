"""Engines with LSTM and GRU cells: RTL == golden, all outputs and whole traces, step by step."""

from typing import Any

import numpy as np
import pytest

from golden.format.network import Network
from sim.check import simulate_steps
from tests.cases import halved
from tests.cells import SMALL, cell_config, cell_layer, cell_network, random_steps

ENGINES: list[dict[str, Any]] = [
    {},
    {"streams": 2},
    {"streams": 3, "pes": 5, "group": 3, "queue_depth": 4, "multiplier_stages": 3},
    {"pes": 1, "group": 1, "row_depth": 128, "state_frac": 8},
    {"pes": 6, "group": 1, "entry_stages": 2, "broadcast_stages": 2, "mac": "codebook"},
    {"streams": 2, "pes": 7, "group": 4, "entry_stages": 2, "multiplier_stages": 4, "mac": "log"},
    {"streams": 2, "pes": 3, "mac": "codebook", "broadcast_stages": 1, "queue_depth": 3},
    {"stages": "long", "pes": 5},
    {"stages": "long", "streams": 2, "pes": 5, "group": 3},
    {"stages": "elastic", "pes": 5, "group": 3},
    {"pes": 6, "mac": "log", "run_width": 4, "entry_memory": "spram", "entry_depth": 8192},
    {"mac": "log-sqrt2", "pes": 3, "multiplier_stages": 3},
    {"mac": "ternary", "pes": 5, "streams": 2, "multiplier_stages": 3},
    {"mac": "ternary", "run_width": 7, "entry_memory": "spram", "entry_depth": 8192},
]


@pytest.mark.parametrize(("engine", "peepholes"), halved(ENGINES, [False, True]), ids=str)
def test_outputs_and_traces_are_golden(engine: dict[str, Any], peepholes: bool) -> None:
    if peepholes and "entry_memory" in engine:
        pytest.skip("peepholes need entries in block RAM")
    rng = np.random.default_rng(len(str(engine)) + peepholes)
    config, head = cell_config(**engine), bool(len(str(engine)) % 2)
    network = cell_network(rng, config, widths=SMALL, peepholes=peepholes, head=head)
    # In the second step states are kept, in the third one the first one's lists are used again.
    result = simulate_steps(network, random_steps(rng, network, 2 + peepholes))
    assert result.first_difference() is None
    assert result.equal
    assert any(one.outputs.any() for one in result.inferences)


@pytest.mark.parametrize("streams", [pytest.param(1, marks=pytest.mark.long), 2])
def test_compiled_is_the_same(streams: int) -> None:
    rng = np.random.default_rng(streams)
    network = cell_network(rng, cell_config(streams=streams, pes=2, group=1), widths=SMALL)
    steps = random_steps(rng, network, 4)
    result = simulate_steps(network, steps, compiled=True)
    assert result.first_difference() is None
    assert result.equal


def test_a_step_of_a_single_input_on_more_than_16_pes() -> None:
    """Its only input starts the step at once, so all must be ready when the input is taken."""
    rng = np.random.default_rng(1)
    config = cell_config(pes=17, group=6, cells=1, row_depth=4)
    layers = (
        cell_layer(rng, config, "lstm", 1, 9, density=0.9),
        cell_layer(rng, config, "dense", 9, 5, density=0.9),
    )
    network = Network(name="single", config=config, layers=layers)
    result = simulate_steps(network, random_steps(rng, network, 3))
    assert result.first_difference() is None
    assert result.equal


def test_over_the_load_port() -> None:
    rng = np.random.default_rng(5)
    network = cell_network(rng, cell_config(mac="codebook", streams=2), widths=SMALL)
    assert simulate_steps(network, random_steps(rng, network, 2), load=True).equal


def test_a_wrong_state_is_seen() -> None:
    """The comparison is of this step's states, not only of what was never reset."""
    rng = np.random.default_rng(6)
    network = cell_network(rng, cell_config(), widths=SMALL)
    steps = random_steps(rng, network, 2)
    kept, fresh = (
        simulate_steps(network, [steps[0], type(steps[1])(x=steps[1].x, reset=(reset,))])
        for reset in (False, True)
    )
    assert kept.equal
    assert fresh.equal
    assert (kept.inferences[1].outputs != fresh.inferences[1].outputs).any()
