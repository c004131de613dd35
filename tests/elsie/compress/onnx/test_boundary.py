"""Whatever an ONNX file makes of the importer, the user reads a sentence with file and node."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import AttributeProto, helper, load_model_from_string, numpy_helper

from elsie.compress.onnx import registry
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError
from tests.fuzz.targets.onnx import dense, model, recurrent

node = helper.make_node
W = np.ones((4, 4), dtype=np.float32)


def refused(content: bytes, folder: Path) -> str:
    path = folder / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(ElsieError, match=re.escape(f"{path}: ")) as caught:
        load_onnx(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def on_constant(operator: str, **attributes: Any) -> bytes:
    nodes = [
        node(operator, ["w"], ["v"], name="odd", **attributes),
        node("MatMul", ["x", "v"], "y"),
    ]
    return model(nodes, ["n", 4], w=W)


def undecodable() -> bytes:
    proto = load_model_from_string(recurrent()[0])
    for attribute in proto.graph.node[0].attribute:
        if attribute.type == AttributeProto.STRING:
            attribute.s = b"\xff\xfe"
    return proto.SerializeToString()


def boundless() -> bytes:
    huge = helper.make_sparse_tensor(
        numpy_helper.from_array(W[0, :1], "w"),
        numpy_helper.from_array(np.array([0])),
        [3_000_000] * 2,
    )
    return model([node("MatMul", ["x", "w"], ["y"])], ["n", 4], [huge])


def unimported() -> bytes:
    proto = load_model_from_string(dense()[0])
    del proto.opset_import[:]
    proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 1))
    return proto.SerializeToString()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (unimported(), "belongs to ai.onnx, of whose operators the file names no version"),
        (on_constant("Transpose", perm=[0, 0]), r"node odd \(Transpose\)"),
        (on_constant("Cast", to=0), r"node odd \(Cast\)"),
        (undecodable(), r"node h \(LSTM\)|node l \(LSTM\)"),
        (boundless(), "sparse initialiser w has shape \\(3000000, 3000000\\)"),
    ],
)
def test_examples(content: bytes, said: str, tmp_path: Path) -> None:
    assert re.search(said, refused(content, tmp_path))


def test_any_exception_names_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one that nobody has thought of, in a handler."""

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("nobody thought of this")

    handlers = {**registry.OPERATORS.handlers, "Gemm": fail}
    broken = dataclasses.replace(registry.OPERATORS, handlers=handlers)
    monkeypatch.setattr(registry, "OPERATORS", broken)
    text = refused(dense()[0], tmp_path)
    assert "(node g (Gemm): ZeroDivisionError: nobody thought of this)" in text
    assert text.endswith("export the model again")
