"""Balanced pruning in the compiler: the PEs that a layer was pruned for keep its rows."""

from collections.abc import Callable

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.model.layer import Part
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.place.rows import STRATEGIES
from elsie.compress.prune.balanced import prune_balanced
from elsie.compress.prune.even import prune_evenly, prune_plainly
from elsie.compress.prune.prune import prune
from golden.arithmetic.run import predict
from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.format.address_map import layer_nonzeros
from golden.format.image import encode
from golden.format.network import Network

PES = 5
BASE = EngineConfig(
    pes=PES,
    group=2,
    queue_depth=16,
    act_depth=1024,
    mac=MacKind.FIXED,
    code_width=12,
    weight_width=12,
)


def stored(net: Network, layer: int) -> np.ndarray:
    """Weights of each PE in each column, as the engine stores them, shape (pes, n_in)."""
    of = net.layers[layer]
    nonzeros = layer_nonzeros(net.config, of, np.arange(of.n_in))
    place = nonzeros.pe * of.n_in + nonzeros.column
    return np.bincount(place, minlength=PES * of.n_in).reshape(PES, of.n_in)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("balanced", ["pe", "column"])
def test_every_pe_stores_as_many(
    random_model: Callable[..., Model], balanced: str, strategy: str
) -> None:
    model = random_model(60, 43, 31, density=1.0)
    x = np.random.default_rng(2).normal(size=(40, 60))
    net = compile_model(
        model,
        x,
        config=BASE,
        options=CompileOptions(density=0.3, balanced=balanced, strategy=strategy),
    )
    for number, layer in enumerate(net.layers):
        count = stored(net, number)
        assert count.sum() == round(0.3 * layer.n_in * layer.n_out)
        assert np.ptp(count.sum(axis=1)) <= 1
        assert (np.ptp(count, axis=1) <= 1).all() == (balanced == "column")
    assert net.info.balanced == balanced
    encode(net)
    assert predict(net, x).shape == (40, 31)


def test_plain_pruning_is_not_even(random_model: Callable[..., Model]) -> None:
    """So the test above can fail."""
    model = random_model(60, 43, 31, density=1.0)
    net = compile_model(
        model,
        np.ones((1, 60)),
        config=BASE,
        options=CompileOptions(density=0.3, strategy="row_mod_n"),
    )
    assert np.ptp(stored(net, 0).sum(axis=1)) > 10
    net = compile_model(model, np.ones((1, 60)), config=BASE, options=CompileOptions(density=0.3))
    assert np.ptp(stored(net, 0), axis=1).max() > 2
    assert net.info.balanced is None


def test_only_layers_with_a_density_are_pruned(random_model: Callable[..., Model]) -> None:
    model = random_model(60, 43, 31, density=0.5)
    x = np.ones((1, 60))
    net = compile_model(
        model, x, config=BASE, options=CompileOptions(density={"fc1": 0.2}, balanced="pe")
    )
    plain = compile_model(model, x, config=BASE, options=CompileOptions(density={"fc1": 0.2}))
    assert np.array_equal(net.layers[0].position, plain.layers[0].position)
    assert net.layers[0].nnz == plain.layers[0].nnz > 0.45 * 60 * 43
    assert np.ptp(stored(net, 1).sum(axis=1)) <= 1


def test_rows_are_assigned_first() -> None:
    """That keeps more than pruning for rows that were dealt in turn."""
    random = np.random.default_rng(3)
    weight = random.normal(size=(40, 80)) * random.exponential(size=(40, 1))

    def kept(pruned: np.ndarray) -> float:
        return float((pruned**2).sum())

    part = Part(name="fc", matrices=(weight[None],))
    (kept_part,), (owner,) = prune_evenly(BASE, [part], 0.2, per="pe")
    assert owner is not None
    pruned = kept_part.matrices[0][0]
    in_turn = prune_balanced(weight, 0.2, np.arange(40) % PES, pes=PES, per="pe")
    assert np.array_equal(pruned, prune_balanced(weight, 0.2, owner, pes=PES, per="pe"))
    assert np.bincount(owner).tolist() == [8] * PES
    assert kept(pruned) > 1.01 * kept(in_turn)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"balanced": "pe"}, "balanced says how to prune; give a density too"),
        ({"balanced": "pe", "density": {}}, "balanced says how to prune; give a density too"),
        ({"balanced": "row", "density": 0.5}, "no balance 'row'; there are pe, column"),
        ({"balanced": "pe", "density": 2.0}, "density must be above 0"),
    ],
)
def test_refusals(random_model: Callable[..., Model], options: dict, said: str) -> None:
    with pytest.raises(ElsieError, match=said):
        compile_model(
            random_model(4, 6, 3), np.ones((2, 4)), config=BASE, options=CompileOptions(**options)
        )


def test_outputs_of_a_part_keep_as_many_weights() -> None:
    """Of all its matrices together, the largest ones, where it is pruned by rows."""
    rng = np.random.default_rng(3)
    wide, narrow = rng.normal(size=(1, 6, 20)), 3 * rng.normal(size=(1, 6, 5))
    part = Part(name="c", matrices=(wide, narrow), by_row=True)
    (thin,) = prune_plainly((part,), lambda gate: prune(gate, 0.4))
    whole, kept = (np.concatenate(one.matrices, axis=2)[0] for one in (part, thin))
    assert np.count_nonzero(kept, axis=1).tolist() == [10] * 6
    for before, after in zip(whole, kept, strict=True):
        left = np.abs(before)[after == 0]
        assert np.abs(after)[after != 0].min() > left.max()
    assert len({np.count_nonzero(row) for row in thin.matrices[0][0]}) > 1
