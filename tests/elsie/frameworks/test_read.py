"""Objects in place of files: what is taken, and what is said of the rest."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elsie
from elsie.frameworks import extras
from elsie.frameworks.read import read_model
from golden.errors import ElsieError
from tests.elsie.compress.train.test_trainer import X, teacher


def pretended(package: str) -> Any:
    """An object whose class comes from a package."""
    return type("Net", (), {"__module__": f"{package}.nn"})()


def test_files_as_before(tmp_path: Path) -> None:
    elsie.Trained(model=teacher(), scores={}).save(tmp_path / "dense.onnx")
    model = read_model(tmp_path / "dense.onnx", None, X)
    assert model.name == "dense"


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("torch", "a PyTorch module needs torch and onnxscript, .* 'elsie-fpga.torch.'"),
        ("sklearn", "an estimator of scikit-learn needs sklearn and .* 'elsie-fpga.sklearn.'"),
    ],
)
def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch, package: str, said: str) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ElsieError, match=said):
        elsie.compile(pretended(package), calibration=X)
    with pytest.raises(ElsieError, match=said):
        elsie.train(pretended(package), data=(X, np.zeros(len(X))))
    if package == "torch":
        for name in [name for name in sys.modules if name.startswith("elsie.torch")]:
            monkeypatch.delitem(sys.modules, name)
        with pytest.raises(ElsieError, match=r"elsie\.torch needs torch, which is not installed"):
            importlib.import_module("elsie.torch")
        with pytest.raises(ElsieError, match=r"elsie\.torch needs torch"):
            elsie.torch  # noqa: B018


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ElsieError, match=r"a model must be an ONNX file, .*, not Net"):
        elsie.compile(pretended("other"), calibration=X)
    with pytest.raises(ElsieError, match=r"a model must be an ONNX file, .*, not dict"):
        elsie.train({}, data=(X, X))
    with pytest.raises(ElsieError, match=r"at least two samples .* have shape \(12,\)"):
        elsie.compile(pretended("torch"), calibration=X[0])
    with pytest.raises(ElsieError, match=r"no\.npz: no such file"):
        elsie.compile(pretended("torch"), calibration=tmp_path / "no.npz")
    with pytest.raises(ElsieError, match="data must be inputs and labels"):
        elsie.train("no.onnx", data=())
