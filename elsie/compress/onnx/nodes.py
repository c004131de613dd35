"""A node's name, attributes and constants."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, SparseTensorProto, TensorProto

from golden.errors import ElsieError, printable

_LARGEST = 1 << 27
"""Elements of a sparse initialiser, zeros included: it is made dense."""


def describe(node: NodeProto) -> str:
    """A node for messages: name and op type."""
    name = node.name or next((output for output in node.output if output), "unnamed")
    domain = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
    return printable(f"node {name} ({domain}{node.op_type})")


def attributes(node: NodeProto) -> dict[str, Any]:
    """Attribute values of a node by name; strings are bytes, tensors are TensorProto."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def one_line(error: Exception) -> str:
    """An error's text on one line, the beginning of it if it is long."""
    return " ".join(str(error).split())[:200]


def dense(source: Path, tensor: TensorProto) -> NDArray:
    """A TensorProto as an array."""
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:  # numpy and onnx raise several kinds for a damaged tensor
        raise ElsieError(
            f"{source}: initialiser {tensor.name} cannot be read ({one_line(error)}); "
            f"export the model again"
        ) from None


def from_sparse(source: Path, sparse: SparseTensorProto, name: str) -> NDArray:
    """A SparseTensorProto (COO) as a dense array; indices are linear (nnz,) or (nnz, rank)."""
    values, indices = dense(source, sparse.values), dense(source, sparse.indices)
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
    found = np.zeros(total, dtype=values.dtype)
    found[indices] = values
    return found.reshape(dims)


def constant_value(source: Path, node: NodeProto) -> NDArray:
    """The value of a Constant node."""
    given = attributes(node)
    if "value" in given:
        return dense(source, given["value"])
    if "sparse_value" in given:
        return from_sparse(source, given["sparse_value"], node.output[0])
    for name, dtype in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in given:
            return np.asarray(given[name], dtype=dtype)
    raise ElsieError(f"{source}: {describe(node)} has no numeric value; export the model again")
