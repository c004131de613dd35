"""An ONNX file as constants in numpy and the chain of nodes from the input to the output."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import ElsieError

_LARGEST = 1 << 27
"""Elements of a sparse initialiser, zeros included: it is made dense."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OnnxFile:
    """What the importer needs of a file."""

    path: Path
    """The path that it was read from, for messages."""
    input: str
    """Name of the one input."""
    shape: tuple[int | None, ...] | None
    """Its shape, None for a dynamic axis; None when the file does not say."""
    constants: dict[str, NDArray]
    """Initialisers, dense or sparse, and folded constants, by name; always dense."""
    chain: tuple[Any, ...]
    """The nodes (onnx.NodeProto) that are not folded, from the input to the output."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OnnxGraph:
    """A graph of any form, with its nodes unchanged."""

    path: Path
    input: Any
    """The one input (onnx.ValueInfoProto)."""
    output: str
    """Name of the one output."""
    constants: dict[str, NDArray]
    """Initialisers, dense or sparse, by name; always dense."""
    nodes: tuple[Any, ...]
    """All nodes (onnx.NodeProto), each one after those whose outputs it takes."""
    opset: int
    """Version of the standard operators."""


def as_chain(graph: OnnxGraph) -> OnnxFile:
    """A graph as a chain of nodes. Raises ElsieError naming the file, and where known the node."""
    constants, ends = graph.constants, (graph.input.name, graph.output)
    nodes = [node for node in graph.nodes if not _fold(graph.path, node, constants)]
    return OnnxFile(
        path=graph.path,
        input=graph.input.name,
        shape=shape_of(graph.input),
        constants=constants,
        chain=_chain(graph.path, nodes, constants, ends=ends),
    )


def read_graph(path: str | Path) -> OnnxGraph:
    """Read a file with one input and one output. Raises ElsieError naming it."""
    source = Path(path)
    proto = _parse(source)
    graph = proto.graph
    constants: dict[str, NDArray] = {}
    for tensor in graph.initializer:
        constants[tensor.name] = _dense(source, tensor)
    for sparse in graph.sparse_initializer:
        constants[sparse.values.name] = _from_sparse(source, sparse, sparse.values.name)
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ElsieError(
            f"{source}: the graph has {len(inputs)} inputs "
            f"({', '.join(value.name for value in inputs)}) and only one can be used; "
            f"export the part with one input"
        )
    if len(graph.output) != 1:
        raise ElsieError(
            f"{source}: the graph has {len(graph.output)} outputs "
            f"({', '.join(value.name for value in graph.output)}) and only one can be used; "
            f"export the part with one output"
        )
    return OnnxGraph(
        path=source,
        input=inputs[0],
        output=graph.output[0].name,
        constants=constants,
        nodes=tuple(graph.node),
        opset=next((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), 1),
    )


def describe(node: Any) -> str:
    """A node for messages: name and op type."""
    name = node.name or next((output for output in node.output if output), "unnamed")
    domain = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
    return f"node {name} ({domain}{node.op_type})"


def attributes(node: Any) -> dict[str, Any]:
    """Attribute values of a node by name; strings are bytes, tensors are TensorProto."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _line(error: Exception) -> str:
    """An error's text on one line."""
    return " ".join(str(error).split())


def _parse(source: Path) -> Any:
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
    try:
        external.load_external_data_for_model(proto, str(source.parent))
    except Exception as error:  # several kinds, for a file that is short or outside the folder
        raise ElsieError(
            f"{source}: its external data cannot be read ({_line(error)}); export the model again"
        ) from None
    return proto


def _chain(
    source: Path, nodes: list[Any], constants: dict[str, NDArray], *, ends: tuple[str, str]
) -> tuple[Any, ...]:
    """The nodes in order between the names `ends`. Refuses graphs that are not a chain."""
    takers: dict[str, list[Any]] = {}
    for node in nodes:
        for name in node.input:
            if name and name not in constants:
                takers.setdefault(name, []).append(node)
    chain: list[Any] = []
    live, output = ends
    while live in takers:
        node, *others = takers[live]
        if others or live == output:
            other = describe(others[0]) if others else "the output"
            raise ElsieError(
                f"{source}: the graph branches at {live}, which {describe(node)} takes and "
                f"{other} too; only a chain of layers can be used"
            )
        if any(node is taken for taken in chain):
            raise ElsieError(f"{source}: the graph has a cycle at {describe(node)}")
        chain.append(node)
        live = node.output[0] if node.output else ""
    rest = [node for node in nodes if not any(node is taken for taken in chain)]
    if rest:
        raise ElsieError(
            f"{source}: {describe(rest[0])} is not on the way from the input to the output: the "
            f"graph branches, and only a chain of layers can be used"
        )
    if live != output:
        raise ElsieError(
            f"{source}: the chain from input {ends[0]} ends at {live}, not at the output "
            f"{output}; export the model again"
        )
    return tuple(chain)


def shape_of(value: Any) -> tuple[int | None, ...] | None:
    """Shape of a graph input."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(
        axis.dim_value if axis.HasField("dim_value") and axis.dim_value > 0 else None
        for axis in tensor.shape.dim
    )


def _dense(source: Path, tensor: Any) -> NDArray:
    """A TensorProto as an array."""
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:  # numpy and onnx raise several kinds for a damaged tensor
        raise ElsieError(
            f"{source}: initialiser {tensor.name} cannot be read ({_line(error)}); "
            f"export the model again"
        ) from None


def _from_sparse(source: Path, sparse: Any, name: str) -> NDArray:
    """A SparseTensorProto (COO) as a dense array; indices are linear (nnz,) or (nnz, rank)."""
    values, indices = _dense(source, sparse.values), _dense(source, sparse.indices)
    dims = tuple(sparse.dims)
    good = len(indices) == len(values) and indices.ndim in (1, 2) and all(d > 0 for d in dims)
    if good and indices.ndim == 2:
        good = indices.shape[1] == len(dims)
        good = good and bool(np.all((indices >= 0) & (indices < np.array(dims))))
        indices = np.asarray(np.ravel_multi_index(tuple(indices.T), dims)) if good else indices
    total = math.prod(dims)  # of Python's integers, which do not overflow
    if good and total > _LARGEST:
        raise ElsieError(
            f"{source}: sparse initialiser {name} has shape {dims}, more than {_LARGEST} elements, "
            f"the most that is read; no engine could hold the layer"
        )
    if good and len(indices):
        good = indices.min() >= 0 and indices.max() < total and bool(np.all(np.diff(indices) > 0))
    if not good:
        raise ElsieError(
            f"{source}: sparse initialiser {name} has indices that are out of range, not ascending "
            f"or of the wrong shape; export the model again"
        )
    dense = np.zeros(total, dtype=values.dtype)
    dense[indices] = values
    return dense.reshape(dims)


def _fold(source: Path, node: Any, constants: dict[str, NDArray]) -> bool:
    """Put the result of a node that only moves constants into `constants`; whether it did."""
    given = attributes(node)
    if node.domain not in ("", "ai.onnx") or not node.output:
        return False
    if node.op_type == "Constant":
        constants[node.output[0]] = constant_value(source, node, given)
        return True
    if not node.input or any(name not in constants for name in node.input if name):
        return False
    value = constants[node.input[0]] if node.input[0] else None
    if value is None:
        return False
    if node.op_type == "Transpose" and value.ndim == len(given.get("perm", value.shape)):
        value = np.transpose(value, given.get("perm"))
    elif node.op_type == "Cast" and "to" in given:
        from onnx import helper

        value = value.astype(helper.tensor_dtype_to_np_dtype(given["to"]))
    elif node.op_type != "Identity":
        return False
    constants[node.output[0]] = value
    return True


def constant_value(source: Path, node: Any, given: dict[str, Any]) -> NDArray:
    """The value of a Constant node."""
    if "value" in given:
        return _dense(source, given["value"])
    if "sparse_value" in given:
        return _from_sparse(source, given["sparse_value"], node.output[0])
    for name, dtype in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in given:
            return np.asarray(given[name], dtype=dtype)
    raise ElsieError(f"{source}: {describe(node)} has no numeric value; export the model again")
