"""Without PyTorch its tests are skipped, with a word on how to get it."""

import pytest


@pytest.fixture(autouse=True)
def needs_torch() -> None:
    for name in ("torch", "onnxscript"):
        pytest.importorskip(name, reason=f"{name} is missing: pip install '.[torch]'")
