"""Weight codes to integer weights, by hand."""

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.format.alphabets import decode


def test_codebook() -> None:
    config = EngineConfig(code_width=2)
    book = [-7, 0, 5, 32767]
    assert decode(config, [[3, 0], [2, 1]], book).tolist() == [[32767, -7], [5, 0]]
    with pytest.raises(ValueError, match="need a codebook"):
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


@pytest.mark.parametrize("mac", ["codebook", "fixed", "log"])
def test_no_codes_no_weights(mac: str) -> None:
    config = EngineConfig(mac=mac, weight_width=4)  # pyright: ignore
    assert decode(config, np.zeros(0, np.int64), np.zeros(16, np.int64)).shape == (0,)
