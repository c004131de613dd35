# amaranth: UnusedElaboratable=no
"""The multiplier: every stage count, extremes, and exactly the stated latency."""

import numpy as np
import pytest
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]

from golden.errors import ElsieError
from rtl.prim.multiplier import Multiplier
from tests.rtl.helpers import Ecp5, drive


@pytest.mark.parametrize("stages", [2, 3, 4])
def test_products_come_after_exactly_the_stages(stages: int) -> None:
    rng = np.random.default_rng(stages)
    a = [-64, -64, 63, 0, *(int(v) for v in rng.integers(-64, 64, 100))]
    b = [-16, 15, -16, 7, *(int(v) for v in rng.integers(-16, 16, 100))]
    rows = [{"a": x, "b": y} for x, y in zip(a, b, strict=True)]
    dut = Multiplier(a_width=7, b_width=5, stages=stages)
    seen = [cycle["product"] for cycle in drive(dut, rows, ["product"])]
    assert seen[stages:] == [x * y for x, y in zip(a, b, strict=True)][:-stages]


@pytest.mark.parametrize("stages", [2, 3, 4])
def test_one_pulse_shows_in_one_cycle_only(stages: int) -> None:
    rows = [{}] * 6 + [{"a": 3, "b": -5}] + [{}] * 8
    seen = drive(Multiplier(a_width=4, b_width=4, stages=stages), rows, ["product"])
    assert [cycle for cycle, row in enumerate(seen) if row["product"]] == [6 + stages]
    assert seen[6 + stages]["product"] == -15


@pytest.mark.parametrize("stages", [2, 3])
def test_unsigned_products(stages: int) -> None:
    rng = np.random.default_rng(stages)
    a = [127, 127, 64, 0, *(int(v) for v in rng.integers(0, 128, 100))]
    b = [31, 16, 31, 31, *(int(v) for v in rng.integers(0, 32, 100))]
    rows = [{"a": x, "b": y} for x, y in zip(a, b, strict=True)]
    dut = Multiplier(a_width=7, b_width=5, stages=stages, unsigned=True)
    seen = [cycle["product"] for cycle in drive(dut, rows, ["product"])]
    assert seen[stages:] == [x * y for x, y in zip(a, b, strict=True)][:-stages]


@pytest.mark.parametrize(("bits", "blocks"), [(17, 1), (18, 0)])
def test_unsigned_factors_need_the_blocks_sign_bit(bits: int, blocks: int) -> None:
    dut = Multiplier(a_width=bits, b_width=9, stages=2, unsigned=True)
    assert rtlil.convert(dut, platform=Ecp5()).count("MULT18X18D") == blocks


@pytest.mark.parametrize("stages", [0, 1])
def test_too_few_stages_are_refused(stages: int) -> None:
    with pytest.raises(ElsieError, match=f"stages must be at least 2, not {stages}"):
        Multiplier(a_width=4, b_width=4, stages=stages)
