"""Usual widths of each kind of weights."""

from collections.abc import Mapping

from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError

USUAL: Mapping[MacKind, Mapping[str, int]] = {
    MacKind.CODEBOOK: {"code_width": 4, "weight_width": 16},
    MacKind.FIXED: {"code_width": 8, "weight_width": 8},
    MacKind.LOG: {"code_width": 4, "weight_width": 16},
}
"""code_width and weight_width where nothing else is asked for."""


def kind_of(weights: MacKind | str) -> MacKind:
    """The kind with this name. Raises ElsieError listing the kinds."""
    try:
        return MacKind(weights)
    except ValueError:
        kinds = ", ".join(kind.value for kind in MacKind)
        raise ElsieError(f"no kind of weights {weights!r}; there are {kinds}") from None


def kind_widths(kind: MacKind, given: Mapping[str, int | str]) -> dict[str, int | str]:
    """The usual widths of a kind, but for those that are `given`."""
    if kind is MacKind.FIXED:  # one width, whichever way it was said
        either = given.get("code_width") or given.get("weight_width") or USUAL[kind]["code_width"]
        return {name: given.get(name, either) for name in USUAL[kind]}
    return {name: given.get(name, usual) for name, usual in USUAL[kind].items()}


def with_weights(config: EngineConfig, weights: MacKind | str) -> EngineConfig:
    """`config` for a kind of weights: unless it is of that kind, with its usual widths."""
    kind = kind_of(weights)
    if kind is config.mac:
        return config
    widths = {**USUAL[kind], "mac": kind, "acc_width": 53}
    return config.replace(**widths)
