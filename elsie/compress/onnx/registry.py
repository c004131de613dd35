"""ONNX files to models: which handler takes which operator.

A new operator is a handler in a table of a file in elsie/compress/onnx/operators/; the tables are
put together here.
"""

from pathlib import Path
from traceback import walk_tb

from onnx import NodeProto

from elsie.compress.model.model import Model
from elsie.compress.onnx.check.evaluate import check_model
from elsie.compress.onnx.file import OnnxGraph, read_graph
from elsie.compress.onnx.importer import Importer, Operators
from elsie.compress.onnx.nodes import describe
from elsie.compress.onnx.operators.axes import MOVES, branch
from elsie.compress.onnx.operators.dense import DENSE, FUNCTIONS
from elsie.compress.onnx.operators.elementwise import ELEMENTWISE
from elsie.compress.onnx.operators.integers import INTEGERS
from elsie.compress.onnx.operators.learn import LEARN
from elsie.compress.onnx.operators.maps.convolve import CONVOLUTIONS
from elsie.compress.onnx.operators.maps.functions import MAP_FUNCTIONS, finish
from elsie.compress.onnx.operators.maps.joins import JOINS
from elsie.compress.onnx.operators.maps.moves import MAP_MOVES
from elsie.compress.onnx.operators.maps.pools import POOLS
from elsie.compress.onnx.operators.qonnx import CONSTANT, QONNX
from elsie.compress.onnx.operators.quantised import QUANTISED
from elsie.compress.onnx.operators.recurrent import CELLS, input_axes
from elsie.compress.onnx.operators.refusals import LOOPS, REASONS
from elsie.compress.onnx.operators.scores import SCORES
from elsie.compress.onnx.operators.slopes import SLOPES
from elsie.compress.onnx.values import BATCH, FEATURES
from golden.errors import ElsieError
from golden.reading import reading

ON_MAPS = ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Pad")
"""Operators on maps of channels."""

OPERATORS = Operators(
    handlers={
        **MOVES,
        **ELEMENTWISE,
        **DENSE,
        **CELLS,
        **LEARN,
        **QUANTISED,
        **QONNX,
        **INTEGERS,
        **SCORES,
        **SLOPES,
        **CONVOLUTIONS,
        **MAP_FUNCTIONS,
        **MAP_MOVES,
        **JOINS,
        **POOLS,
    },
    closing=(
        *("Softmax", "LogSoftmax", "ArgMax", "Cast", "Identity", "Dropout", "Flatten", "Squeeze"),
        *("ai.onnx.ml.Normalizer", "ai.onnx.ml.ZipMap", "QuantizeLinear", "DequantizeLinear"),
        "ai.onnx.ml.ArrayFeatureExtractor",
    ),
    constant={**CONSTANT, "If": branch},
    moving=MOVES,
    on_maps=ON_MAPS,
    finish=finish,
    reasons=REASONS,
    supported=(
        f"Gemm, MatMul, {', '.join([*FUNCTIONS, *SLOPES])}, Clip, Max, Min, BatchNormalization, "
        f"Conv, MaxPool, AveragePool, GlobalAveragePool, Add and Concat of maps, LSTM, GRU, Add, "
        f"Sub, Mul and Div by constants, what only moves values (Flatten, Reshape, Transpose ...), "
        f"and a trailing Softmax, LogSoftmax or ArgMax"
    ),
)
"""What a model may use."""


def load_onnx(path: str | Path, output: str | None = None) -> Model:
    """The model in an ONNX file; weights may be dense or sparse initialisers.

    Takes a chain of Gemm, MatMul, Relu, LeakyRelu, Tanh and Sigmoid, LSTM and GRU, with whatever
    moves, scales and shifts the values between them by constants: it becomes part of a layer. What
    depends on constants only is worked out. A trailing Softmax, LogSoftmax or ArgMax is dropped,
    which does not change which output is the largest, and noted in Model.notes. A trailing Sigmoid
    stays: where it is all but 0 or 1, outputs that differ can become equal.

    output: which output to use, where there are several; by default the probabilities.

    Raises ElsieError, a sentence with the file, the node and what to do, for anything else.
    """
    with reading(path, "an ONNX model that can be read", "export the model again", where=_node):
        return _import(path, output)


def _node(error: Exception) -> str:
    """The node that was read when something went wrong: the innermost variable that holds one."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    nodes = [value for f in frames for value in f.f_locals.values() if isinstance(value, NodeProto)]
    try:
        return describe(nodes[-1]) if nodes else ""
    except UnicodeDecodeError:
        return "a node whose name is no text"


def _import(path: str | Path, output: str | None) -> Model:
    """The same without the boundary, so with any exception at all."""
    graph = read_graph(path, output)
    axes, importer = input_axes(graph), Importer(graph, OPERATORS)
    for node in graph.nodes:
        if node.op_type in LOOPS:
            importer.unknown(node, node.op_type)
    names = axes or _rows(graph)
    model = importer.run(names)
    if axes is not None or any(node.op_type in ON_MAPS for node in graph.nodes):
        check_model(graph, names, model, importer.answer)
    return model


def _rows(graph: OnnxGraph) -> tuple[str, ...]:
    """Axes of an input without steps: samples come first."""
    if graph.shape is None:
        return (BATCH, FEATURES)
    if len(graph.shape) < 2:
        raise ElsieError(
            f"{graph.path}: the input {graph.input} has rank {len(graph.shape)}, but a model takes "
            f"(samples, features); export it with an axis of samples"
        )
    return (BATCH, *(FEATURES,) * (len(graph.shape) - 1))
