"""The recogniser as an ONNX file, in the graph that PyTorch's exporter makes."""

import warnings
from pathlib import Path

import onnx
import torch  # pyright: ignore[reportMissingImports]

from examples.speech.features import N_COEFFICIENTS
from examples.speech.net import Recogniser


def save_onnx(path: Path, net: Recogniser) -> None:
    """Write `net`, from x (batch, steps, 13) to y (batch, 10), scores after the last step given.

    The graph stays as the exporter makes it, so that the file is like other people's. Only its
    notes are taken out: they name folders of the machine.
    """
    shapes = {"x": {0: torch.export.Dim("batch"), 1: torch.export.Dim("steps")}}
    with warnings.catch_warnings():
        # PyTorch warns of its own functions.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net.eval(),
            (torch.zeros(2, 5, N_COEFFICIENTS),),
            dynamo=True,
            external_data=False,
            input_names=["x"],
            output_names=["y"],
            dynamic_shapes=shapes,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        noted.ClearField("metadata_props")
        noted.ClearField("doc_string")
    for tensor in graph.initializer:
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
