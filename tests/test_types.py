"""Results are typed: what is public gives no bare dictionaries, and takes no unnamed options."""

import ast
import re
from pathlib import Path

import pytest

from tests.test_structure import ROOMS, ROOT, SOURCES, names, public, tree

LOOSE = {
    # JSON of any form, on its way to a file or from it.
    "golden/record.py": {"to_dict", "plain", "read_fields", "read_known"},
    "golden/config.py": {"to_dict", "replace"},
    "golden/report.py": {"to_dict"},
    "golden/coding/container.py": {"unpack"},
    "golden/coding/zipped.py": {"unzip"},
    "elsie/demo.py": {"to_dict"},
    "elsie/profiling/results.py": {"to_dict"},
    "elsie/bench/compression/rows.py": {"row"},
    "elsie/bench/peers/rows.py": {"to_dict"},
    "elsie/bench/peers/sweep.py": {"to_dict"},
    # What torch.save takes, as PyTorch has it.
    "elsie/compress/train/alphabets.py": {"state"},
    "elsie/torch/session.py": {"state_dict"},
    "elsie/torch/track.py": {"state"},
    # What an ONNX file holds: attributes, constants and values of every type.
    "elsie/compress/onnx/constants.py": {"fold"},
    "elsie/compress/onnx/nodes.py": {"attributes"},
    "elsie/compress/onnx/lookup.py": {"value"},
    "elsie/compress/onnx/operators/axes.py": {"branch"},
    "elsie/compress/onnx/values.py": {"real"},
    # Sparse matrices of scipy, which has no types.
    "elsie/bench/eie/market.py": {"read_market"},
    "elsie/bench/eie/matrices.py": {"read_matrix"},
    # Amaranth's views and simulator, which have no types; fields of a layout that is data.
    "sim/harness.py": {"get"},
    "golden/format/layout.py": {"pack"},
}
"""Public functions whose results no type can tell, by file."""


def loose(path: Path) -> set[str]:
    """Public functions that give Any or object, or take any named options."""
    found = set()
    for node in public(tree(path).body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            result = ast.unparse(node.returns) if node.returns else "Any"
            result = result.replace("NDArray[Any]", "NDArray")
            if re.search(r"\b(Any|object)\b", result) or node.args.kwarg:
                found.add(node.name)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_results_have_types(path: Path) -> None:
    module_hook = {"__getattr__"}  # of packages that import late
    assert loose(path) - module_hook == LOOSE.get(names(path), set())


def test_every_package_says_that_it_is_typed() -> None:
    assert all((ROOT / room / "py.typed").exists() for room in ROOMS)
