"""A module to an ONNX file, by PyTorch's own exporter."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

import copy
import inspect
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from elsie.compress.onnx.parse import one_line
from elsie.frameworks.extras import need
from golden.errors import ElsieError
from toolchain.scratch import replacing


def export_onnx(
    module: nn.Module, example: Tensor, path: str | Path, *, axes: Mapping[int, str] | None = None
) -> None:
    """Write `module` in inference mode, from x to y; equal modules give equal files.

    example: inputs, at least 2 samples. axes: names of the input's axes that stay open, by number;
    by default the samples, and the steps of inputs of rank 3. An axis that the module itself fixes
    is fixed in the file. The graph stays as the exporter makes it, but for its notes, which name
    folders of the machine.

    Raises ElsieError where the exporter cannot do it.
    """
    need("torch", "onnxscript", what="the export of a PyTorch module")
    if axes is None:
        axes = {0: "samples", 1: "steps"} if example.ndim == 3 else {0: "samples"}
    still = copy.deepcopy(module).cpu().eval()
    model = _export(still, example.detach().cpu(), axes)
    for noted in (
        model,
        model.graph,
        *model.graph.node,
        *model.graph.input,
        *model.graph.output,
        *model.graph.value_info,
        *model.graph.initializer,
    ):
        for field in ("metadata_props", "doc_string"):
            noted.ClearField(field)
    onnx.checker.check_model(model, full_check=True)
    with replacing(Path(path)) as part:
        part.write_bytes(model.SerializeToString(deterministic=True))


def _export(module: nn.Module, example: Tensor, axes: Mapping[int, str]) -> onnx.ModelProto:
    """The exporter's model; with names for the open axes, or if that fails, as it sees fit."""
    named = {axis: torch.export.Dim(name) for axis, name in axes.items()}
    found = dict.fromkeys(axes, torch.export.Dim.AUTO)
    taken = next(iter(inspect.signature(module.forward).parameters))
    failure: Exception | None = None
    logger = logging.getLogger("torch.onnx")  # it tells of packages that nobody asked for
    level = logger.level
    for shapes in (named, found):
        logger.setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch warns of its own functions
                program = torch.onnx.export(
                    module,
                    (example,),
                    dynamo=True,
                    external_data=False,
                    input_names=["x"],
                    output_names=["y"],
                    dynamic_shapes={taken: shapes},
                    verbose=False,
                )
            assert program is not None
            return program.model_proto
        except Exception as error:  # of many kinds, from deep inside
            failure = failure or error
        finally:
            logger.setLevel(level)
    assert failure is not None
    raise ElsieError(
        f"model {type(module).__name__}: PyTorch cannot export it to ONNX ({one_line(failure)}); "
        f"see that torch.onnx.export takes it"
    )
