"""An ONNX file as constants in numpy and the nodes that its output needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from elsie.compress.onnx.nodes import constant_value, dense, describe, from_sparse, one_line
from golden.errors import ElsieError


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
    nodes: tuple[NodeProto, ...]
    """Those that the output needs, each after those whose outputs it takes."""
    opset: int
    """Version of the standard operators."""
    proto: ModelProto
    """The file, unchanged."""
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
    proto = _parse(source)
    graph = proto.graph
    constants: dict[str, NDArray] = {}
    names = _Names(source)
    for tensor in graph.initializer:
        names.add(tensor.name, "an initialiser")
        constants[tensor.name] = dense(source, tensor)
    for sparse in graph.sparse_initializer:
        names.add(sparse.values.name, "an initialiser")
        constants[sparse.values.name] = from_sparse(source, sparse, sparse.values.name)
    inputs = [value for value in graph.input if value.name not in constants]
    for value in inputs:
        _check_type(source, value)
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
    _check_domains(source, proto, nodes)
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


def without_constants(
    source: Path, graph: GraphProto
) -> tuple[dict[str, NDArray], list[NodeProto]]:
    """Constant nodes of a GraphProto by name, and the other nodes."""
    constants: dict[str, NDArray] = {}
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx") and node.output:
            constants[node.output[0]] = constant_value(source, node)
        else:
            nodes.append(node)
    return constants, nodes


def _check_domains(source: Path, proto: ModelProto, nodes: list[NodeProto]) -> None:
    """A node without an imported set of operators means nothing: its version is not known."""
    known = {given.domain for given in proto.opset_import}
    if known & {"", "ai.onnx"}:
        known |= {"", "ai.onnx"}
    for node in nodes:
        if node.domain not in known:
            raise ElsieError(
                f"{source}: {describe(node)} belongs to {node.domain or 'ai.onnx'}, of whose "
                f"operators the file names no version (opset_import); export the model again"
            )


def _taken(node: NodeProto) -> list[str]:
    """Values that a node takes, also those of graphs inside it."""
    inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    names = [name for graph in inner for child in graph.node for name in _taken(child)]
    return [*node.input, *names, *(value.name for graph in inner for value in graph.output)]


def uses(node: NodeProto) -> list[str]:
    """Values whose elements a node takes, once for each time; not those of which it asks sizes."""
    return [] if node.op_type in ("Shape", "Size") else [name for name in _taken(node) if name]


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


def _needed(source: Path, nodes: list[NodeProto], output: str) -> tuple[NodeProto, ...]:
    """The nodes that an output depends on, in order."""
    givers = {name: node for node in nodes for name in node.output if name}
    done: dict[int, NodeProto] = {}
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


def _parse(source: Path) -> ModelProto:
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


def _check_type(source: Path, value: ValueInfoProto) -> None:
    """Refuse an input that is no array of numbers."""
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


def _shape_of(value: ValueInfoProto) -> tuple[int | None, ...] | None:
    """Shape of a graph input."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(
        axis.dim_value if axis.HasField("dim_value") and axis.dim_value > 0 else None
        for axis in tensor.shape.dim
    )
