"""The product: all three kinds, every latency, log weights exhaustively."""

import numpy as np
import pytest

from rtl.pe.product import Product
from tests.rtl.helpers import drive, tiny_config


def products(dut: Product, stages: int, pairs: list[tuple[int, int]]) -> list[int]:
    rows = [{"weight": weight, "activation": value} for weight, value in pairs] + [{}] * stages
    return [cycle["product"] for cycle in drive(dut, rows, ["product"])][stages:]


@pytest.mark.parametrize("stages", [2, 3, 4])
@pytest.mark.parametrize("mac", ["codebook", "fixed"])
def test_multiplied_kinds(mac: str, stages: int) -> None:
    widths = {"code_width": 6, "weight_width": 6} if mac == "fixed" else {"weight_width": 6}
    config = tiny_config(mac=mac, multiplier_stages=stages, **widths)
    rng = np.random.default_rng(stages)
    pairs = [(-32, -128), (31, -128), (-32, 127), (31, 127), (0, -128), (-1, 1)]
    pairs += [(int(w), int(a)) for w, a in rng.integers([-32, -128], [32, 128], (100, 2))]
    got = products(Product(config=config), stages, pairs)
    assert got == [weight * value for weight, value in pairs]


@pytest.mark.parametrize(("code_width", "stages"), [(2, 2), (3, 4), (4, 2), (5, 3)])
def test_log_for_all_codes(code_width: int, stages: int) -> None:
    config = tiny_config(
        mac="log", code_width=code_width, multiplier_stages=stages, act_width=6, acc_width=40
    )
    pairs = [(code, value) for code in range(1 << code_width) for value in range(-32, 32)]
    got = products(Product(config=config), stages, pairs)
    half = 1 << (code_width - 1)
    signs = [(-1 if code >= half else 1, code % half) for code, _ in pairs]
    assert got == [
        sign * value * 2**exponent
        for (_, value), (sign, exponent) in zip(pairs, signs, strict=True)
    ]
