"""Pairs of settings, half of them for the suite and half for the long tier."""

from collections.abc import Iterable
from typing import Any

import pytest


def halved(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    """All pairs for parametrize; each setting is in the suite, with every other one of the rest."""
    others = list(second)
    return [
        pytest.param(one, other, marks=pytest.mark.long if (n + m) % 2 else ())
        for n, one in enumerate(first)
        for m, other in enumerate(others)
    ]
