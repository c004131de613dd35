"""Weight codes to integer weights, by hand."""

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.alphabets import ALPHABETS, decode
from golden.kinds import MacKind


def test_codebook() -> None:
    config = EngineConfig(code_width=2)
    book = [-7, 0, 5, 32767]
    assert decode(config, [[3, 0], [2, 1]], book).tolist() == [[32767, -7], [5, 0]]
    with pytest.raises(ValueError, match="need a codebook of 4 values"):
        decode(config, [0])


def test_fixed_is_twos_complement() -> None:
    config = EngineConfig(mac="fixed", code_width=4, weight_width=4)  # pyright: ignore
    assert decode(config, np.arange(16)).tolist() == [*range(8), *range(-8, 0)]


@pytest.mark.parametrize("code_width", [2, 3, 4, 5])
def test_log_is_a_sign_and_an_exponent(code_width: int) -> None:
    config = EngineConfig(mac="log", code_width=code_width)  # pyright: ignore
    half = 1 << (code_width - 1)
    powers = [2**e for e in range(half)]
    expected = powers + [-p for p in powers]
    assert decode(config, np.arange(2 * half)).tolist() == expected


@pytest.mark.parametrize("code_width", [3, 4, 5, 6])
def test_log_sqrt2_has_a_weight_between_two_powers(code_width: int) -> None:
    config = EngineConfig(mac="log-sqrt2", code_width=code_width, acc_width=53)  # pyright: ignore
    half = 1 << (code_width - 1)
    steps = [weight << e for e in range(half // 2) for weight in (32, 45)]
    assert decode(config, np.arange(2 * half)).tolist() == steps + [-step for step in steps]
    # Within 0.6 % of 32 x sqrt(2)**e.
    assert np.abs(np.array(steps) / (32 * 2 ** (np.arange(half) / 2)) - 1).max() < 0.006


def test_two_shared_weights_are_a_codebook_too() -> None:
    """Two scales of trained ternary quantisation (TTQ); 0 has no entry."""
    assert decode(EngineConfig(code_width=1), [0, 1, 1], [-7, 9]).tolist() == [-7, 9, 9]


def test_ternary_is_a_sign() -> None:
    config = EngineConfig.from_dict({"mac": "ternary", "code_width": 1, "weight_width": 2})
    assert decode(config, [[0, 1], [1, 0]]).tolist() == [[1, -1], [-1, 1]]
    # -128 has no opposite in 8 bits: one more.
    assert config.replace(act_width=8).product_width == 9


@pytest.mark.parametrize("mac", MacKind)
def test_no_codes_no_weights(mac: MacKind) -> None:
    config = EngineConfig.from_dict({"mac": mac, "weight_width": 4, **ALPHABETS[mac].widths({})})
    assert decode(config, np.zeros(0, np.int64), np.zeros(16, np.int64)).shape == (0,)


@pytest.mark.parametrize("kind", MacKind)
@pytest.mark.parametrize("code_width", range(1, 17))
def test_products_hold_every_weight_of_every_alphabet(kind: MacKind, code_width: int) -> None:
    alphabet = ALPHABETS[kind]
    widths = alphabet.widths({"code_width": code_width})
    least, most = alphabet.code_widths
    if not least <= code_width <= most:
        what = "1 for ternary" if most == 1 else f"from {least} to {most} for "
        with pytest.raises(ElsieError, match=f"code_width must be {what}.*, not {code_width}$"):
            alphabet.check(**widths)
        return
    alphabet.check(**widths)
    config = EngineConfig.from_dict({"mac": kind, "acc_width": 53, "act_width": 8, **widths})
    limit = 1 << (config.weight_width - 1)
    book = np.resize([-limit, limit - 1], config.codebook_size)
    weights = decode(config, np.arange(1 << code_width), book)
    # -128 times the most negative weight is the largest product.
    largest = max(abs(128 * int(weight)) for weight in weights)
    assert largest < 1 << (config.product_width - 1)


def test_widths_that_are_given_are_taken() -> None:
    for given, widths in (
        ({}, (8, 8)),
        ({"code_width": 12}, (12, 12)),
        ({"weight_width": 6}, (6, 6)),
        ({"code_width": 4, "weight_width": 6}, (4, 6)),
    ):
        found = ALPHABETS[MacKind.FIXED].widths(given)
        assert (found["code_width"], found["weight_width"]) == widths
    with pytest.raises(ElsieError, match=r"code_width \(4\) must equal weight_width \(6\)"):
        ALPHABETS[MacKind.FIXED].check(4, 6)
    assert ALPHABETS[MacKind.CODEBOOK].widths({"weight_width": 12}) == {
        "code_width": 4,
        "weight_width": 12,
    }
