"""Engines for a kind of weights."""

from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.format.alphabets import ALPHABETS


def kind_of(weights: MacKind | str) -> MacKind:
    """The kind with this name. Raises ElsieError listing the kinds."""
    try:
        return MacKind(weights)
    except ValueError:
        kinds = ", ".join(kind.value for kind in MacKind)
        raise ElsieError(f"no kind of weights {weights!r}; there are {kinds}") from None


def with_weights(config: EngineConfig, weights: MacKind | str) -> EngineConfig:
    """`config` for a kind of weights: unless it is of that kind, with its usual widths."""
    kind = kind_of(weights)
    if kind is config.mac:
        return config
    return config.replace(mac=kind, acc_width=53, **ALPHABETS[kind].widths({}))
