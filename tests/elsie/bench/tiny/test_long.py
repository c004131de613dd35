"""The benchmark's shapes on the compiled RTL: whole traces, and the cycles that were asked for."""

import pytest

from elsie.bench.tiny.measure import Plan
from elsie.bench.tiny.shapes import NETWORKS


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["ad", "kws", "ic"])
def test_rtl_equals_golden(name: str) -> None:
    (row,) = Plan(networks=[name], densities=(0.3,)).rows(print)
    assert row.trace_equal
    assert row.cycles_rtl == row.cycles_golden <= NETWORKS[name].target < row.cycles_all
    if name == "ic":
        assert row.useful_utilisation >= 0.8
