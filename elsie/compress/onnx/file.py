"""An ONNX file as constants in numpy and the nodes that its output needs."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.onnx.parse import check_type, one_line, parse
from golden.errors import ElsieError, printable

_LARGEST = 1 << 27
"""Elements of a sparse initialiser, zeros included: it is made dense."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OnnxGraph:
    """A graph of any form, with its nodes unchanged."""

    path: Path
    input: str
    """Name of the one input."""
    shape: tuple[int | None, ...] | None
    """Its shape, None for an open axis; None when the file does not say."""
    output: str
    """Name of the output that is used."""
    constants: dict[str, NDArray]
    """Initialisers, dense or sparse, and Constant nodes, by name; always dense."""
    nodes: tuple[Any, ...]
    """The nodes (onnx.NodeProto) that the output needs, each after those whose outputs it takes."""
    opset: int
    """Version of the standard operators."""
    proto: Any
    """The file (onnx.ModelProto), unchanged."""
    notes: tuple[str, ...] = ()
    """What was chosen, a sentence each."""

    def used(self, name: str) -> bool:
        """A value is the output, or some node takes it."""
        return name == self.output or any(name in node.input for node in self.nodes)


def read_graph(path: str | Path, output: str | None = None) -> OnnxGraph:
    """Read a file with one input, and of its outputs the one that is named, or the only one.

    Raises ElsieError naming it.
    """
    source = Path(path)
    proto = parse(source)
    graph = proto.graph
    constants: dict[str, NDArray] = {}
    names = _Names(source)
    for tensor in graph.initializer:
        names.add(tensor.name, "an initialiser")
        constants[tensor.name] = _dense(source, tensor)
    for sparse in graph.sparse_initializer:
        names.add(sparse.values.name, "an initialiser")
        constants[sparse.values.name] = _from_sparse(source, sparse, sparse.values.name)
    inputs = [value for value in graph.input if value.name not in constants]
    for value in inputs:
        check_type(source, value)
    for value in inputs:
        names.add(value.name, "an input")
    if len(inputs) != 1:
        raise ElsieError(
            f"{source}: the graph has {len(inputs)} inputs "
            f"({', '.join(value.name for value in inputs)}) and only one can be used; "
            f"export the part with one input"
        )
    for node in graph.node:
        for name in node.output:
            names.add(name, describe(node))
    found, nodes = without_constants(source, graph)
    constants |= found
    chosen, notes = _choose(source, [value.name for value in graph.output], output)
    return OnnxGraph(
        path=source,
        input=inputs[0].name,
        shape=_shape_of(inputs[0]),
        output=chosen,
        constants=constants,
        nodes=_needed(source, nodes, chosen),
        opset=next((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), 1),
        proto=proto,
        notes=notes,
    )


def without_constants(source: Path, graph: Any) -> tuple[dict[str, NDArray], list[Any]]:
    """Constant nodes of a GraphProto by name, and the other nodes."""
    constants: dict[str, NDArray] = {}
    nodes: list[Any] = []
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx") and node.output:
            constants[node.output[0]] = _constant_value(source, node)
        else:
            nodes.append(node)
    return constants, nodes


def _taken(node: Any) -> list[str]:
    """Values that a node takes, also those of graphs inside it."""
    inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    names = [name for graph in inner for child in graph.node for name in _taken(child)]
    return [*node.input, *names, *(value.name for graph in inner for value in graph.output)]


def _choose(source: Path, names: list[str], output: str | None) -> tuple[str, tuple[str, ...]]:
    """The output that is used, and a note if it was a choice."""
    listed = ", ".join(names)
    if output is not None and output not in names:
        raise ElsieError(f"{source}: the graph has no output {output!r}; its outputs are {listed}")
    if output is None and len(names) == 1:
        return names[0], ()
    probable = [name for name in names if "probabilit" in name]
    if output is None and len(probable) != 1:
        raise ElsieError(
            f"{source}: the graph has {len(names)} outputs ({listed}) and only one can be used; "
            f"choose it with --output NAME, or export the part with one output"
        )
    chosen = output or probable[0]
    return chosen, (f"of the outputs {listed}, {chosen} is used",) if len(names) > 1 else ()


class _Names:
    """Who gives each value of a graph."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.givers: dict[str, str] = {}

    def add(self, name: str, giver: str) -> None:
        """Refuse a second giver; a node's output without a name is left out."""
        if name and name in self.givers:
            raise ElsieError(
                f"{self.source}: {giver} and {self.givers[name]} share the name {name}, so the "
                f"graph is ambiguous; export the model again"
            )
        self.givers[name] = giver


def _needed(source: Path, nodes: list[Any], output: str) -> tuple[Any, ...]:
    """The nodes that an output depends on, in order."""
    givers = {name: node for node in nodes for name in node.output if name}
    done: dict[int, Any] = {}
    begun: set[int] = set()
    stack = [output]
    while stack:
        node = givers.get(stack[-1])
        if node is None or id(node) in done:
            stack.pop()
            continue
        waits = [n for n in _taken(node) if n in givers and id(givers[n]) not in done]
        if not waits:
            done[id(node)] = node
            stack.pop()
        elif id(node) in begun:
            raise ElsieError(f"{source}: the graph has a cycle at {describe(node)}")
        else:
            stack += waits[::-1]
        begun.add(id(node))
    return tuple(done.values())


def describe(node: Any) -> str:
    """A node for messages: name and op type."""
    name = node.name or next((output for output in node.output if output), "unnamed")
    domain = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
    return printable(f"node {name} ({domain}{node.op_type})")


def attributes(node: Any) -> dict[str, Any]:
    """Attribute values of a node by name; strings are bytes, tensors are TensorProto."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _shape_of(value: Any) -> tuple[int | None, ...] | None:
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
            f"{source}: initialiser {tensor.name} cannot be read ({one_line(error)}); "
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


def _constant_value(source: Path, node: Any) -> NDArray:
    """The value of a Constant node."""
    given = attributes(node)
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
