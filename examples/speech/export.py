"""The recogniser as an ONNX file, in the graph that PyTorch's exporter makes."""

from pathlib import Path

import torch  # pyright: ignore[reportMissingImports]

from elsie.torch import export_onnx
from examples.speech.features import N_COEFFICIENTS
from examples.speech.net import Recogniser


def save_onnx(path: Path, net: Recogniser) -> None:
    """Write `net`, from x (batch, steps, 13) to y (batch, 10), scores after the last step given."""
    example = torch.zeros(2, 5, N_COEFFICIENTS)
    export_onnx(net, example, path, axes={0: "batch", 1: "steps"})
