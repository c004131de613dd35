"""Random networks on maps: the import equals onnx's reference evaluator, or is refused."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError
from tests.elsie.compress.onnx.maps.networks import Network

TOLERANCE = 3e-6
"""Of the largest value on the way: the evaluator computes in float32."""


def run(seeds: range, folder: Path) -> Counter[str]:
    """Compare each network; what came of them."""
    counts: Counter[str] = Counter()
    path = folder / "net.onnx"
    for seed in seeds:
        graph = Network(seed)
        proto = graph.proto()
        path.write_bytes(proto.SerializeToString())
        model = _load(path)
        counts[model if isinstance(model, str) else "taken"] += 1
        if isinstance(model, str):
            continue
        x = graph.real(3, *graph.start)
        found: Any = ReferenceEvaluator(proto).run(None, {"x": x})
        sizes = [1.0]

        def note(_: int, values: np.ndarray, sizes: list[float] = sizes) -> np.ndarray:
            sizes.append(float(np.abs(values).max()))
            return values

        got = model.predict(x, rounding=note)
        assert got.size == found[0].size, seed
        worst = np.abs(got - found[0].reshape(got.shape)).max()
        assert worst < TOLERANCE * max(sizes) * 10, f"{seed}: {worst}, of {max(sizes)}"
    print(dict(counts))
    assert not [why for why in counts if "fault of Elsie" in why or "damaged" in why]
    return counts


def _load(path: Path) -> Model | str:
    """The model, or why there is none."""
    try:
        return load_onnx(path)
    except ElsieError as error:
        return str(error).rpartition(") ")[2][:200]


def test_random_networks(tmp_path: Path) -> None:
    counts = run(range(120), tmp_path)
    assert counts["taken"] > 90


@pytest.mark.long
@pytest.mark.parametrize("block", range(4))
def test_many_random_networks(tmp_path: Path, block: int) -> None:
    counts = run(range(1000 * block, 1000 * block + 1000), tmp_path)
    assert counts["taken"] > 750
