"""Sigmoid and tanh behind fully connected layers: RTL == golden, whole traces; faults are seen."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module

from golden.format.network import Network
from rtl.operations.function_unit import FunctionUnit
from rtl.sequence import sequencer
from rtl.sequence.upcoming import Upcoming
from sim.check import Simulation, simulate, simulate_steps
from tests.cases import halved
from tests.cells import SMALL, cell_config, cell_network, random_steps
from tests.networks import random_input, random_network, small_config

SIZES = [20, 18, 15, 9]
MIXED = ["tanh", "relu", "sigmoid"]


def connected(seed: int = 1, activations: list[str] = MIXED, **changes: Any) -> Network:
    """Requantised sums of about 2**12, where neither function is flat."""
    rng = np.random.default_rng(seed)
    fields: dict[str, Any] = {"mac": "fixed", "act_width": 16, "functions": True, "group": 2}
    config = small_config(SIZES, **{**fields, "layers": 4, **changes})
    return random_network(rng, config, SIZES, density=0.4, shift=10, activations=activations)


def run(network: Network, *, compiled: bool = False) -> Simulation:
    return simulate(network, random_input(np.random.default_rng(2), network, 2), compiled=compiled)


def good(result: Simulation) -> None:
    assert result.first_difference() is None
    assert result.equal
    outputs = np.concatenate([one.outputs.reshape(-1) for one in result.inferences])
    assert len(np.unique(outputs)) > 4, "all saturated: it proves little"


@pytest.mark.parametrize(
    ("changes", "activations"),
    halved(
        [
            {},
            {"pes": 17, "group": 4, "broadcast_stages": 2, "entry_stages": 2},
            {"pes": 1, "group": 1, "multiplier_stages": 4, "stages": "elastic"},
            {"mac": "log", "entry_memory": "spram"},
        ],
        [MIXED, ["sigmoid", "tanh", "relu"]],
    ),
    ids=str,
)
def test_without_cells(changes: dict[str, Any], activations: list[str]) -> None:
    good(run(connected(activations=activations, **changes)))


@pytest.mark.parametrize(
    ("changes", "activations"),
    halved(
        [
            {},
            {"streams": 2},
            {"delta": True, "pes": 5, "group": 3, "act_lists": 16},
        ],
        [("tanh", "sigmoid"), ("sigmoid", "tanh")],
    ),
    ids=str,
)
def test_with_cells(changes: dict[str, Any], activations: tuple[str, str]) -> None:
    """A projection with a function is fed back; the last layer has the other one."""
    rng = np.random.default_rng(len(changes))
    config = cell_config(functions=True, **changes)
    head = not config.delta
    network = cell_network(rng, config, widths=SMALL, head=head, activations=activations)
    good(simulate_steps(network, random_steps(rng, network, 2)))


def test_compiled_is_the_same() -> None:
    good(run(connected(pes=2), compiled=True))


def test_a_function_that_comes_a_cycle_early_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(FunctionUnit):
        LATENCY = FunctionUnit.LATENCY - 1

    for module in ("rtl.operations.pipeline", "rtl.sequence.back"):  # not the unit itself
        monkeypatch.setattr(f"{module}.FunctionUnit", Short)
    assert not run(connected()).equal
    assert run(connected(activations=["relu"] * 3)).equal, "it must be the function that is wrong"


def test_the_function_of_the_layer_before_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Upcoming):
        def elaborate(self, platform: object) -> Module:
            m = super().elaborate(platform)
            m.d.comb += self.next.phase.function.eq(self.current.function)
            return m

    network = connected()
    assert run(network).equal
    monkeypatch.setattr(sequencer, "Upcoming", Broken)
    assert not run(network).equal
