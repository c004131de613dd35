"""Which alphabet each layer gets, and the engine that holds them all."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from elsie.compress.quantise.codes import Coding
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig, MacKind
from golden.errors import ArgumentError, ElsieError
from golden.format.alphabets import ALPHABETS, decode

Asked: TypeAlias = str | Mapping[str | None, str | Scheme]
"""KIND[:BITS] of all layers, and LAYER=KIND[:BITS] of single ones, with commas between; or by
layer, those of all others under None."""

_WIDEST = 53
"""Accumulators until the compiler knows what the network needs."""


def parse(asked: Asked) -> dict[str | None, str | Scheme]:
    """By layer, None for all others. Raises ElsieError for what cannot be read, or no kind."""
    if not isinstance(asked, str):
        found = dict(asked)
    else:
        found = {}
        for item in asked.split(","):
            layer, equals, kind = item.rpartition("=")
            name = layer.strip() if equals else None
            if name in found or name == "":
                raise ElsieError(
                    f"weights {asked!r}: write KIND[:BITS], LAYER=KIND[:BITS],... with each layer, "
                    f"and the kind of all others, once; such as codebook:4,fc2=ternary"
                )
            found[name] = kind.strip()
    for one in found.values():
        _split(one)
    return found


def kinds(asked: Asked) -> set[str]:
    """The names of all kinds in it."""
    return {_split(one)[0] for one in parse(asked).values()}


def _split(text: str | Scheme) -> tuple[str, int | None]:
    """Name and bits. Raises ElsieError for a kind that does not exist, or cannot have as many."""
    if isinstance(text, Scheme):
        return text.name, text.bits
    name, colon, bits = text.partition(":")
    if name not in QUANTISERS:
        raise ElsieError(f"no kind of weights {name!r}; there are {', '.join(QUANTISERS)}")
    if not colon:
        return name, None
    least, most = QUANTISERS[name].widths
    if not bits.isdecimal() or not least <= int(bits) <= most:
        room = f"from {least} to {most} bits" if least < most else f"{most} bit"
        raise ElsieError(
            f"weights {text!r}: write KIND or KIND:BITS, such as log:4, with {room} for {name}"
        )
    return name, int(bits)


def assign(
    asked: Asked,
    *,
    layers: Sequence[str],
    usual: Mapping[str, int] | None = None,
    given: Mapping[str, int] | None = None,
) -> dict[str, Scheme]:
    """The alphabet of each of `layers`.

    Layers without one have a codebook. Bits that are not named are the `code_width` of `given`
    where the kind leaves a choice, else those of `usual` by kind, else the kind's usual ones.
    """
    chosen, given, usual = parse(asked), given or {}, usual or {}
    for name in chosen:
        if name is not None and name not in layers:
            raise ArgumentError(
                f"`weights` names layer {name!r}, but the model has {', '.join(layers)}"
            )

    def scheme(text: str | Scheme) -> Scheme:
        name, bits = _split(text)
        least, most = QUANTISERS[name].widths
        if bits is None and least < most:
            bits = given.get("code_width")
            if ALPHABETS[QUANTISERS[name].kind].is_weight and len(chosen) == 1:
                bits = bits or given.get("weight_width")  # one width, under whichever name
            bits = bits or usual.get(name)
        return Scheme(name=name, bits=bits or QUANTISERS[name].usual)

    default = chosen.get(None, MacKind.CODEBOOK.value)
    return {name: scheme(chosen.get(name, default)) for name in layers}


def engine_fields(
    schemes: Collection[Scheme], given: Mapping[str, int], base: Mapping[str, Any]
) -> dict[str, MacKind | int]:
    """The fields `mac`, `code_width` and `weight_width` for layers of these alphabets.

    Where all have one, the engine of its kind; else the smallest codebook that holds all. Widths
    in `given` are kept; where it has none, and the engine is of `base`'s kind, so are its own.
    Raises ElsieError where no engine, or none of a given width, holds them.
    """
    kinds = {QUANTISERS[one.name].kind for one in schemes}
    kind = kinds.pop() if len(set(schemes)) == 1 else MacKind.CODEBOOK
    needed = max(one.bits for one in schemes)
    if kind is MacKind.CODEBOOK:
        _check_codebook(schemes, given)
        needed = max(needed, given.get("code_width", 0))
    elif given.get("code_width", needed) != needed:
        (one,) = set(schemes)
        raise ArgumentError(
            f"`code_width` {given['code_width']} is not that of {one} weights; leave it out"
        )
    same = ALPHABETS[kind].widths({**given, "code_width": needed})
    if "weight_width" not in given and kind.value == base["mac"] and not ALPHABETS[kind].is_weight:
        same["weight_width"] = base["weight_width"]
    if kind is MacKind.CODEBOOK:
        least = max(_width(one) for one in schemes)
        if given.get("weight_width", least) < least:
            raise ArgumentError(
                f"`weight_width` {given['weight_width']} is too narrow for the largest of "
                f"{', '.join(sorted(map(str, set(schemes))))} weights; use at least {least}"
            )
        same["weight_width"] = max(least, same["weight_width"])
    return {"mac": kind, **same}


def _check_codebook(schemes: Collection[Scheme], given: Mapping[str, int]) -> None:
    most = ALPHABETS[MacKind.CODEBOOK].code_widths[1]
    for one in schemes:
        if one.bits > most and one.name != MacKind.CODEBOOK.value:
            raise ElsieError(
                f"weights {one}: layers of different alphabets have codebooks, of at most "
                f"{1 << most} values ({most} bits); use fewer bits, or one alphabet for all"
            )
        if given.get("code_width", one.bits) < one.bits:
            raise ArgumentError(
                f"`code_width` {given['code_width']} cannot hold {one} weights; use at least "
                f"{one.bits}"
            )


def _width(scheme: Scheme) -> int:
    """Bits that a codebook's weights need at least, signed."""
    kind = QUANTISERS[scheme.name].kind
    if kind is MacKind.CODEBOOK:
        return 2
    own = Coding(mac=kind, code_width=scheme.bits, weight_width=0)
    values = decode(own, np.arange(1 << scheme.bits))
    return max(2, int(max(values.max(), -values.min() - 1)).bit_length() + 1)


def with_weights(config: EngineConfig, weights: MacKind | Asked) -> EngineConfig:
    """`config` for a kind of weights, or for layers of several, with the usual widths.

    A kind that it has already keeps its widths.
    """
    asked = parse(weights)
    layers = [name for name in asked if name is not None]
    if None in asked or not layers:
        layers.append("")  # stands for all others
    usual = {config.mac.value: config.code_width}
    schemes = assign(asked, layers=layers, usual=usual).values()
    return _changed(config, engine_fields(schemes, {}, config.to_dict()))


def holding(config: EngineConfig, schemes: Collection[Scheme]) -> EngineConfig:
    """`config` if it holds layers of these alphabets, else with the engine that does."""
    given = {}
    if config.mac is MacKind.CODEBOOK and all(one.bits <= config.code_width for one in schemes):
        given = {"code_width": config.code_width}
    return _changed(config, engine_fields(schemes, given, config.to_dict()))


def _changed(config: EngineConfig, fields: Mapping[str, MacKind | int]) -> EngineConfig:
    if all(getattr(config, name) == value for name, value in fields.items()):
        return config
    return config.replace(acc_width=_WIDEST, **fields)
