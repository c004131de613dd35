"""The engine's configuration: one frozen dataclass for golden model, RTL and compiler."""

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Any

from golden import limits
from golden.errors import ArgumentError, ElsieError, check_names
from golden.fields import EngineFields
from golden.kinds import ActCode, EntryMemory, MacKind
from golden.maps.settings import Maps
from golden.stages import Stages


@dataclass(frozen=True, kw_only=True)
class EngineConfig(EngineFields):
    """Every choice that shapes an engine. Immutable; `replace()` makes variants.

    The fields are in golden.fields, their rules in golden.limits. Raises ElsieError naming the
    field when a value is out of range or two fields contradict.
    """

    def __post_init__(self) -> None:
        """Check every range and every rule between fields."""
        _as_kind(self, "mac", MacKind)
        _as_kind(self, "entry_memory", EntryMemory)
        _as_kind(self, "act_code", ActCode)
        object.__setattr__(self, "stages", Stages.of(self.stages))
        object.__setattr__(self, "maps", Maps.of(self.maps))
        limits.check(self)

    def replace(self, **changes: Any) -> "EngineConfig":
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; `act_code`, `input_terms`, `stages`, `maps` where they matter.

        So networks without them have the NET files that they always had.
        """
        values = dataclasses.asdict(self)
        values |= {name: values[name].value for name in ("mac", "entry_memory", "act_code")}
        if self.act_code is ActCode.LINEAR:
            del values["act_code"], values["input_terms"]
        for name, given in (("stages", self.stages), ("maps", self.maps)):
            values[name] = given.to_dict()
            if not values[name]:
                del values[name]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "EngineConfig":
        """The reverse of `to_dict`; fields left out have their defaults.

        Raises ElsieError for an unknown field or an unusable value.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        check_names("field", values, known, ElsieError)
        return cls(**values)


def _as_kind(config: EngineConfig, name: str, kind: type[Enum]) -> None:
    """Make a field that may be text an enumeration's member."""
    known, value = [member.value for member in kind], getattr(config, name)
    if value not in known:
        raise ArgumentError(
            f"engine configuration: `{name}` must be one of {', '.join(known)}, not {value!r}"
        )
    object.__setattr__(config, name, kind(value))
