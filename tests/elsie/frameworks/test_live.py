"""Real modules and estimators, where their packages are installed."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

import numpy as np
import pytest

import elsie
from golden.errors import ElsieError

pytestmark = pytest.mark.long
X = np.random.default_rng(1).normal(size=(200, 6)) * [1, 2, 3, 4, 5, 6] + 3
Y = (X[:, 0] + X[:, 5] / 6 > 4).astype(int)


def need(*packages: str, extra: str) -> None:
    for name in packages:
        pytest.importorskip(name, reason=f"{name} is missing: pip install '.[{extra}]'")


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor", "LogisticRegression"])
@pytest.mark.parametrize("scaled", [False, True])
def test_estimators(name: str, scaled: bool) -> None:
    need("sklearn", "skl2onnx", extra="sklearn")
    from sklearn import linear_model, neural_network, pipeline, preprocessing

    made = getattr(linear_model if name == "LogisticRegression" else neural_network, name)
    options = {"max_iter": 2000, "random_state": 1}
    model = made(**options, **({"hidden_layer_sizes": 9} if "MLP" in name else {}))
    if scaled:
        model = pipeline.make_pipeline(preprocessing.StandardScaler(), model)
    with pytest.raises(ElsieError, match="is not fitted; call fit first"):
        elsie.compile(model, calibration=X)
    model.fit(X, Y)
    engine = elsie.EngineOptions(act_width=16, code_width=12)
    network = elsie.compile(model, calibration=X, weights="fixed", engine=engine)
    found = elsie.predict(network, X)
    if name == "MLPRegressor":
        assert np.abs(found.outputs[:, 0] - model.predict(X)).max() < 0.05
    elif found.outputs.shape[1] == 1:
        assert np.mean((found.outputs[:, 0] > 0) == model.predict(X)) > 0.98
    else:
        assert np.mean(found.classes == model.predict(X)) > 0.98


def test_estimators_that_are_no_networks() -> None:
    need("sklearn", "skl2onnx", extra="sklearn")
    from sklearn.tree import DecisionTreeClassifier

    with pytest.raises(ElsieError, match=r"^DecisionTreeClassifier as ONNX: .*TreeEnsemble"):
        elsie.compile(DecisionTreeClassifier().fit(X, Y), calibration=X)


def test_modules() -> None:
    need("torch", "onnxscript", extra="torch")
    import torch
    from torch import nn

    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 2)).train()
    engine = elsie.EngineOptions(act_width=16, code_width=12)
    network = elsie.compile(model, calibration=X, weights="fixed", engine=engine)
    assert model.training
    with torch.no_grad():
        wanted = model.eval()(torch.from_numpy(X).float()).numpy()
    assert np.abs(elsie.predict(network, X).outputs - wanted).max() < 0.02
    trained = elsie.train(model, data=(X, Y), density=0.5, epochs=2)
    assert sum(layer.density for layer in trained.layers) > 0

    class Odd(nn.Module):
        def forward(self, x):
            return x + 1 if x.sum() > 0 else x

    with pytest.raises(ElsieError, match="model Odd: PyTorch cannot export it to ONNX"):
        elsie.compile(Odd(), calibration=X)
    with pytest.raises(ElsieError, match=r"is no torch\.nn\.Module"):
        elsie.compile(torch.zeros(3), calibration=X)
