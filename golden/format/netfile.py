"""The NET file: one network in one file, versioned and checksummed, no pickle (docs/format.md).

A NET file has a manifest (configuration, layer fields) and the arrays of each layer, coded
(golden.coding). Up to version 4 it was a ZIP.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

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
from golden.maps.convolution import Convolution
from golden.proof import check_accumulators
from golden.reading import reading
from golden.record import plain, read_fields, read_known
from golden.report import Report

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
    **{"info": dict, "input_frac": list, "input_shape": list, "input_axes": list},
}
_LAYER: dict[str, Any] = {
    **{field.name: field.type for field in dataclasses.fields(Layer) if field.name in _SCALARS},
    **{"kind": str, "maps": dict},
}
"""Types of a layer's fields in the manifest."""
_OPTIONAL = {"input_shape", "input_axes", "maps"}
"""Fields that only networks with maps have, in the manifest and in layers."""


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
        "layers": [_told(layer) for layer in network.layers],
        "head": network.head,
        "threshold": network.threshold,
        "info": plain(network.report) or {},
        "input_frac": list(network.input_frac),
        **{
            name: list(getattr(network, name))
            for name in ("input_shape", "input_axes")
            if getattr(network, name)
        },
    }
    return pack(VERSION, manifest, [encode(layer, network.config) for layer in network.layers])


def _told(layer: Layer) -> dict[str, Any]:
    """A layer's fields in the manifest."""
    fields = {name: getattr(layer, name) for name in _SCALARS}
    return fields | ({"maps": layer.maps.to_dict()} if layer.maps else {})


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
    head = read_known("the manifest", manifest, _HEAD)
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
    fields = read_fields("the manifest", manifest, types, optional=_OPTIONAL)
    fields["config"] = EngineConfig.from_dict(fields["config"])
    info, fields["report"] = fields.pop("info"), None
    # Older versions told other figures, which nothing needs.
    with suppress(ElsieError) if "sha256" in types else nullcontext():
        fields["report"] = Report.from_dict(info, "info") if info else None
    return fields


def _network(fields: dict[str, Any], layers: Iterator[Layer]) -> Network:
    """What a manifest's fields and the layers make."""
    fields |= {"layers": tuple(layers), "input_frac": tuple(fields.get("input_frac", ()))}
    for name in ("input_shape", "input_axes"):
        fields[name] = tuple(fields.get(name, ()))
        if any(type(size) is not int for size in fields[name]):
            raise ElsieError(f"{name} must be integers")
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
            outputs=fields["n_out"] * (fields["maps"].phases if fields["maps"] else 1),
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
    fields = read_fields(f"layer {number}", scalars, _LAYER, optional=_OPTIONAL)
    given = fields.pop("maps", None)
    fields["maps"] = Convolution.from_dict(given, f"layer {number}") if given is not None else None
    if fields["kind"] not in set(LayerKind):
        raise ElsieError(f"layer {number}: kind must be one of {', '.join(LayerKind)}")
    fields["kind"] = LayerKind(fields["kind"])
    return fields
