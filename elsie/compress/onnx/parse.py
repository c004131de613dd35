"""An ONNX file as protocol buffers, whole: with external data, and functions written out."""

from pathlib import Path
from typing import Any

from golden.errors import ElsieError


def parse(source: Path) -> Any:
    """The ModelProto with external data loaded."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import external_data_helper as external

    try:
        proto = onnx.load_model_from_string(source.read_bytes())
    except FileNotFoundError:
        raise ElsieError(f"{source}: no such file") from None
    except OSError as error:
        raise ElsieError(f"{source}: cannot be read: {error.strerror}") from None
    except DecodeError:
        raise ElsieError(
            f"{source}: not an ONNX file, or damaged; export the model to ONNX again"
        ) from None
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.input):
        raise ElsieError(f"{source}: not an ONNX file: it holds no graph; export the model again")
    for tensor in proto.graph.initializer:
        if not external.uses_external_data(tensor):
            continue
        name = external.ExternalDataInfo(tensor).location
        if not (source.parent / name).is_file():
            raise ElsieError(
                f"{source}: the weights are in a file of their own, {name}, which is missing; "
                f"put it beside the model, or export with external_data=False"
            )
    proto = _inlined(source, proto)
    try:
        external.load_external_data_for_model(proto, str(source.parent))
    except Exception as error:  # several kinds, for a file that is short or outside the folder
        raise ElsieError(
            f"{source}: its external data cannot be read ({one_line(error)}); "
            f"export the model again"
        ) from None
    return proto


def _inlined(source: Path, proto: Any) -> Any:
    """The model with its own functions written out, as onnxscript defines them."""
    from onnx import inliner

    if not proto.functions:
        return proto
    try:
        return inliner.inline_local_functions(proto)
    except Exception as error:  # of the C++ behind it
        raise ElsieError(
            f"{source}: its functions cannot be written out ({one_line(error)}); export the model "
            f"again, without functions"
        ) from None


def check_type(source: Path, value: Any) -> None:
    """Refuse an input that is no array of numbers."""
    from onnx import TensorProto

    number = value.type.tensor_type.elem_type
    known = TensorProto.DataType.values()
    name = TensorProto.DataType.Name(number) if number in known else f"type {number}"
    kind = value.type.WhichOneof("value")
    if kind not in (None, "tensor_type") or name in ("STRING", "COMPLEX64", "COMPLEX128"):
        what = name if kind in (None, "tensor_type") else kind.removesuffix("_type")
        raise ElsieError(
            f"{source}: the input {value.name} is of type {what}, and a model takes real numbers; "
            f"export it with a float input"
        )


def one_line(error: Exception) -> str:
    """An error's text on one line, the beginning of it if it is long."""
    return " ".join(str(error).split())[:200]
