"""Mutants of recurrent exports: right, or refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.model import Model
from elsie.compress.onnx.check.evaluate import check_model
from elsie.compress.onnx.file import read_graph
from elsie.compress.onnx.operators.recurrent import input_axes
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError
from tests.elsie.compress.onnx.cells.record import FOLDER
from tests.elsie.compress.onnx.judge import hunt, judge

BASES = sorted(FOLDER.glob("*.onnx"))
ONE = FOLDER / "lstm-last-dynamo-batch1-static.onnx"


def turned(model: Model) -> Model:
    """The same with two gates in the wrong order."""
    first, *rest = model.layers
    assert isinstance(first, FloatCells)
    wrong = replace(first, weight=first.weight[[1, 0, 2, 3]], bias=first.bias[[1, 0, 2, 3]])
    return replace(model, layers=(wrong, *rest))


def test_some(tmp_path: Path) -> None:
    tally = hunt(BASES, tmp_path, count=300, seed=1)
    print(dict(tally))
    assert sum(tally.values()) == 300
    assert min(tally["taken"], tally["refused"]) > 30


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
def test_many(tmp_path: Path, seed: int) -> None:
    tally = hunt(BASES, tmp_path, count=3000, seed=seed)
    print(dict(tally))
    assert sum(tally.values()) == 3000


def test_the_judge_sees_a_wrong_model() -> None:
    proto, rng = onnx.load(ONE), np.random.default_rng(1)
    assert judge(proto, load_onnx(ONE), rng) == ""
    assert "outputs differ" in judge(proto, turned(load_onnx(ONE)), rng)
    projected = onnx.load(FOLDER / "lstm-last-projected2-dynamo-batch1-static.onnx")
    assert "evaluator" in judge(projected, load_onnx(ONE), rng)


def test_a_wrong_import_does_not_get_out() -> None:
    graph = read_graph(ONE)
    axes = input_axes(graph)
    assert axes is not None
    check_model(graph, axes, load_onnx(ONE), graph.output)
    with pytest.raises(ElsieError, match=r"static\.onnx: .* please report it"):
        check_model(graph, axes, turned(load_onnx(ONE)), graph.output)


@pytest.mark.parametrize(
    ("op", "options", "text"),
    [
        ("Gemm", {}, "onnx's shape inference says"),
        ("Transpose", {"perm": [0, 1, 1]}, "onnx's"),
        ("Concat", {"axis": 7}, "onnx's"),
    ],
)
def test_what_onnx_refuses_is_refused(tmp_path: Path, op: str, options: dict, text: str) -> None:
    """Even where the output does not need it."""
    proto = onnx.load(ONE)
    inputs = ["x", "x"] if op == "Gemm" else ["x"]
    proto.graph.node.append(helper.make_node(op, inputs, ["unused"], **options))
    onnx.save(proto, tmp_path / "net.onnx")
    with pytest.raises(ElsieError, match=text):
        load_onnx(tmp_path / "net.onnx")
