"""Damage to protobuf messages by their own descriptors: any field of any message, of any type."""

from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Kind
from google.protobuf.message import Message

from tests.fuzz import mutate

_INTEGERS = (*mutate.INTEGERS, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, -2, -(1 << 63))


def messages(message: Message) -> list[Message]:
    """A message and all those in it, the deepest last."""
    found = [message]
    for field, value in message.ListFields():
        if field.type == Kind.TYPE_MESSAGE:
            for one in value if field.is_repeated else (value,):
                found += messages(one)
    return found


def texts(message: Message) -> list[str]:
    """All texts of a message and those in it: names that refer to each other."""
    found = []
    for one in messages(message):
        for field, value in one.ListFields():
            if field.type == Kind.TYPE_STRING:
                found += list(value) if field.is_repeated else [value]
    return found


def change(rng: Random, root: Message) -> None:
    """One field of one message: set, changed, removed, doubled, or moved."""
    every = messages(root)
    message = rng.choice(every)
    present = [field for field, _ in message.ListFields()]
    fields = present if present and rng.random() < 0.85 else list(message.DESCRIPTOR.fields)
    field = rng.choice(fields)
    if field.is_repeated:
        _change_list(rng, root, field, getattr(message, field.name))
    elif rng.random() < 0.15:
        message.ClearField(field.name)
    elif field.type == Kind.TYPE_MESSAGE:
        others = [one for one in every if one.DESCRIPTOR is field.message_type]
        copied = type(others[0])() if others else None
        if copied is not None:
            copied.CopyFrom(rng.choice(others))
            getattr(message, field.name).CopyFrom(copied)
    else:
        setattr(message, field.name, _value(rng, root, field, getattr(message, field.name)))


def _change_list(rng: Random, root: Message, field: Any, values: Any) -> None:
    """An element gone, twice, in another place, or changed."""
    kind = rng.randrange(4)
    at = rng.randrange(len(values)) if len(values) else 0
    nested = field.type == Kind.TYPE_MESSAGE
    if kind == 0 and len(values):
        del values[at]
    elif kind == 1 and len(values):
        values.append(values[at])
    elif kind == 2 and len(values):
        items = [_copy(one) if nested else one for one in values]
        items.insert(rng.randrange(len(items)), items.pop(at))
        del values[:]
        values.extend(items)
    elif nested:
        values.add()
    elif len(values) and rng.random() < 0.7:
        values[at] = _value(rng, root, field, values[at])
    else:
        values.append(_value(rng, root, field, field.default_value or None))


def _copy(message: Message) -> Message:
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def _value(rng: Random, root: Message, field: Any, old: Any) -> Any:
    """Something else that the field can hold."""
    match field.type:
        case Kind.TYPE_STRING:
            return rng.choice([*texts(root), *mutate.TEXTS])
        case Kind.TYPE_BYTES:
            return mutate.of_bytes(rng, old or b"") if rng.random() < 0.7 else b"\xff\xfe"
        case Kind.TYPE_FLOAT | Kind.TYPE_DOUBLE:
            return rng.choice(mutate.FLOATS)
        case Kind.TYPE_ENUM:
            return rng.choice(field.enum_type.values).number
        case Kind.TYPE_BOOL:
            return not old
        case _:
            near = [(old or 0) + 1, (old or 0) - 1] if rng.random() < 0.4 else _INTEGERS
            value = rng.choice(near)
            bits = 32 if field.type in (Kind.TYPE_INT32, Kind.TYPE_UINT32) else 64
            return ((value + (1 << (bits - 1))) & ((1 << bits) - 1)) - (1 << (bits - 1))
