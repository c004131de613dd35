"""Recurrent networks in PyTorch, exported as its users do it."""

import io
import warnings
from typing import Any

import numpy as np
import onnx
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from tests.elsie.compress.onnx.cells.cases import CELLS, FEATURES, OUTPUTS, STEPS, Case

TAKES: dict[str, Any] = {
    "last": lambda out, h, axis: out[:, -1] if axis else out[-1],
    "slice": lambda out, h, axis: (out[:, -1:] if axis else out[-1:]).squeeze(axis),
    "length": lambda out, h, axis: out[:, out.shape[1] - 1] if axis else out[out.shape[0] - 1],
    "state": lambda out, h, axis: h[-1],
    "state0": lambda out, h, axis: h.squeeze(0),
    "all": lambda out, h, axis: out,
}
"""From the outputs, the states after the last step, and the axis of steps."""
_CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Network(nn.Module):
    """What a case says."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case
        first = case.batch_first
        options: dict[str, Any] = {"batch_first": first, "bidirectional": case.bidirectional}
        if case.projected:
            options["proj_size"] = case.projected
        self.before = nn.Linear(FEATURES, FEATURES) if case.before else None
        self.cells = _CELLS[case.kind](FEATURES, CELLS, case.layers, **options)
        self.then = _CELLS[case.then](CELLS, CELLS, batch_first=first) if case.then else None
        width = (case.projected or CELLS) * (1 + case.bidirectional)
        self.head = nn.Linear(width, OUTPUTS) if case.head else nn.Identity()

    def forward(self, x: Any) -> Any:
        """Outputs for sequences."""
        if self.before is not None:
            x = torch.relu(self.before(x))
        out, state = self.cells(x)
        if self.then is not None:
            out, state = self.then(out)
        if isinstance(state, tuple):
            state = state[0]
        return self.head(TAKES[self.case.take](out, state, int(self.case.batch_first)))


def export(case: Case) -> tuple[onnx.ModelProto, np.ndarray, np.ndarray]:
    """The file as the exporter makes it, inputs, and PyTorch's outputs."""
    torch.manual_seed(1)
    net = Network(case).eval()
    first = case.batch_first
    x = torch.randn((case.batch, STEPS, FEATURES) if first else (STEPS, case.batch, FEATURES))
    names: dict[str, Any] = {"input_names": ["x"], "output_names": ["y"]}
    axes = ("batch", "steps") if first else ("steps", "batch")
    with warnings.catch_warnings():
        # PyTorch warns of its own functions.
        warnings.simplefilter("ignore")
        if case.dynamo:
            sizes = {n: torch.export.Dim(name) for n, name in enumerate(axes)}
            if case.dynamic:
                names["dynamic_shapes"] = {"x": sizes}
            program = torch.onnx.export(
                net, (x,), dynamo=True, external_data=False, verbose=False, **names
            )
            assert program is not None
            proto = program.model_proto
        else:
            if case.dynamic:
                names["dynamic_axes"] = {"x": dict(enumerate(axes))}
            buffer = io.BytesIO()
            torch.onnx.export(net, (x,), buffer, dynamo=False, **names)
            proto = onnx.load_model_from_string(buffer.getvalue())
    with torch.no_grad():
        return proto, x.numpy(), net(x).numpy()
