"""Products of activations that are powers: every code of every kind, every latency."""

import re
from typing import Any

import pytest
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]

from rtl.pe.product import Product
from tests.golden.arithmetic.slow_powers import slow_levels, slow_word
from tests.rtl.helpers import tiny_config
from tests.rtl.pe.test_product import entries, products, weight

CODES = [("log", 4), ("log", 13), ("log-sqrt2", 8), ("log-sqrt2", 12)]
KINDS: list[tuple[str, dict[str, int]]] = [
    *(("log", {"code_width": width}) for width in (2, 5)),
    *(("log-sqrt2", {"code_width": width}) for width in (3, 6)),
    ("ternary", {}),
    ("fixed", {"code_width": 4, "weight_width": 4}),
    ("codebook", {"weight_width": 3}),
]


@pytest.mark.parametrize(("code", "act_width"), CODES)
@pytest.mark.parametrize(("mac", "widths"), KINDS, ids=str)
def test_all_pairs(mac: str, widths: dict[str, int], code: str, act_width: int) -> None:
    stages = 2 + act_width % 3
    fields: dict[str, Any] = {"act_code": code, "act_width": act_width, "acc_width": 53}
    config = tiny_config(mac=mac, multiplier_stages=stages, **widths, **fields)
    values = [sign * level for level in slow_levels(config) for sign in (1, -1)]
    if config.alphabet.multiplied:
        codes = range(-(1 << config.weight_width - 1), 1 << config.weight_width - 1)
    else:
        codes = range(1 << config.code_width)
    pairs = [(one, value) for one in codes for value in values]
    rows = entries([(one, slow_word(config, value)) for one, value in pairs])
    got = products(Product(config=config), stages, rows)
    assert got == [weight(mac, one, config.code_width) * value for one, value in pairs]


@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
@pytest.mark.parametrize(("mac", "widths"), KINDS, ids=str)
def test_none_has_a_multiplier(mac: str, widths: dict[str, int], code: str) -> None:
    config = tiny_config(mac=mac, act_code=code, acc_width=53, **widths)
    text = rtlil.convert(Product(config=config), name="product")
    assert not re.findall(r"^ +cell \$mul ", text, re.MULTILINE)
    assert re.findall(r"^ +cell \$shl ", text, re.MULTILINE)
