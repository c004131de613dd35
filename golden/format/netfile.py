"""The NET file: one network in one file, versioned and checksummed, no pickle (docs/format.md).

A NET file is an uncompressed or deflated ZIP with `manifest.json` (format, version, configuration,
layer fields, SHA-256 of every other member) and `weights.bin`, the arrays of all layers, coded
(golden.coding). Before version 4 it had one `.npy` for each array instead.
"""

import dataclasses
import hashlib
import io
import json
import reprlib
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np

from golden.arrays import members, parse
from golden.coding.layers import ARRAYS, decode, encode
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import LayerKind
from golden.proof import check_accumulators
from golden.reading import reading

FORMAT = "elsie-network"
VERSION = 4
"""What is written."""
PLAIN = (2, 3)
"""Older versions, with plain arrays; 3 is 2 with `input_frac`. They are read, too."""
_WEIGHTS = "weights.bin"
_SCALARS = (
    *("name", "kind", "n_in", "n_out", "n_back", "projected"),
    *("shift", "activation", "weight_frac", "in_frac", "out_frac", "threshold"),
)
_HEAD: dict[str, Any] = {"format": str, "version": int}
_MANIFEST: dict[str, Any] = {
    **{"name": str, "config": dict, "layers": list, "head": int | None, "threshold": int},
    **{"info": dict, "sha256": dict},
}
_LAYER: dict[str, Any] = {
    **{field.name: field.type for field in dataclasses.fields(Layer) if field.name in _SCALARS},
    "kind": str,
}
"""Types of a layer's fields in the manifest."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


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
    parts = [encode(layer) for layer in network.layers]
    weights = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    layers = [{name: getattr(layer, name) for name in _SCALARS} for layer in network.layers]
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": network.name,
        "config": network.config.to_dict(),
        "layers": layers,
        "head": network.head,
        "threshold": network.threshold,
        "info": network.info,
        "input_frac": list(network.input_frac),
        "sha256": {_WEIGHTS: hashlib.sha256(weights).hexdigest()},
    }
    # Figures may come as numpy scalars.
    body = json.dumps(manifest, sort_keys=True, indent=1, default=lambda v: v.item()).encode()
    blobs = {
        "manifest.json": body,
        "manifest.sha256": hashlib.sha256(body).hexdigest().encode(),
        _WEIGHTS: weights,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, blob in blobs.items():
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            packed = zipfile.ZIP_STORED if name == _WEIGHTS else zipfile.ZIP_DEFLATED
            archive.writestr(entry, blob, compress_type=packed)
    return file.getvalue()


def load(path: str | Path) -> Network:
    """Read a NET file. Raises ElsieError that names the file and what is wrong with it."""
    source = Path(path)
    with reading(source, "a NET file", "compile it again with 'elsie compile'"):
        network = _read(source)
        check_accumulators(network)
        return network


def _read(source: Path) -> Network:
    with source.open("rb") as file:
        blobs = members(file)
    body = blobs.pop("manifest.json")
    if hashlib.sha256(body).hexdigest().encode() != blobs.pop("manifest.sha256"):
        raise ElsieError("the manifest does not match its checksum: the file was altered")
    manifest = json.loads(body)
    json.dumps(
        manifest, ensure_ascii=False
    ).encode()  # no halves of characters, which no one prints
    head = _typed("the manifest", manifest, _HEAD)
    if head["format"] != FORMAT:
        raise ElsieError(f"format is {head['format']!r}, not {FORMAT!r}")
    version = head["version"]
    if version not in (*PLAIN, VERSION):
        raise ElsieError(
            f"version {version} is none of the versions {', '.join(map(str, PLAIN))} and {VERSION} "
            f"that this Elsie reads"
        )
    own = {"input_frac": list} if version != PLAIN[0] else {}
    fields = _fields("the manifest", manifest, {**_HEAD, **_MANIFEST, **own})
    digests = fields.pop("sha256")
    if set(blobs) != set(digests):
        raise ElsieError("arrays are missing or were added: the file was altered")
    for name, blob in blobs.items():
        if hashlib.sha256(blob).hexdigest() != digests[name]:
            raise ElsieError(f"array {name} does not match its checksum: the file was altered")
    fields["config"] = EngineConfig.from_dict(fields["config"])
    read = _plain if version in PLAIN else partial(_coded, source.stat().st_size)
    fields["layers"] = tuple(read(fields["layers"], blobs))
    if own:
        fields["input_frac"] = tuple(fields["input_frac"])
    return Network(**{name: value for name, value in fields.items() if name not in _HEAD})


def _coded(size: int, layers: list[Any], blobs: Mapping[str, bytes]) -> Iterator[Layer]:
    """The layers, their arrays coded one after the other, each behind its number of bytes."""
    blob, place = blobs.get(_WEIGHTS, b""), 0
    for number, scalars in enumerate(layers):
        fields = _scalars(number, scalars)
        begin = place + 8
        place = begin + int.from_bytes(blob[place:begin], "little")
        if place > len(blob):
            raise ElsieError(f"layer {number}: its weights are cut short")
        height = fields["kind"].gates * fields["n_out"]
        width = fields["n_in"] + fields["n_back"]
        try:
            fields |= decode(blob[begin:place], height=height, width=width, size=size)
        except ElsieError as error:
            raise ElsieError(f"layer {number}: {error}") from None
        yield Layer(**fields)
    if place != len(blob):
        raise ElsieError(f"{_WEIGHTS} has more bytes than its layers")


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
