"""NET files of versions 2 and 3, which Elsie no longer writes but still reads."""

import hashlib
import io
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from golden.coding.layers import ARRAYS
from golden.format import netfile
from golden.format.network import Network


def old(network: Network) -> bytes:
    """The file, with an .npy for each array; version 3 if inputs have positions of their own."""
    with tempfile.TemporaryDirectory() as folder:
        netfile.save(network, Path(folder) / "n")
        with zipfile.ZipFile(Path(folder) / "n") as archive:
            manifest = json.loads(archive.read("manifest.json"))
    blobs = {}
    for number, layer in enumerate(network.layers):
        for name in ARRAYS:
            buffer = io.BytesIO()
            np.save(buffer, getattr(layer, name))
            blobs[f"{number}.{name}.npy"] = buffer.getvalue()
    manifest["version"] = 3 if network.input_frac else 2
    if not network.input_frac:
        del manifest["input_frac"]
    manifest["sha256"] = {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()}
    blobs["manifest.json"] = json.dumps(manifest).encode()
    blobs["manifest.sha256"] = hashlib.sha256(blobs["manifest.json"]).hexdigest().encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, blob in blobs.items():
            archive.writestr(name, blob)
    return whole.getvalue()
