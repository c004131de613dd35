"""ONNX files to models: which importer takes a graph, with which handlers.

A new operator is a handler in a table: `HANDLERS` of elsie.compress.onnx.dense, or `MOVES` of
elsie.compress.onnx.axes for what depends on the data's axes.
"""

from pathlib import Path
from traceback import walk_tb

from elsie.compress.model.model import Model
from elsie.compress.onnx.dense import HANDLERS, SUPPORTED
from elsie.compress.onnx.file import as_chain, describe, read_graph
from elsie.compress.onnx.importer import Importer
from elsie.compress.onnx.recurrent import RecurrentImporter
from golden.reading import reading

_RECURRENT = ("LSTM", "GRU", "RNN")


def load_onnx(path: str | Path) -> Model:
    """The model in an ONNX file; weights may be dense or sparse initialisers.

    Takes a chain of Gemm, MatMul, Add of a bias, Relu, Tanh, Sigmoid, Identity, Dropout (as in
    inference), Flatten, Reshape to (samples, features) and Cast to float; and LSTM and GRU, with
    whatever moves the data between them. A trailing Softmax, LogSoftmax or ArgMax is dropped, which
    does not change which output is the largest, and noted in Model.notes. A trailing Sigmoid stays:
    where it is all but 0 or 1, outputs that differ can become equal.

    Raises ElsieError, a sentence with the file, the node and what to do, for anything else.
    """
    with reading(path, "an ONNX model that can be read", "export the model again", where=_node):
        return _import(path)


def _node(error: Exception) -> str:
    """The node that was read when something went wrong: the innermost variable that holds one."""
    from onnx import NodeProto

    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    nodes = [value for f in frames for value in f.f_locals.values() if isinstance(value, NodeProto)]
    try:
        return describe(nodes[-1]) if nodes else ""
    except UnicodeDecodeError:
        return "a node whose name is no text"


def _import(path: str | Path) -> Model:
    """The same without the boundary, so with any exception at all."""
    graph = read_graph(path)
    if any(node.op_type in _RECURRENT for node in graph.nodes):
        supported = f"LSTM, GRU, {SUPPORTED}, and what moves the data between them"
        return RecurrentImporter(graph, HANDLERS, supported).run()
    file = as_chain(graph)
    importer = Importer(file, HANDLERS, SUPPORTED)
    for node in file.chain:
        importer.take(node)
    return importer.model()
