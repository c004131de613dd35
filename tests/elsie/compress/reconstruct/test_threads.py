"""Compression does not depend on how many threads the machine has."""

from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import elsie
from elsie.compress.reconstruct.threads import one_thread

DIGITS = Path(__file__).parents[4] / "examples" / "digits"


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_thread_and_then_as_before() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        if before != {2}:
            pytest.skip("this BLAS has one thread in any case")
        assert one_thread(threads)() == {1}
        assert threads() == before


@pytest.mark.parametrize("step", ["compile", "search", "train"])
def test_every_way_to_compress(step: str) -> None:
    """Seen from the progress of each."""
    seen: set[int] = set()

    def look(*_: object) -> None:
        seen.update(threads())

    model, data = DIGITS / "digits.onnx", np.load(DIGITS / "calibrate.npz")["x"][:32]
    with threadpool_limits(limits=2, user_api="blas"):
        if step == "train":
            labels = np.arange(32) % 10
            elsie.train(model=model, data=(data, labels), density=0.3, epochs=1, progress=look)
        elif step == "search":
            elsie.compile(model, calibration=data, budget="30kbit", effort="none", progress=look)
        else:
            elsie.compile(model, calibration=data, density=0.3, progress=look)
    assert seen == {1}
