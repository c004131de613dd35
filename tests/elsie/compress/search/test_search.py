"""Goals are met on the digits example, and impossible ones say what is possible."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from boards.registry import find
from elsie.compress.compiler import compile_model
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.search.goal import Budget, Goal
from elsie.compress.search.search import search
from elsie.compress.search.structures import Structure, structures
from elsie.compress.search.weights import Engine
from golden.config import EngineConfig
from golden.errors import CheckFailed, DoesNotFit, ElsieError
from golden.format import netfile
from golden.format.network import Network

BASE = EngineConfig(act_width=8, pes=4, group=2)
ENGINES = {
    "codebook:4": Engine(config=BASE),
    "codebook:2": Engine(config=BASE.replace(code_width=2)),
}
DIGITS = Path(__file__).parents[4] / "examples" / "digits"


def digits_model() -> Model:
    return load_onnx(DIGITS / "digits.onnx")


def data(name: str) -> Evaluation:
    with np.load(DIGITS / f"{name}.npz") as file:
        return Evaluation(x=file["x"], labels=file.get("y", ()))


def digits(goal: Goal, **options: object) -> Network:
    given: dict = {"engines": ENGINES, "options": CompileOptions(strategy="lpt"), **options}
    return search(digits_model(), data("calibrate").x, goal=goal, **given)


@pytest.fixture(scope="module")
def budget() -> Network:
    return digits(Goal(budget=Budget(bits=30_000)), evaluate=data("test"))


def test_a_budget_is_kept_and_used(budget: Network) -> None:
    assert 28_000 < budget.info.size_bits.stored <= 30_000
    found = budget.info.search
    assert found is not None
    assert (found.budget_bits, found.samples, found.held_out) == (30_000, 128, True)
    assert budget.info.figures["accuracy"]["golden"] > 92


def test_the_front_has_the_result(budget: Network) -> None:
    rows = budget.info.front
    (chosen,) = [row for row in rows if row.chosen]
    assert chosen.bits == budget.info.size_bits.stored
    assert chosen.weights == f"codebook:{budget.config.code_width}"
    assert chosen.relative_error == min(row.relative_error for row in rows)
    for row, other in pairwise(rows):
        assert row.bits < other.bits
        assert row.relative_error > other.relative_error
    kept = [layer.density for layer in budget.info.layers]
    assert kept == pytest.approx(list(chosen.densities.values()), abs=0.03)


def test_one_density_for_all_layers_is_worse(budget: Network) -> None:
    """At no fewer bits, by the error on held-out samples and by accuracy on the test samples."""
    (chosen,) = [row for row in budget.info.front if row.chosen]
    density = chosen.density
    while True:
        even = compile_model(
            digits_model(),
            data("calibrate").x,
            config=ENGINES[chosen.weights].config,
            options=CompileOptions(density=density, strategy="lpt"),
            evaluate=data("test"),
        )
        if even.info.size_bits.stored >= budget.info.size_bits.stored:
            break
        density *= 1.02
    ours = budget.info
    assert even.info.quality.relative_error > 1.1 * ours.quality.relative_error
    assert even.info.figures["accuracy"]["golden"] < ours.figures["accuracy"]["golden"] - 1


FIXED = EngineConfig.from_dict(
    {"pes": 2, "group": 1, "mac": "fixed", "code_width": 8, "weight_width": 8}
)
SMALL = {"fixed:8": Engine(config=FIXED)}


@pytest.fixture
def small(random_model: Callable[..., Model]) -> Callable[..., Network]:
    """Searches for a network of two small layers."""
    given = random_model(8, 16, 5, density=1.0)
    x = np.abs(np.random.default_rng(3).normal(size=(80, 8)))

    def run(**goal: object) -> Network:
        options: dict = {"options": CompileOptions(strategy="lpt"), "engines": SMALL}
        names = (*options, "evaluate", "structures")
        options |= {name: goal.pop(name) for name in names if name in goal}
        budget = goal.pop("bits", None)
        wanted = Goal(**goal, budget=None if budget is None else Budget(bits=budget))  # type: ignore
        return search(given, x, goal=wanted, **options)

    return run


def test_the_smallest_network_within_a_drop(small: Callable[..., Network]) -> None:
    """A larger drop gives a smaller network, and none on the front is smaller and good enough."""
    sizes = []
    for most in (5.0, 30.0):
        info = small(max_drop=most).info
        (chosen,) = [row for row in info.front if row.chosen]
        assert chosen.drop <= most
        assert info.search is not None
        assert info.search.max_drop == most
        sizes.append(chosen.bits)
    assert sizes[0] > sizes[1]


def test_both_goals(small: Callable[..., Network]) -> None:
    network = small(bits=2500, max_drop=60.0)
    assert network.info.size_bits.stored <= 2500
    with pytest.raises(CheckFailed) as caught:
        small(bits=2500, max_drop=0.0)
    text = str(caught.value)
    assert "the best within 2.5 kbit that was found loses" in text
    assert "points on 80 held-out calibration samples (fixed:8 weights, density" in text
    assert "--max-drop allows 0" in text


def test_a_budget_that_nothing_keeps(small: Callable[..., Network]) -> None:
    with pytest.raises(
        CheckFailed, match=r"the smallest that was found takes \d\.\d kbit and loses"
    ):
        small(bits=100)


def test_a_drop_that_nothing_keeps(small: Callable[..., Network]) -> None:
    config = EngineConfig.from_dict({"mac": "ternary", "code_width": 1})
    coarse = {"ternary:1": Engine(config=config)}
    with pytest.raises(
        CheckFailed, match=r"--max-drop allows 0 points, and the best that was found"
    ):
        small(max_drop=0.0, engines=coarse)


def test_structures_to_try() -> None:
    assert structures(None, None) == [Structure()]
    assert structures(0.5, 8) == [Structure(neurons=0.5, rank=8)]
    first, *others = structures("auto", 8)
    assert first == Structure(rank=8)
    assert len(others) > 1
    assert all(one.rank == 8 for one in others)
    assert str(others[0]) == "neurons 0.5, rank 8"
    ranks = [one.rank for one in structures("auto", "auto") if one.neurons is None]
    assert ranks == [one.rank for one in structures(None, "auto")]
    assert ranks[0] is None
    assert len(ranks) > 1


def test_fewer_neurons_where_pointers_are_most_of_it(small: Callable[..., Network]) -> None:
    """A budget that no density keeps, or keeps badly, with all neurons."""
    with pytest.raises(CheckFailed):
        small(bits=600)
    network = small(bits=600, structures=structures("auto", None))
    assert network.info.size_bits.stored <= 600
    (row,) = [row for row in network.info.front if row.chosen]
    name, share = row.structure.split()
    assert name == "neurons"
    assert float(share) < 1
    assert network.info.structure is not None
    assert network.info.structure.neurons["fc0"].left == round(16 * float(share))
    plain, found = small(bits=1500), small(bits=1500, structures=structures("auto", None))
    assert found.info.size_bits.stored <= 1500
    errors = [row.relative_error for net in (plain, found) for row in net.info.front if row.chosen]
    assert errors[1] <= errors[0]


def test_more_than_the_whole_network_is_the_whole_network(small: Callable[..., Network]) -> None:
    (row,) = [row for row in small(bits=10**7).info.front if row.chosen]
    assert set(row.densities.values()) == {1.0}


def test_equal_inputs_give_equal_bytes(small: Callable[..., Network]) -> None:
    assert netfile.dump(small(bits=2000)) == netfile.dump(small(bits=2000))


def test_nothing_is_chosen_by_the_evaluation_data(small: Callable[..., Network]) -> None:
    """Other labels give the same network; a loss on them is told."""
    x = np.abs(np.random.default_rng(5).normal(size=(40, 8)))
    plain = small(bits=2000, max_drop=100.0)
    network = small(bits=2000, max_drop=100.0, evaluate=Evaluation(x=x, labels=np.arange(40) % 5))
    for one, other in zip(plain.layers, network.layers, strict=True):
        assert np.array_equal(one.codes, other.codes)
    assert network.info.front == plain.info.front


def test_the_board_must_hold_it(small: Callable[..., Network]) -> None:
    preset = find("icebreaker").preset
    tiny = CompileOptions(strategy="lpt", preset=preset)
    network = small(max_drop=100.0, options=tiny)
    assert network.info.board == "icebreaker"
    engines = {"fixed:8": Engine(config=FIXED.replace(pes=64))}
    with pytest.raises(DoesNotFit, match="no density helps: use fewer --pes"):
        small(max_drop=100.0, options=tiny, engines=engines)


def test_weights_that_a_model_cannot_have_are_left_out(small: Callable[..., Network]) -> None:
    engines = {"fixed:16": Engine(config=FIXED.replace(code_width=16, weight_width=16))}
    narrow = CompileOptions(strategy="lpt", acc_width=28)
    with pytest.raises(ElsieError, match="acc_width"):
        small(bits=3000, options=narrow, engines=engines)
    network = small(bits=3000, options=narrow, engines={**engines, **SMALL})
    assert network.config.code_width == 8


@pytest.mark.parametrize("weights", ["codebook:4,fc1=codebook:2", "codebook:4,fc1=ttq"])
def test_a_smaller_alphabet_in_one_layer_takes_no_fewer_bits_on_chip(weights: str) -> None:
    """Why alphabets of single layers are not searched for: the same weights, the same bits."""
    found = {}
    for one in ("codebook:4", weights):
        model, x = digits_model(), data("calibrate").x
        options = CompileOptions(density=0.1, weights=one, strategy="row_mod_n", effort="none")
        found[one] = compile_model(model, x, config=BASE, options=options)
    plain, mixed = found.values()
    assert mixed.info.size_bits.stored >= plain.info.size_bits.stored
    assert len(netfile.dump(mixed)) < len(netfile.dump(plain)), "the file has fewer"
    errors = [network.info.quality.relative_error for network in (plain, mixed)]
    assert errors[0] < errors[1]
