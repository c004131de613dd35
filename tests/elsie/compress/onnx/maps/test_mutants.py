"""Mutants of networks on maps: right, or refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elsie.compress.model.conv import FloatConv
from elsie.compress.model.model import Model
from elsie.compress.onnx.check.evaluate import check_model
from elsie.compress.onnx.file import read_graph
from golden.errors import ElsieError
from tests.elsie.compress.onnx.judge import hunt
from tests.elsie.compress.onnx.maps.graphs import load
from tests.elsie.compress.onnx.maps.networks import Network


def bases(folder: Path, count: int) -> list[Path]:
    """Files of random networks."""
    paths = [folder / f"net{seed}.onnx" for seed in range(count)]
    for seed, path in enumerate(paths):
        path.write_bytes(Network(seed).proto().SerializeToString())
    return paths


def test_some(tmp_path: Path) -> None:
    tally = hunt(bases(tmp_path, 30), tmp_path, count=200, seed=1)
    print(dict(tally))
    assert sum(tally.values()) == 200
    assert min(tally["taken"], tally["refused"]) > 30


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
def test_many(tmp_path: Path, seed: int) -> None:
    tally = hunt(bases(tmp_path, 60), tmp_path, count=3000, seed=seed)
    print(dict(tally))
    assert sum(tally.values()) == 3000


def swapped(model: Model) -> Model:
    """The same with rows for columns in the first kernel."""
    first, *rest = model.layers
    assert isinstance(first, FloatConv)
    (source,) = first.sources
    wrong = replace(source, weight=source.weight[:, :, ::-1])
    return replace(model, layers=(replace(first, sources=(wrong,)), *rest))


def test_a_wrong_import_does_not_get_out(tmp_path: Path) -> None:
    """The importer compares each network with onnx's evaluator."""
    model = load(Network(12).proto(), tmp_path)
    graph = read_graph(tmp_path / "net.onnx")
    axes = ("batch", *("features",) * (len(graph.shape or ()) - 1))
    check_model(graph, axes, model, graph.output)
    right, wrong = (each.layers[0].parameters()[0] for each in (model, swapped(model)))
    assert not np.array_equal(right, wrong)
    with pytest.raises(ElsieError, match=r"net\.onnx: .* please report it"):
        check_model(graph, axes, swapped(model), graph.output)
