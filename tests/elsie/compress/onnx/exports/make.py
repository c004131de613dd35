"""Makes the exports beside it: `python -m tests.elsie.compress.onnx.exports.make`.

Needs torch==2.13.0, onnxscript==0.7.2, scikit-learn, skl2onnx and onnxruntime==1.32.0, which the
tests do not. Weights come from a seed. The expected outputs are those of PyTorch, scikit-learn and
onnxruntime, not of onnx. Arguments choose files by the beginnings of their names, as `runtime-`.
"""

# pyright: basic, reportMissingImports=false

import json
import sys
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
N = 5


def save(name: str, model: bytes, x: np.ndarray, y: np.ndarray) -> None:
    """A model, and inputs and outputs in expected.json."""
    if not name.startswith(tuple(sys.argv[1:]) or ("",)):
        return
    (HERE / f"{name}.onnx").write_bytes(model)
    path = HERE / "expected.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known[name] = {
        "x": [[round(float(v), 4) for v in row] for row in x],
        "y": [[float(f"{v:.7g}") for v in row] for row in y.reshape(len(y), -1)],
    }
    path.write_text(json.dumps(known, sort_keys=True) + "\n")


def inputs(rows: int = 4) -> np.ndarray:
    """Inputs that four digits hold."""
    return np.random.default_rng(3).normal(size=(rows, N)).round(3).astype(np.float32)


def torch_models() -> dict:
    """PyTorch modules, as people write them."""
    import torch
    from torch import nn

    class Clamp(nn.Module):
        def forward(self, x):
            return torch.clamp(x, min=0)

    class Normalise(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.linspace(-1, 1, N))
            self.register_buffer("std", torch.linspace(0.5, 2, N))
            self.net = nn.Sequential(nn.Linear(N, 4), nn.ReLU(), nn.Linear(4, 3))

        def forward(self, x):
            return self.net((x - self.mean) / self.std)

    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(N, 3)

        def forward(self, x):
            return self.net(x.reshape(x.size(0), 1, N).view(x.size(0), -1))

    return {
        "plain": nn.Sequential(nn.Linear(N, 4), nn.ReLU(), nn.Linear(4, 3)),
        "norm": nn.Sequential(
            nn.BatchNorm1d(N), nn.Linear(N, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)
        ),
        "norm-behind-relu": nn.Sequential(
            nn.Linear(N, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 3)
        ),
        "identity": nn.Sequential(
            nn.Flatten(),
            nn.Identity(),
            nn.Linear(N, 4),
            nn.Sigmoid(),
            nn.Identity(),
            nn.Linear(4, 2, bias=False),
            nn.Tanh(),
        ),
        "clamp": nn.Sequential(nn.Linear(N, 4), Clamp(), nn.Linear(4, 3)),
        "relu6": nn.Sequential(nn.Linear(N, 4), nn.ReLU6(), nn.Linear(4, 3)),
        "hardtanh": nn.Sequential(nn.Linear(N, 4), nn.Hardtanh(), nn.Linear(4, 3)),
        "normalise": Normalise(),
        "flat": Flat(),
        "binary": nn.Sequential(nn.Linear(N, 4), nn.ReLU(), nn.Linear(4, 1), nn.Sigmoid()),
    }


def from_torch() -> None:
    """Both exporters."""
    import torch

    for name, module in torch_models().items():
        torch.manual_seed(1)
        for part in module.modules():
            if isinstance(part, torch.nn.BatchNorm1d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
                part.weight.data.uniform_(0.5, 2)
                part.bias.data.normal_()
        module.eval()
        x = torch.from_numpy(inputs())
        y = module(x).detach().numpy()
        for new in (False, True):
            path = HERE / "made.onnx"
            if new:
                torch.onnx.export(
                    module,
                    (x,),
                    path,
                    dynamo=True,
                    external_data=False,
                    dynamic_shapes=({0: torch.export.Dim("samples")},),
                    verbose=False,
                )
            else:
                torch.onnx.export(
                    module,
                    (x,),
                    path,
                    dynamo=False,
                    input_names=["x"],
                    output_names=["y"],
                    dynamic_axes={"x": {0: "samples"}},
                )
            save(f"torch-{name}-{'new' if new else 'old'}", slim(path.read_bytes()), x.numpy(), y)
            path.unlink()


def slim(model: bytes) -> bytes:
    """Without what names the machine's files: the exporter's metadata and doc strings."""
    import onnx

    proto = onnx.load_model_from_string(model)
    for part in (
        proto,
        proto.graph,
        *proto.graph.node,
        *proto.graph.initializer,
        *proto.graph.value_info,
        *proto.graph.input,
        *proto.graph.output,
    ):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    return proto.SerializeToString()


def from_learn() -> None:
    """scikit-learn by skl2onnx: probabilities, or values."""
    from skl2onnx import to_onnx
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import VotingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    from sklearn.svm import SVR, LinearSVC

    random = np.random.default_rng(5)
    x = random.normal(2, 3, size=(80, N)).astype(np.float32)
    three, two = x[:, :3].argmax(axis=1), (x[:, 0] > x[:, 1]).astype(int)
    target = x @ random.normal(size=N)
    small = {"hidden_layer_sizes": (4,), "max_iter": 30, "random_state": 1}
    models = {
        "mlp": (MLPClassifier(**small), three),
        "mlp-binary": (MLPClassifier(activation="tanh", **small), two),
        "mlp-logistic": (
            make_pipeline(StandardScaler(), MLPClassifier(activation="logistic", **small)),
            three,
        ),
        "mlp-regressor": (make_pipeline(MinMaxScaler(), MLPRegressor(**small)), target),
        "mlp-two-values": (MLPRegressor(**small), np.stack((target, -target), axis=1)),
        "logistic": (make_pipeline(StandardScaler(), LogisticRegression()), three),
        "logistic-binary": (LogisticRegression(), two),
        "logistic-ovr": (OneVsRestClassifier(LogisticRegression()), three),
        "ovr-mlp": (OneVsRestClassifier(MLPClassifier(**small)), three),
        "ovr-binary": (OneVsRestClassifier(LogisticRegression()), two),
        "sgd-log": (make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss")), three),
        "svm": (SVR(kernel="linear"), target),
        "svm-binary": (LinearSVC(), two),
        "voting": (VotingRegressor([("a", Ridge()), ("b", LinearRegression())]), target),
        "imputed": (make_pipeline(SimpleImputer(), Ridge()), target),
        "columns": (
            make_pipeline(
                ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", MinMaxScaler(), [1, 3])]),
                MLPClassifier(**small),
            ),
            three,
        ),
        "linear": (make_pipeline(StandardScaler(), LinearRegression()), target),
    }
    for name, (model, y) in models.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, y)
        few = x[:4].round(3)
        for zipmap in (False, True) if hasattr(model, "predict_proba") else (False,):
            options = {id(model): {"zipmap": zipmap}} if hasattr(model, "predict_proba") else None
            proto = to_onnx(model, x[:1], options=options, target_opset=17)
            result = model.predict(few)
            if options:
                result = model.predict_proba(few)
            elif name == "svm-binary":
                result = model.decision_function(few)
            save(
                f"learn-{name}{'-zipmap' if zipmap else ''}",
                slim(proto.SerializeToString()),
                few,
                np.asarray(result),
            )


class Calibration:
    """Inputs for onnxruntime to choose scales from."""

    def __init__(self, name: str):
        self.batches = iter([{name: inputs(64)}])

    def get_next(self):
        return next(self.batches, None)


def from_runtime() -> None:
    """Of the files above, what onnxruntime's quantizers make: QDQ, operators on integers, dynamic.

    Signed activations, as with unsigned ones its integer operators saturate sums of two products on
    processors without VNNI, and then compute something else than the standard says.
    """
    import onnx
    import onnxruntime
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    made = HERE / "made.onnx"
    for stem in (
        "torch-plain-old",
        "torch-relu6-old",
        "torch-norm-new",
        "torch-identity-old",
        "learn-mlp",
    ):
        for form in ("qdq", "qdq-channels", "integers", "dynamic"):
            name = onnx.load(HERE / f"{stem}.onnx").graph.input[0].name
            if form == "dynamic":
                quantize_dynamic(HERE / f"{stem}.onnx", made, weight_type=QuantType.QUInt8)
            else:
                quantize_static(
                    HERE / f"{stem}.onnx",
                    made,
                    Calibration(name),
                    quant_format=QuantFormat.QOperator if form == "integers" else QuantFormat.QDQ,
                    per_channel=form == "qdq-channels",
                    activation_type=QuantType.QInt8,
                )
            session = onnxruntime.InferenceSession(made, options)
            output = session.get_outputs()[-1].name
            result = np.concatenate([session.run([output], {name: x[None]})[0] for x in inputs(6)])
            save(f"runtime-{stem}-{form}", slim(made.read_bytes()), inputs(6), result)
    made.unlink()


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["learn-", "torch-", "runtime-"]
    for prefix, make in (
        ("learn-", from_learn),
        ("torch-", from_torch),
        ("runtime-", from_runtime),
    ):
        if any(name.startswith(prefix) for name in wanted):
            make()
