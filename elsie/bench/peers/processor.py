"""scipy.sparse and numpy on this CPU, one thread, warm: the matrix products of a network alone.

Run as a program of its own, because the number of threads is fixed when numpy is imported:
`python -m elsie.bench.peers.processor` prints JSON.
"""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from elsie.bench.peers.networks import SIZES, Workload, workload
from elsie.bench.peers.rows import MEASURED, Row
from golden.errors import ElsieError
from toolchain import process
from toolchain.scratch import scratch

_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
_WAYS: dict[str, Callable[[np.ndarray], Any]] = {
    "scipy.sparse csr, float32": sparse.csr_array,
    "scipy.sparse csc, float32": sparse.csc_array,
    "numpy dense, float32": np.ascontiguousarray,
}


def rows() -> list[Row]:
    """A row for each network and way; ElsieError when a product was wrong."""
    with scratch(Path(tempfile.gettempdir())) as folder:
        done = process.run(
            [sys.executable, "-m", "elsie.bench.peers.processor"],
            cwd=folder,
            env={**_ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    if done.code:
        raise ElsieError(f"the measurement of scipy failed: {done.reason}")
    return [Row(**row) for row in json.loads(done.out)]


def measure(work: Workload, *, repeats: int = 3000) -> list[Row]:
    """Median time of the products of all layers, one after the other."""
    inputs = [values.astype(np.float32) for values in work.activations()[:-1]]
    found = []
    for name, make in _WAYS.items():
        matrices = [make(matrix.astype(np.float32)) for matrix in work.weights]
        for matrix, x, exact in zip(matrices, inputs, work.weights, strict=True):
            # Sums below 2**24 are exact in float32.
            if (matrix @ x).tolist() != (exact @ x.astype(np.int64)).tolist():
                raise ElsieError(f"{name}: a product on network {work.name} is wrong")
        seconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            for matrix, x in zip(matrices, inputs, strict=True):
                _ = matrix @ x
            seconds.append(time.perf_counter() - began)
        found.append(
            Row(
                network=work.name,
                who=name,
                part="CPU",
                macs=sum(work.macs),
                microseconds=round(1e6 * statistics.median(seconds), 2),
                source=f"{MEASURED}: products only, median of {repeats}, one thread, warm",
            )
        )
    return found


def model() -> str:
    """The CPU's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    print(json.dumps([vars(row) for name in SIZES for row in measure(workload(name))]))
