"""Writes the exports beside this file: `python -m tests.elsie.compress.onnx.cells.record`.

Needs the extra `train`. Keras' need tensorflow-cpu==2.21.0, tf-keras==2.21.0 and tf2onnx==1.17.0,
in an environment of their own, and the word keras behind the command.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx

FOLDER = Path(__file__).parent


def save(name: str, proto: onnx.ModelProto) -> None:
    """Without the exporter's notes, which name folders of the machine."""
    graph = proto.graph
    proto.ClearField("doc_string")
    noted: tuple[Any, ...] = (proto, graph, *graph.node, *graph.input, *graph.output)
    for part in (*noted, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("value_info")
    (FOLDER / f"{name}.onnx").write_bytes(proto.SerializeToString(deterministic=True))


def main(what: str) -> None:
    """Write all files of one framework."""
    values: dict[str, Any] = {}
    if what == "keras":
        from tests.elsie.compress.onnx.cells.keras_networks import exports

        found = exports()
    else:
        from tests.elsie.compress.onnx.cells.cases import BARRED, FILES
        from tests.elsie.compress.onnx.cells.torch_networks import export

        found = ((case.name, *export(case)) for case in (*FILES, *BARRED))
    for name, proto, x, y in found:
        save(name, proto)
        values[f"{name}.x"], values[f"{name}.y"] = x, y
    np.savez_compressed(FOLDER / f"{what}.npz", **values)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["torch"]))
