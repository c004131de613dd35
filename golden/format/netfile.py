"""The NET file: one network in one file, versioned and checksummed, no pickle (docs/format.md).

A NET file has a manifest (configuration, layer fields) and the arrays of each layer, coded
(golden.coding). Up to version 4 it was a ZIP.
"""

import dataclasses
import json
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from golden.arrays import parse
from golden.coding import zipped
from golden.coding.container import BEGINS, pack, unpack, version_of
from golden.coding.layers import ARRAYS, Shape, decode, encode
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import LayerKind
from golden.proof import check_accumulators
from golden.reading import reading

FORMAT = "elsie-network"
VERSION = 5
"""What is written."""
PLAIN, CODED = (2, 3), 4
"""Older versions, which are read, too: ZIPs, with plain arrays or coded ones. 2 has no
`input_frac`."""
_SCALARS = (
    *("name", "kind", "n_in", "n_out", "n_back", "projected"),
    *("shift", "activation", "weight_frac", "in_frac", "out_frac", "threshold"),
)
_HEAD: dict[str, Any] = {"format": str, "version": int}
_MANIFEST: dict[str, Any] = {
    **{"name": str, "config": dict, "layers": list, "head": int | None, "threshold": int},
    **{"info": dict, "input_frac": list},
}
_LAYER: dict[str, Any] = {
    **{field.name: field.type for field in dataclasses.fields(Layer) if field.name in _SCALARS},
    "kind": str,
}
"""Types of a layer's fields in the manifest."""


def save(network: Network, path: str | Path) -> None:
    """Write `network`; equal networks give equal bytes.

    An error may leave part of a file, which `load` refuses; elsie.save leaves none. Raises
    ElsieError when the file cannot be written.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        raise ElsieError(f"{target}: cannot be written: it is not a regular file")
    try:
        target.write_bytes(dump(network))
    except OSError as error:
        raise ElsieError(f"{target}: cannot be written: {error.strerror}") from None


def dump(network: Network) -> bytes:
    """The contents of the NET file of `network`."""
    manifest: dict[str, Any] = {
        "name": network.name,
        "config": network.config.to_dict(),
        "layers": [{name: getattr(layer, name) for name in _SCALARS} for layer in network.layers],
        "head": network.head,
        "threshold": network.threshold,
        "info": network.info,
        "input_frac": list(network.input_frac),
    }
    return pack(VERSION, manifest, [encode(layer, network.config) for layer in network.layers])


def load(path: str | Path) -> Network:
    """Read a NET file. Raises ElsieError that names the file and what is wrong with it."""
    source = Path(path)
    with reading(source, "a NET file", "compile it again with 'elsie compile'"):
        network = _read(source)
        check_accumulators(network)
        return network


def _read(source: Path) -> Network:
    with source.open("rb") as file:
        begins = file.read(BEGINS)
        version = version_of(begins)
        if not version:
            return _zipped(source)
        data = begins + file.read()
    _check_version(version, (VERSION,))
    manifest, parts = unpack(data)
    fields = _checked(manifest, _MANIFEST)
    layers = _coded(fields["layers"], parts, fields["config"], len(data))
    return _network(fields, layers)


def _zipped(source: Path) -> Network:
    """Of an older version."""
    with source.open("rb") as file:
        manifest, blobs = zipped.unzip(file)
    head = _typed("the manifest", manifest, _HEAD)
    if head["format"] != FORMAT:
        raise ElsieError(f"format is {head['format']!r}, not {FORMAT!r}")
    _check_version(head["version"], (*PLAIN, CODED))
    types = {**_HEAD, **_MANIFEST, "sha256": dict}
    if head["version"] == PLAIN[0]:
        del types["input_frac"]
    fields = _checked(manifest, types)
    zipped.check_members(fields.pop("sha256"), blobs)
    if head["version"] in PLAIN:
        return _network(fields, _plain(fields["layers"], blobs))
    parts = zipped.parts(blobs, len(fields["layers"]))
    return _network(
        fields, _coded(fields["layers"], parts, fields["config"], source.stat().st_size)
    )


def _check_version(version: int, known: tuple[int, ...]) -> None:
    """Raise ElsieError for one that this kind of file does not have."""
    if version not in known:
        raise ElsieError(
            f"version {version} is none of the versions "
            f"{', '.join(map(str, (*PLAIN, CODED)))} and {VERSION} that this Elsie reads"
        )


def _checked(manifest: Any, types: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a manifest, its configuration one."""
    # No halves of characters, which no one prints.
    json.dumps(manifest, ensure_ascii=False).encode()
    fields = _fields("the manifest", manifest, types)
    fields["config"] = EngineConfig.from_dict(fields["config"])
    return fields


def _network(fields: dict[str, Any], layers: Iterator[Layer]) -> Network:
    """What a manifest's fields and the layers make."""
    fields |= {"layers": tuple(layers), "input_frac": tuple(fields.get("input_frac", ()))}
    return Network(**{name: value for name, value in fields.items() if name not in _HEAD})


def _coded(
    layers: list[Any], parts: Sequence[bytes], config: EngineConfig, size: int
) -> Iterator[Layer]:
    """The layers of a file of `size` bytes, their arrays coded."""
    if len(parts) != len(layers):
        raise ElsieError(f"it has arrays of {len(parts)} layers, but {len(layers)} layers")
    for number, (scalars, part) in enumerate(zip(layers, parts, strict=True)):
        fields = _scalars(number, scalars)
        shape = Shape(
            height=fields["kind"].gates * fields["n_out"],
            width=fields["n_in"] + fields["n_back"],
            outputs=fields["n_out"],
            config=config,
            size=size,
        )
        try:
            fields |= decode(part, shape)
        except ElsieError as error:
            raise ElsieError(f"layer {number}: {error}") from None
        yield Layer(**fields)


def _plain(layers: list[Any], blobs: Mapping[str, bytes]) -> Iterator[Layer]:
    """The layers, with an .npy for each array."""
    for number, scalars in enumerate(layers):
        fields = _scalars(number, scalars)
        for name in ARRAYS:
            array = parse(f"{number}.{name}", blobs[f"{number}.{name}.npy"])
            if array.dtype != np.dtype("<i8"):
                raise ElsieError(f"array {number}.{name} must be int64, not {array.dtype}")
            fields[name] = array.astype(np.int64)
        yield Layer(**fields)


def _scalars(number: int, scalars: Any) -> dict[str, Any]:
    """The fields of layer `number` in the manifest."""
    fields = _fields(f"layer {number}", scalars, _LAYER)
    if fields["kind"] not in set(LayerKind):
        raise ElsieError(f"layer {number}: kind must be one of {', '.join(LayerKind)}")
    fields["kind"] = LayerKind(fields["kind"])
    return fields


def _fields(what: str, values: Any, types: Mapping[str, Any]) -> dict[str, Any]:
    """`values`, as `_typed`; a field that `types` does not name is refused, whatever it means."""
    found = _typed(what, values, types)
    for name in sorted(values.keys() - types.keys()):
        raise ElsieError(
            f"{what} has a field {reprlib.repr(name)} that this Elsie does not know; use the one "
            f"that wrote the file"
        )
    return found


def _typed(what: str, values: Any, types: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that `types` names, each of exactly that type: true is no 1, nor 1.0."""
    if not isinstance(values, dict):
        raise ElsieError(f"{what} must be a table of fields, not {reprlib.repr(values)}")
    for name, kind in types.items():
        if name not in values:
            raise ElsieError(f"{what} has no field {name}")
        if type(values[name]) not in (get_args(kind) or (kind,)):
            title = getattr(kind, "__name__", str(kind))
            raise ElsieError(f"{what}: {name} must be {title}, not {reprlib.repr(values[name])}")
    return {name: values[name] for name in types}
