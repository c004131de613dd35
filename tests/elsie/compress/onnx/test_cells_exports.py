"""Recurrent networks as PyTorch's two exporters and Keras' tf2onnx write them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from golden.arithmetic.run import predict
from golden.config import EngineConfig
from golden.errors import ElsieError
from tests.elsie.compress.onnx.cells.cases import FILES, GRID, KERAS, REFUSED, Case
from tests.elsie.compress.onnx.cells.record import FOLDER

CLOSE = 2e-6
"""PyTorch and Keras compute in float32; outputs are about 1."""


def stored(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and outputs of a file."""
    with np.load(FOLDER / ("keras.npz" if name.startswith("keras") else "torch.npz")) as values:
        return values[f"{name}.x"], values[f"{name}.y"]


def agrees(model: Model, x: np.ndarray, y: np.ndarray, *, batch_first: bool) -> None:
    """The model computes what the framework did, and goes through the compiler."""
    samples = x if batch_first else x.swapaxes(0, 1)
    got = model.predict(samples)
    got = got if batch_first or model.head is not None else got.swapaxes(0, 1)
    if model.notes:  # a Softmax was dropped
        got = np.exp(got) / np.exp(got).sum(-1, keepdims=True)
    assert got.shape == y.shape
    assert np.abs(got - y).max() < CLOSE
    data = np.random.default_rng(1).normal(0, 1, (8, *samples.shape[1:]))
    fields = {"pes": 2, "group": 2, "act_width": 16, "code_width": 12, "weight_width": 12}
    config = EngineConfig.from_dict({**fields, "mac": "fixed", "acc_width": 48})
    network = compile_model(model, data, config=config)
    assert np.abs(predict(network, data, None) - model.predict(data)).max() < 0.01


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_pytorch(case: Case) -> None:
    model = load_onnx(FOLDER / f"{case.name}.onnx")
    agrees(model, *stored(case.name), batch_first=case.batch_first)


@pytest.mark.parametrize("name", KERAS)
def test_keras(name: str) -> None:
    agrees(load_onnx(FOLDER / f"{name}.onnx"), *stored(name), batch_first=True)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(ElsieError) as raised:
        load_onnx(FOLDER / f"{name}.onnx")
    for text in REFUSED[name]:
        assert text in str(raised.value)


def test_all_files_are_small_and_used() -> None:
    files = {path.stem: path.stat().st_size for path in FOLDER.glob("*.onnx")}
    assert set(files) == {*(case.name for case in FILES), *KERAS, *REFUSED}
    assert max(files.values()) < 6000
    assert sum(path.stat().st_size for path in FOLDER.glob("*.*")) < 200_000


@pytest.mark.long
@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "legacy"])
def test_every_export(tmp_path: Path, dynamo: bool) -> None:
    """Live, every row of the grid; makes some 200 files with each exporter, minutes."""
    for needed in ("torch", "onnxscript"):
        pytest.importorskip(needed, reason=f"{needed} is missing: pip install .[train]")
    from tests.elsie.compress.onnx.cells.torch_networks import export

    wrong: list[Any] = []
    fixed = 0
    cases = [case for case in GRID if case.dynamo == dynamo]
    for case in cases:
        proto, x, y = export(case)
        onnx.save(proto, tmp_path / "net.onnx")
        try:
            agrees(load_onnx(tmp_path / "net.onnx"), x, y, batch_first=case.batch_first)
        except (ElsieError, AssertionError) as error:
            # torch.export fixes the steps of some files that say that they are open.
            if case.dynamo and case.dynamic and "stands for the steps" in str(error):
                fixed += 1
            else:
                wrong.append((case.name, str(error)))
    print(f"{len(cases)} exports, {fixed} with steps fixed by the exporter, {len(wrong)} wrong")
    assert not wrong
