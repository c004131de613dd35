"""The product: all kinds, every latency, log and ternary weights exhaustively; operations."""

import re

import numpy as np
import pytest
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]

from rtl.pe.product import Product
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config

LEAST, MOST = -(1 << 15), (1 << 15) - 1


def products(dut: Product, stages: int, rows: list[dict[str, int]]) -> list[int]:
    return [row["product"] for row in drive(dut, rows + [{}] * stages, ["product"])][stages:]


def entries(pairs: list[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"weight": weight, "activation": value} for weight, value in pairs]


@pytest.mark.parametrize("stages", [2, 3, 4])
@pytest.mark.parametrize("mac", ["codebook", "fixed"])
def test_multiplied_kinds(mac: str, stages: int) -> None:
    widths = {"code_width": 6, "weight_width": 6} if mac == "fixed" else {"weight_width": 6}
    config = tiny_config(mac=mac, multiplier_stages=stages, **widths)
    rng = np.random.default_rng(stages)
    pairs = [(-32, -128), (31, -128), (-32, 127), (31, 127), (0, -128), (-1, 1)]
    pairs += [(int(w), int(a)) for w, a in rng.integers([-32, -128], [32, 128], (100, 2))]
    got = products(Product(config=config), stages, entries(pairs))
    assert got == [weight * value for weight, value in pairs]


@pytest.mark.parametrize(("code_width", "stages"), [(2, 2), (3, 4), (4, 2), (5, 3)])
def test_log_for_all_codes(code_width: int, stages: int) -> None:
    config = tiny_config(
        mac="log", code_width=code_width, multiplier_stages=stages, act_width=6, acc_width=40
    )
    pairs = [(code, value) for code in range(1 << code_width) for value in range(-32, 32)]
    got = products(Product(config=config), stages, entries(pairs))
    assert got == [weight("log", code, code_width) * value for code, value in pairs]


@pytest.mark.parametrize(("code_width", "stages"), [(3, 2), (4, 4), (5, 2), (6, 3)])
def test_log_sqrt2_for_all_codes(code_width: int, stages: int) -> None:
    config = tiny_config(
        mac="log-sqrt2", code_width=code_width, multiplier_stages=stages, act_width=6, acc_width=40
    )
    pairs = [(code, value) for code in range(1 << code_width) for value in range(-32, 32)]
    got = products(Product(config=config), stages, entries(pairs))
    assert got == [weight("log-sqrt2", code, code_width) * value for code, value in pairs]


@pytest.mark.parametrize("stages", [2, 3, 4])
@pytest.mark.parametrize("act_width", [4, 8])
def test_ternary_for_both_codes_and_all_activations(act_width: int, stages: int) -> None:
    config = tiny_config(mac="ternary", multiplier_stages=stages, act_width=act_width)
    half = 1 << (act_width - 1)
    pairs = [(code, value) for value in range(-half, half) for code in (0, 1)]
    got = products(Product(config=config), stages, entries(pairs))
    assert got == [-value if code else value for code, value in pairs]


@pytest.mark.parametrize(
    ("mac", "multipliers"), [("fixed", 1), ("log", 0), ("log-sqrt2", 0), ("ternary", 0)]
)
def test_only_multiplied_kinds_have_a_multiplier(mac: str, multipliers: int) -> None:
    """But an engine with cells has one for their operations, whatever its weights."""
    widths = {"code_width": 6, "weight_width": 6} if mac == "fixed" else {}
    for config, count in ((tiny_config(mac=mac, **widths), multipliers), (cell_config(mac=mac), 1)):
        text = rtlil.convert(Product(config=config), name="product")
        assert len(re.findall(r"^ +cell \$mul ", text, re.MULTILINE)) == count


def number(rng: np.random.Generator, low: int = LEAST, high: int = MOST) -> int:
    """Any value, the extremes often."""
    return int(rng.choice([low, high, 0, int(rng.integers(low, high + 1))]))


def weight(mac: str, code: int, code_width: int = 4) -> int:
    """What is multiplied: log weights' codes are a sign and an exponent, ternary ones' a sign."""
    if mac == "ternary":
        return 1 - 2 * code
    if not mac.startswith("log"):
        return code
    half = 1 << (code_width - 1)
    sign, exponent = (-1 if code >= half else 1), code % half
    if mac == "log":
        return sign * 2**exponent
    return sign * (45 if exponent % 2 else 32) * 2 ** (exponent // 2)


@pytest.mark.parametrize("stages", [2, 3, 4])
@pytest.mark.parametrize("mac", ["fixed", "codebook", "log", "log-sqrt2", "ternary"])
def test_entries_and_operations_in_any_order(mac: str, stages: int) -> None:
    config = cell_config(mac=mac, multiplier_stages=stages)
    rng = np.random.default_rng(stages)
    rows: list[dict[str, int]] = []
    expected: list[int] = []
    codes = {"log": (0, 15), "log-sqrt2": (0, 15), "ternary": (0, 1)}.get(
        mac, (-(1 << 11), (1 << 11) - 1)
    )
    for _ in range(600):
        what = rng.choice(["entry", "peephole", "operation", "nothing"])
        row = {"weight": number(rng, *codes), "left": number(rng), "right": number(rng)}
        # There is an activation only in an entry's cycle.
        row["activation"] = number(rng) if what == "entry" else 0
        row |= {"use_left": what == "operation", "use_right": what in ("operation", "peephole")}
        left = row["left"] if row["use_left"] else weight(mac, row["weight"])
        right = row["right"] if row["use_right"] else row["activation"]
        rows.append(row)
        expected.append(left * right)
    assert products(Product(config=config), stages, rows) == expected
