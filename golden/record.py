"""Figures as dataclasses, and the JSON that a program prints or keeps in a file."""

import dataclasses
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

from golden.errors import ElsieError


@dataclass(frozen=True, kw_only=True)
class Record:
    """Plain values, tuples and tables of them, and other records.

    A field with a default is left out of the JSON where it has just that.
    """

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        given = {field: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {field.name: plain(one) for field, one in given.items() if one != field.default}

    @classmethod
    def from_dict(cls, values: Any, what: str) -> Self:
        """The reverse of `to_dict`. Raises ElsieError, naming `what` and the field."""
        known, every = get_type_hints(cls), dataclasses.fields(cls)
        optional = {one.name for one in every if one.default is not dataclasses.MISSING}
        return cls(**read_fields(what, values, known, optional=optional))


def plain(value: Any) -> Any:
    """What `value` is in JSON, with all records that it holds."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def read_fields(
    what: str, values: Any, known: Mapping[str, Any], *, optional: set[str] | None = None
) -> dict[str, Any]:
    """The fields of a table, as `read_known`; one that is not known is refused, whatever it says.

    The optional ones may be missing.
    """
    given = set(values) if isinstance(values, dict) else set()
    needed = {
        name: kind for name, kind in known.items() if name in given or name not in (optional or ())
    }
    found = read_known(what, values, needed)
    for name in sorted(given - known.keys()):
        raise ElsieError(
            f"{what} has a field {reprlib.repr(name)} that this Elsie does not know; use the one "
            f"that wrote the file"
        )
    return found


def read_known(what: str, values: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """The known fields, each of exactly its type: true is no 1, nor 1.0."""
    if not isinstance(values, dict):
        raise ElsieError(f"{what} must be a table of fields, not {reprlib.repr(values)}")
    for name in known:
        if name not in values:
            raise ElsieError(f"{what} has no field {name}")
    return {name: _read(kind, values[name], f"{what}: {name}") for name, kind in known.items()}


def _read(kind: Any, value: Any, what: str) -> Any:
    """A value of type `kind`, from JSON."""
    origin, inner = get_origin(kind), get_args(kind)
    if type(value) in (inner if origin is UnionType else (kind,)):
        return value
    if origin is UnionType and isinstance(value, list):
        lists = [one for one in inner if get_origin(one) is list]
        return _read(lists[0] if lists else inner[0], value, what)
    if origin is UnionType and inner[0] not in (int, str):
        return _read(inner[0], value, what)
    if isinstance(kind, type) and issubclass(kind, Record):
        return kind.from_dict(value, what)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(inner[0], one, what) for one in value)
    if origin is list and isinstance(value, list):
        return [_read(inner[0], one, what) for one in value]
    if origin in (Mapping, dict) and isinstance(value, dict):
        return {name: _read(inner[1], one, f"{what}: {name}") for name, one in value.items()}
    if kind is float and type(value) is int:
        return value
    title = getattr(kind, "__name__", str(kind))
    raise ElsieError(f"{what} must be {title}, not {reprlib.repr(value)}")
