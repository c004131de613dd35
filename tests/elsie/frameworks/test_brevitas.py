"""What Brevitas exports, QDQ and QONNX, is taken with its own scales; weights exactly."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where Brevitas is not installed, pyright knows nothing of it.

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elsie
from elsie.compress.onnx.registry import load_onnx

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas", exc_type=ImportError)
pytest.importorskip("onnxoptimizer", reason="Brevitas exports with it")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from brevitas import export, nn, quant

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]


def module(*, fixed_point: bool) -> Any:
    """8-bit activations and 4-bit weights, whose scales are any, or powers of two."""
    inputs: Any = quant.Int8ActPerTensorFloat
    weights: dict[str, Any] = {}
    if fixed_point:
        weights = {"weight_quant": quant.Int8WeightPerTensorFixedPoint}
        inputs = quant.Int8ActPerTensorFixedPoint
    torch.manual_seed(1)
    made = torch.nn.Sequential(
        nn.QuantIdentity(bit_width=8, act_quant=inputs, return_quant_tensor=True),
        nn.QuantLinear(12, 20, bias=True, weight_bit_width=4, **weights),
        nn.QuantReLU(bit_width=8, return_quant_tensor=True),
        nn.QuantLinear(20, 5, bias=True, weight_bit_width=4, **weights),
    )
    made.train()
    for _ in range(20):  # scales of activations are seen in training
        made(torch.randn(300, 12))
    return made.eval()


@pytest.mark.parametrize("fixed_point", [True, False])
@pytest.mark.parametrize("write", [export.export_onnx_qcdq, export.export_qonnx])
def test_exports(write: Any, fixed_point: bool, tmp_path: Path) -> None:
    made, x = module(fixed_point=fixed_point), torch.randn(100, 12)
    write(made, args=x[:1], export_path=str(tmp_path / "m.onnx"))
    said = made(x)
    wanted = getattr(said, "value", said).detach().numpy()
    model = load_onnx(tmp_path / "m.onnx")
    assert np.abs(model.predict(x.numpy()) - wanted).max() < 1e-5
    network = elsie.compile(tmp_path / "m.onnx", calibration=x.numpy())
    for layer, linear in zip(network.layers, (made[1], made[3]), strict=True):
        integers = linear.quant_weight().int().numpy()
        found = np.zeros_like(integers)
        weights = layer.weights(network.config)
        unit = np.abs(weights).min() / np.abs(integers[integers != 0]).min()
        found[layer.rows, layer.columns] = np.rint(weights / unit)
        assert np.array_equal(found, integers)
    assert network.info.quality.agreement == 100
