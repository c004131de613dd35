"""The NET file: one network in one file, versioned and checksummed, no pickle (docs/format.md).

A NET file is an uncompressed or deflated ZIP with `manifest.json` (format, version, configuration,
layer fields, SHA-256 of every array) and one `.npy` for each array.
"""

import hashlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import LayerKind

FORMAT = "elsie-network"
VERSION = 2
"""Written for all networks but those with positions of their own for some inputs."""
INPUT_FRAC = 3
"""The version that adds `input_frac`, which an older Elsie must not overlook."""
_ARRAYS = ("indptr", "rows", "codes", "codebook", "bias", "position", "peephole")
_SCALARS = (
    *("name", "kind", "n_in", "n_out", "n_back", "projected"),
    *("shift", "activation", "weight_frac", "in_frac", "out_frac", "threshold"),
)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def save(network: Network, path: str | Path) -> None:
    """Write `network`, whole or not at all; equal networks give equal bytes."""
    target = Path(path)
    if target.exists() and not target.is_file():
        raise ElsieError(f"{target}: cannot be written: it is not a regular file")
    blobs: dict[str, bytes] = {}
    layers = []
    for number, layer in enumerate(network.layers):
        for name in _ARRAYS:
            buffer = io.BytesIO()
            np.save(buffer, np.asarray(getattr(layer, name), dtype="<i8"), allow_pickle=False)
            blobs[f"{number}.{name}.npy"] = buffer.getvalue()
        layers.append({name: getattr(layer, name) for name in _SCALARS})
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": INPUT_FRAC if network.input_frac else VERSION,
        "name": network.name,
        "config": network.config.to_dict(),
        "layers": layers,
        "head": network.head,
        "threshold": network.threshold,
        "info": network.info,
        "sha256": {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()},
    }
    if network.input_frac:
        manifest["input_frac"] = list(network.input_frac)
    # Figures may come as numpy scalars.
    body = json.dumps(manifest, sort_keys=True, indent=1, default=lambda v: v.item()).encode()
    blobs = {
        "manifest.json": body,
        "manifest.sha256": hashlib.sha256(body).hexdigest().encode(),
        **blobs,
    }
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise ElsieError(f"{target}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name, blob in blobs.items():
                entry = zipfile.ZipInfo(name, date_time=_EPOCH)
                archive.writestr(entry, blob, compress_type=zipfile.ZIP_DEFLATED)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        raise ElsieError(f"{target}: cannot be written: {error.strerror}") from None
    finally:
        Path(temporary).unlink(missing_ok=True)


def load(path: str | Path) -> Network:
    """Read a NET file. Raises ElsieError that names the file and what is wrong with it."""
    source = Path(path)
    try:
        return _read(source)
    except ElsieError as error:
        raise ElsieError(f"{source}: {error}") from None
    except FileNotFoundError:
        raise ElsieError(f"{source}: no such file") from None
    except OSError as error:
        raise ElsieError(f"{source}: cannot be read: {error.strerror}") from None
    except Exception as error:  # a damaged archive can fail in any of its parsers
        raise ElsieError(
            f"{source}: not a NET file, or damaged ({type(error).__name__}: {error}); "
            f"compile it again with 'elsie compile'"
        ) from None


def _read(source: Path) -> Network:
    with zipfile.ZipFile(source) as archive:
        blobs = {name: archive.read(name) for name in archive.namelist()}
    body = blobs.pop("manifest.json")
    digest = blobs.pop("manifest.sha256").decode()
    if hashlib.sha256(body).hexdigest() != digest:
        raise ElsieError("the manifest does not match its checksum: the file was altered")
    manifest = json.loads(body)
    if manifest["format"] != FORMAT:
        raise ElsieError(f"format is {manifest['format']!r}, not {FORMAT!r}")
    if manifest["version"] not in (VERSION, INPUT_FRAC):
        raise ElsieError(
            f"version {manifest['version']} is none of the versions {VERSION} and {INPUT_FRAC} "
            f"that this Elsie reads"
        )
    if set(blobs) != set(manifest["sha256"]):
        raise ElsieError("arrays are missing or were added: the file was altered")
    for name, blob in blobs.items():
        if hashlib.sha256(blob).hexdigest() != manifest["sha256"][name]:
            raise ElsieError(f"array {name} does not match its checksum: the file was altered")
    layers = []
    for number, scalars in enumerate(manifest["layers"]):
        fields: dict[str, Any] = {name: scalars[name] for name in _SCALARS}
        fields["kind"] = LayerKind(fields["kind"])
        for name in _ARRAYS:
            fields[name] = _array(blobs[f"{number}.{name}.npy"])
        layers.append(Layer(**fields))
    return Network(
        name=manifest["name"],
        config=EngineConfig.from_dict(manifest["config"]),
        layers=tuple(layers),
        info=manifest["info"],
        head=manifest["head"],
        threshold=manifest["threshold"],
        input_frac=tuple(manifest["input_frac"]) if manifest["version"] == INPUT_FRAC else (),
    )


def _array(blob: bytes) -> NDArray[np.int64]:
    return np.load(io.BytesIO(blob), allow_pickle=False).astype(np.int64)
