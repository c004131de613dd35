"""One layer's problem: weights of least loss, masks, and values of an alphabet."""

import numpy as np
import pytest

from elsie.compress.quantise.kinds import with_weights
from elsie.compress.quantise.quantise import quantise
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.reconstruct.layer import brain_surgeon, descent, least_squares
from elsie.compress.reconstruct.layer.alps import alps
from elsie.compress.reconstruct.layer.grids import _refit, on_grid
from elsie.compress.reconstruct.layer.problem import Problem
from golden.config import EngineConfig, MacKind

ROWS, COLUMNS = 9, 70


def problem(seed: int = 1, *, drift: float = 0.1) -> tuple[Problem, np.ndarray]:
    """A layer whose inputs have correlations, and have drifted; and its dense weights."""
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(ROWS, COLUMNS + 1))
    mixed = rng.normal(size=(COLUMNS, COLUMNS)) / np.sqrt(COLUMNS) + np.eye(COLUMNS)
    wanted = np.maximum(rng.normal(size=(120, COLUMNS)) @ mixed, 0)
    given = wanted + drift * rng.normal(size=wanted.shape)
    made = Problem.of(dense, wanted=wanted, given=given, sources=(COLUMNS,), damping=0.01)
    return made, dense


def magnitude_mask(dense: np.ndarray, count: int) -> np.ndarray:
    magnitude = np.abs(dense[:, :-1])
    return magnitude >= np.sort(magnitude.reshape(-1))[-count]


def test_equal_inputs_ask_for_the_dense_weights() -> None:
    made, dense = problem(drift=0.0)
    assert np.array_equal(made.target, dense)
    moved, _ = problem()
    assert not np.allclose(moved.target, dense)


def test_the_target_makes_up_for_what_the_inputs_lost() -> None:
    rng = np.random.default_rng(2)
    dense = rng.normal(size=(3, 6))
    wanted = rng.normal(size=(50, 5))
    made = Problem.of(dense, wanted=wanted, given=wanted / 2, sources=(5,), damping=1e-9)
    assert np.allclose(made.target[:, :-1], 2 * dense[:, :-1], atol=1e-5)


def test_sources_are_held_on_their_own_scale() -> None:
    """Inputs that are large do not tie the weights of others."""
    rng = np.random.default_rng(3)
    dense, x = rng.normal(size=(3, 7)), rng.normal(size=(20, 6))
    scale = np.array([1e4, 1e4, 1, 1, 1, 1])
    plain = Problem.of(dense, wanted=x, given=x, sources=(2, 4), damping=0.1)
    scaled = np.append(scale, 1.0)
    large = Problem.of(
        dense / scaled, wanted=x * scale, given=x * scale, sources=(2, 4), damping=0.1
    )
    assert np.allclose(large.scaled(scaled).hessian, plain.hessian)


@pytest.mark.parametrize("exact", [True, False])
def test_least_squares_is_a_minimum(monkeypatch: pytest.MonkeyPatch, exact: bool) -> None:
    if not exact:
        monkeypatch.setattr(least_squares, "LARGEST", 0)
        monkeypatch.setattr(least_squares, "STEPS", 200)
    made, dense = problem()
    mask = magnitude_mask(dense, 200)
    mask[0] = True
    found = least_squares.least_squares(made, mask)
    slope = (found - made.target) @ made.hessian
    assert np.abs(slope[least_squares.with_bias(mask)]).max() < 1e-8
    assert not found[:, :-1][~mask].any()
    kept = np.where(least_squares.with_bias(mask), made.target, 0.0)
    assert made.loss(found) < 0.8 * made.loss(kept)


def test_alps_keeps_as_many_of_each_group_and_loses_less() -> None:
    made, dense = problem()
    mask = magnitude_mask(dense, 120)
    groups = np.broadcast_to(1 + np.arange(ROWS)[:, None] % 3, mask.shape).copy()
    groups[:, :5] = 0
    mask[:, :5] = False
    found = alps(made, mask, groups)
    assert np.array_equal(
        np.bincount(groups[found], minlength=4), np.bincount(groups[mask], minlength=4)
    )
    assert not found[:, :5].any()
    before, after = (made.loss(least_squares.least_squares(made, one)) for one in (mask, found))
    assert after < 0.9 * before


@pytest.mark.parametrize("bits", [None, 3])
@pytest.mark.parametrize("density", [1.0, 0.3])
@pytest.mark.parametrize("kind", QUANTISERS)
def test_values_are_the_alphabets_and_lose_less(
    kind: str, density: float, bits: int | None
) -> None:
    if bits and QUANTISERS[kind].widths == (1, 1):
        return
    config = with_weights(EngineConfig(), f"{kind}:{bits}" if bits else kind)
    scheme = Scheme(name=kind, bits=config.code_width)
    made, dense = problem()
    mask = magnitude_mask(dense, round(density * ROWS * COLUMNS))
    best = least_squares.least_squares(made, mask)
    start = quantise(config, best[:, :-1], scheme=scheme)
    found, grid = on_grid(made, best, mask, start.grid, QUANTISERS[kind])
    assert np.isin(found[:, :-1][mask], grid).all()
    assert not found[:, :-1][~mask].any()
    assert kind != "binary" or found[:, :-1][mask].all()
    nearest = np.hstack((start.values, best[:, -1:]))
    lost, lost_before = (made.loss(one) - made.loss(best) for one in (found, nearest))
    assert 0 < lost < 0.8 * lost_before
    # The quantiser takes the nearest value: these codes, but for the codebook's rounding.
    codes = quantise(config, found[:, :-1], scheme=scheme)
    step = 2.0**-codes.weight_frac if config.mac is MacKind.CODEBOOK else 0.0
    assert np.abs(codes.values - found[:, :-1]).max() <= step / 2 + 1e-12


@pytest.mark.parametrize("kind", ["twn", "ttq"])
def test_scales_are_those_of_least_loss(kind: str) -> None:
    """No other scales are better for the same codes; -a and a stay opposite."""
    made, dense = problem()
    mask = magnitude_mask(dense, 300)
    best = least_squares.least_squares(made, mask)
    config = with_weights(EngineConfig(), kind)
    start = quantise(config, best[:, :-1], scheme=Scheme(name=kind, bits=1))
    found, grid = on_grid(made, best, mask, start.grid, QUANTISERS[kind])
    solved = _refit(made, found, mask, grid, QUANTISERS[kind].solved)
    assert (solved[0] == -solved[-1]) == (kind == "twn")

    def loss(values: np.ndarray) -> float:
        moved = np.where(mask, values[np.searchsorted(grid, found[:, :-1])], 0.0)
        return made.loss(best_bias(made, moved))

    least = loss(solved)
    for factor in (0.99, 1.01):
        assert loss(solved * factor) > least
        if kind == "ttq":
            assert loss(solved * np.array([factor, 1.0, 1.0])) > least


def best_bias(problem: Problem, weights: np.ndarray) -> np.ndarray:
    """`weights` (rows, columns) with the bias of least loss."""
    error = weights - problem.target[:, :-1]
    edge = problem.hessian[:-1, -1]
    bias = problem.target[:, -1] - error @ edge / problem.hessian[-1, -1]
    return np.hstack((weights, bias[:, None]))


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    made, dense = problem()
    mask, grid = magnitude_mask(dense, 300), np.arange(-3, 4) / 1.5
    start = np.where(least_squares.with_bias(mask), dense, 0.0)
    whole = descent.descend(made, start, mask, grid)
    monkeypatch.setattr(descent, "BLOCK", 7)
    assert np.allclose(descent.descend(made, start, mask, grid), whole)
    one, two = (descent.descend(made, whole, mask, grid, sweeps=n) for n in (1, 2))
    assert made.loss(two) <= made.loss(one) <= made.loss(whole) + 1e-9


def test_rows_in_parts_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    made, dense = problem()
    mask, grid = magnitude_mask(dense, 300), np.arange(-3, 4) / 1.5
    start = least_squares.least_squares(made, mask)
    (whole,) = brain_surgeon.round_in_order(made, start, mask, [grid])
    monkeypatch.setattr(brain_surgeon, "ROOM", 1)
    (parts,) = brain_surgeon.round_in_order(made, start, mask, [grid])
    assert np.allclose(whole, parts)
    monkeypatch.setattr(brain_surgeon, "LARGEST", 0)
    (nearest,) = brain_surgeon.round_in_order(made, start, mask, [grid])
    assert np.isin(nearest[:, :-1], grid).all()
    least = made.loss(start)
    assert made.loss(whole) - least < 0.7 * (made.loss(nearest) - least)
