"""Files that the compiler writes say what its models do, to ONNX's own evaluator and to itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.onnx.save import save_onnx
from golden.errors import ElsieError
from tests.elsie.compress.test_compile_cells import cells

X = np.random.default_rng(7).normal(size=(4, 6, 3)).astype(np.float32)


def dense(n_in: int, n_out: int, function: str = "identity") -> FloatDense:
    rng = np.random.default_rng(n_in)
    weight, bias = rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)
    return FloatDense(name=f"d{n_in}", weight=weight, bias=bias, activation=function)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("head", [None, 1, 2])
def test_cells(kind: str, head: int | None, tmp_path: Path) -> None:
    first = cells(np.random.default_rng(3), kind, 3, 5, peepholes=kind == "lstm")
    second = replace(cells(np.random.default_rng(4), kind, 5, 4), name="second")
    layers = (first, second, dense(4, 2)) if head == 2 else (first, dense(5, 4, "relu"))
    given = Model(name="m", layers=layers, head=head)
    save_onnx(given, tmp_path / "m.onnx")
    (y,) = ReferenceEvaluator(str(tmp_path / "m.onnx")).run(None, {"x": X})
    assert np.allclose(y, given.predict(X), atol=1e-5)
    loaded = load_onnx(tmp_path / "m.onnx")
    assert loaded.head == head
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in layers]
    assert np.allclose(loaded.predict(X), given.predict(X), atol=1e-6)
    first_time = (tmp_path / "m.onnx").read_bytes()
    save_onnx(given, tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == first_time


def test_a_dense_layer_before_cells(tmp_path: Path) -> None:
    layers = (dense(3, 5, "tanh"), cells(np.random.default_rng(3), "gru", 5, 4), dense(4, 2))
    given = Model(name="m", layers=layers, head=2)
    save_onnx(given, tmp_path / "m.onnx")
    assert np.allclose(load_onnx(tmp_path / "m.onnx").predict(X), given.predict(X), atol=1e-6)


def test_a_projection_is_refused(tmp_path: Path) -> None:
    projected = cells(np.random.default_rng(3), "lstm", 3, 5, projected=2)
    given = Model(name="m", layers=(projected, dense(2, 4)), head=1)
    with pytest.raises(ElsieError, match="layer lstm: it has a projection, and ONNX has none"):
        save_onnx(given, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
