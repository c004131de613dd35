"""Options of the library's functions, which the commands fill; nothing slow is imported here."""

import ast
import inspect
import itertools
import operator
from dataclasses import dataclass, fields
from typing import Any

from golden.errors import ArgumentError


def whole(value: Any, name: str, *, least: int) -> int:
    """An integer of any type, at least `least`. Raises ElsieError naming the argument."""
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if found is None or isinstance(value, bool) or found < least:
        raise ArgumentError(f"`{name}` must be an integer of at least {least}, not {value!r}")
    return found


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Fields of golden.config.EngineConfig that a user may set.

    None keeps what the board's preset, or the default, says. Everything else in a
    configuration, such as memory depths, follows from the network.
    """

    pes: int | None = None
    """Processing elements."""
    group: int | None = None
    """PEs that share column memory, activation memory and drain unit."""
    queue_depth: int | None = None
    """Slots of a PE's activation queue."""
    run_width: int | None = None
    """Bits of the zero run; by default the cheapest."""
    act_width: int | None = None
    """Bits of an activation."""
    act_code: str | None = None
    """'log' or 'log-sqrt2': activations are powers too, and no product needs a multiplier."""
    input_terms: int | None = None
    """With act_code: an input is the sum of so many powers, each of them a broadcast; usually 2."""
    weight_width: int | None = None
    """Bits of a decoded weight."""
    code_width: int | None = None
    """Bits of a stored weight code."""
    acc_width: int | None = None
    """Bits of an accumulator; by default as many as are provably needed."""
    entry_memory: str | None = None
    """'block', or 'spram' for iCE40 UP5K's SPRAM, which the host has to load."""
    entry_stages: int | None = None
    """Cycles of an entry's read; 2 for block RAM that may be far from its PE."""
    multiplier_stages: int | None = None
    """Registers in the multiplier."""
    broadcast_stages: int | None = None
    """Registers between collector and PEs."""
    stages: str | None = None
    """'short', or a set of registers that shorten paths: 'drain', 'long', 'elastic'."""
    streams: int | None = None
    """Sequences that take turns, each with its own state (LSTM, GRU)."""

    def __post_init__(self) -> None:
        """Integers of any type, numpy's too, become plain ones."""
        for field in fields(self):
            value = getattr(self, field.name)
            if hasattr(value, "__index__") and not isinstance(value, bool):
                object.__setattr__(self, field.name, operator.index(value))

    def given(self) -> dict[str, int | str]:
        """The fields that are set, by name. Raises ElsieError for one that is no integer."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        found = {name: value for name, value in values.items() if value is not None}
        for name in found.keys() - {"entry_memory", "act_code", "stages"}:
            whole(found[name], name, least=1)
        return found


def meanings() -> dict[str, str]:
    """What each field of EngineOptions means, from the docstring under it: help for a command."""
    (cls,) = ast.parse(inspect.getsource(EngineOptions)).body
    assert isinstance(cls, ast.ClassDef)
    found = {}
    for one, other in itertools.pairwise(cls.body):
        match one, other:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                words = " ".join(str(text).split()).removesuffix(".")
                found[name] = words if words[1].isupper() else words[0].lower() + words[1:]
    return found
