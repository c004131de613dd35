"""NET files of versions 2 to 4, which Elsie no longer writes but still reads."""

import hashlib
import io
import json
import zipfile
from typing import Any

import numpy as np

from golden.coding import layers, mask
from golden.coding.container import unpack
from golden.coding.numbers import write_codes, write_integers
from golden.coding.range_coder import Encoder
from golden.config import EngineConfig
from golden.format import netfile
from golden.format.layer import Layer
from golden.format.network import Network


def old(network: Network) -> bytes:
    """The file, with an .npy for each array; version 3 if inputs have positions of their own."""
    blobs = {}
    for number, layer in enumerate(network.layers):
        for name in layers.ARRAYS:
            buffer = io.BytesIO()
            np.save(buffer, getattr(layer, name))
            blobs[f"{number}.{name}.npy"] = buffer.getvalue()
    return zipped(network, blobs, 3 if network.input_frac else 2)


def version_4(network: Network, *, ranged: bool = True) -> bytes:
    """The file, with coded arrays, by the range coder of then or by LZMA."""
    parts = [older(layer) if ranged else packed(layer, network.config) for layer in network.layers]
    weights = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    return zipped(network, {"weights.bin": weights}, 4)


def packed(layer: Layer, config: EngineConfig) -> bytes:
    """A layer by LZMA, even where the range coder is shorter."""
    most, layers.MOST = layers.MOST, 0
    try:
        return layers.encode(layer, config)
    finally:
        layers.MOST = most


def older(layer: Layer) -> bytes:
    """A layer by version 4's range coder."""
    to, width = Encoder(), layers._width(layer)
    write_integers(to, [layer.nnz])
    write_integers(to, [width])
    mask.encode(to, layer.indptr, layer.rows, height=layer.n_rows)
    write_codes(to, layer.codes.tolist(), width)
    for values in (layer.codebook, layer.bias, layer.position):
        write_integers(to, [len(values)])
        write_integers(to, values.tolist())
    write_integers(to, [layer.peephole.size])
    write_codes(to, layer.peephole.reshape(-1).tolist(), width)
    return bytes([layers.OLDER]) + to.end()


def zipped(network: Network, blobs: dict[str, bytes], version: int) -> bytes:
    """The ZIP of older versions."""
    manifest: dict[str, Any] = unpack(netfile.dump(network))[0]
    manifest |= {"format": netfile.FORMAT, "version": version}
    if version == 2:
        del manifest["input_frac"]
    manifest["sha256"] = {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()}
    blobs["manifest.json"] = json.dumps(manifest).encode()
    blobs["manifest.sha256"] = hashlib.sha256(blobs["manifest.json"]).hexdigest().encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, blob in blobs.items():
            archive.writestr(name, blob)
    return whole.getvalue()
