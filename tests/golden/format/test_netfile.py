"""The NET file: there and back, equal bytes, and every kind of damage named."""

import dataclasses
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.coding.container import MAGIC, pack, unpack
from golden.errors import ElsieError
from golden.format import netfile
from golden.format.layer import Layer
from golden.format.network import Network
from tests.netfiles import old, version_4
from tests.networks import random_network, small_config
from tests.reports import report_of


def make(mac: str = "codebook", seed: int = 1, **changes: Any) -> Network:
    config = small_config([9, 7, 5], mac=mac, pes=3, group=2, **changes)
    network = random_network(np.random.default_rng(seed), config, [9, 7, 5])
    return dataclasses.replace(network, report=report_of(network))


def same(a: Network, b: Network) -> bool:
    """Equal in every field of every layer."""

    def plain(layer: Layer) -> dict[str, Any]:
        fields = {f.name: getattr(layer, f.name) for f in dataclasses.fields(layer)}
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in fields.items()}

    return (a.name, a.config, a.report, [plain(layer) for layer in a.layers]) == (
        *(b.name, b.config, b.report),
        [plain(layer) for layer in b.layers],
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "digits.net"
    netfile.save(make(), path)
    return path


@pytest.mark.parametrize("mac", ["codebook", "fixed", "log", "log-sqrt2", "ternary"])
def test_there_and_back(mac: str, tmp_path: Path) -> None:
    network = make(mac)
    netfile.save(network, tmp_path / "n.net")
    assert same(netfile.load(tmp_path / "n.net"), network)
    assert not same(network, make(mac, seed=2))


@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
def test_coded_activations_there_and_back(code: str, tmp_path: Path) -> None:
    network = make("log", act_code=code)
    netfile.save(network, tmp_path / "n.net")
    assert netfile.load(tmp_path / "n.net").config.act_code == code
    assert same(netfile.load(tmp_path / "n.net"), network)
    assert not same(network, make("log"))


def test_equal_networks_give_equal_bytes(saved: Path, tmp_path: Path) -> None:
    netfile.save(make(), str(tmp_path / "again"))
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()
    netfile.save(netfile.load(saved), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == saved.read_bytes()
    netfile.save(make(seed=2), tmp_path / "other")
    assert (tmp_path / "other").read_bytes() != saved.read_bytes()


def load_damaged(path: Path, content: bytes) -> Network | None:
    """None if the damage is refused as it must be; the network if it was not noticed."""
    path.write_bytes(content)
    try:
        return netfile.load(path)
    except ElsieError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
    return None


@pytest.mark.parametrize("start", range(4))
def test_one_byte_changed(start: int, saved: Path, tmp_path: Path) -> None:
    """Every 4th byte from four starts, two changes each: all are refused."""
    good = saved.read_bytes()
    for offset in range(start, len(good), 4):
        for flip in (0x01, 0xFF):
            bad = bytearray(good)
            bad[offset] ^= flip
            assert load_damaged(tmp_path / "bad.net", bytes(bad)) is None, offset


@pytest.mark.parametrize("make_old", [old, version_4])
def test_one_byte_of_an_older_file_changed(make_old: Any, tmp_path: Path) -> None:
    """Refused, or the network is unharmed.

    A ZIP has bytes that mean nothing here, such as dates; a change of those may go unnoticed, but
    no change may give another network or another exception.
    """
    network = make()
    good = make_old(network)
    refused = tried = 0
    for offset in range(0, len(good), 7):
        bad = bytearray(good)
        bad[offset] ^= 0xFF
        got = load_damaged(tmp_path / "bad.net", bytes(bad))
        assert got is None or same(got, network), offset
        refused += got is None
        tried += 1
    assert refused > tried // 2


def test_contents_are_protected_byte_by_byte(tmp_path: Path) -> None:
    """Below the ZIP of older versions: every change is refused."""
    path = tmp_path / "bad.net"
    with zipfile.ZipFile(io.BytesIO(version_4(make()))) as archive:
        blobs = {name: archive.read(name) for name in archive.namelist()}
    for name, blob in blobs.items():
        for offset in range(0, len(blob), max(1, len(blob) // 6)):
            bad = bytearray(blob)
            bad[offset] ^= 0x10
            with zipfile.ZipFile(path, "w") as archive:
                for other, content in blobs.items():
                    archive.writestr(other, bytes(bad) if other == name else content)
            with pytest.raises(ElsieError, match="checksum"):
                netfile.load(path)


def test_truncated(saved: Path, tmp_path: Path) -> None:
    good = saved.read_bytes()
    for length in [*range(0, len(good), 37), len(good) - 1]:
        assert load_damaged(tmp_path / "bad.net", good[:length]) is None, length


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", bytes(5000)])
def test_something_else(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ElsieError, match=r"x: not a NET file, or damaged .*elsie compile"):
        netfile.load(tmp_path / "x")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ElsieError, match=r"none\.net: no such file"):
        netfile.load(tmp_path / "none.net")
    with pytest.raises(ElsieError, match="cannot be read: Is a directory"):
        netfile.load(tmp_path)
    with pytest.raises(ElsieError, match="cannot be written: No such file or directory"):
        netfile.save(make(), tmp_path / "nowhere" / "n.net")


def rewrite(path: Path, change: Any, *, checksum: bool = True) -> None:
    """Change the manifest or the blobs; the checksum of the manifest follows if it is to."""
    with zipfile.ZipFile(path) as archive:
        blobs = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(blobs["manifest.json"])
    change(manifest, blobs)
    blobs["manifest.json"] = json.dumps(manifest).encode()
    if checksum:
        digest = hashlib.sha256(blobs["manifest.json"]).hexdigest()
        blobs["manifest.sha256"] = digest.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, blob in blobs.items():
            archive.writestr(name, blob)


def edits() -> list[tuple[Any, bool, str]]:
    """Changes to (manifest, blobs), whether the checksum follows, and what is said about them."""
    return [
        (lambda m, b: m.update(version=1), True, "version 1 is none of the versions 2, 3, 4 and 5"),
        (lambda m, b: m.update(version=5), True, "version 5 is none of the versions 2, 3, 4 and 5"),
        (lambda m, b: m.update(format="zip"), True, "format is 'zip', not 'elsie-network'"),
        (lambda m, b: m.update(name="x"), False, "the manifest does not match its checksum"),
        (lambda m, b: b.pop("0.bias.npy"), True, "arrays are missing or were added"),
        (lambda m, b: b.update(x=b""), True, "arrays are missing or were added"),
        (
            lambda m, b: b.update({"0.bias.npy": b["1.bias.npy"]}),
            True,
            "array 0.bias.npy does not match its checksum",
        ),
        (lambda m, b: m["config"].update(pes=0), True, "pes must be an integer from 1"),
        (lambda m, b: m["config"].update(pess=1), True, "did you mean 'pes'"),
        (lambda m, b: m["layers"][0].update(shift=99), True, "layer layer0: shift must be"),
        (lambda m, b: m["layers"][0].pop("shift"), True, "layer 0 has no field shift"),
        (lambda m, b: m.update(colour=1), True, "the manifest has a field 'colour' that"),
        (lambda m, b: m.update(input_frac=[]), True, "the manifest has a field 'input_frac' that"),
        (lambda m, b: m["layers"][1].update(colour=1), True, "layer 1 has a field 'colour' that"),
        (lambda m, b: m.pop("config"), True, "the manifest has no field config"),
        (
            lambda m, b: m["layers"][0].update(n_in=9.0),
            True,
            "layer 0: n_in must be int, not 9.0",
        ),
        (lambda m, b: m["layers"][0].update(projected=0), True, "projected must be bool, not 0"),
        (lambda m, b: m["layers"][0].update(n_back=False), True, "n_back must be int, not False"),
        (lambda m, b: m["layers"][0].update(kind="rnn"), True, "kind must be one of dense"),
        (lambda m, b: m["layers"][0].update(in_frac=10**9), True, "in_frac must be -2047..2047"),
        (lambda m, b: m.update(threshold=True), True, "threshold must be int, not True"),
        (lambda m, b: m.update(head=1.0), True, "head must be int | None, not 1.0"),
        (lambda m, b: m.update(layers={}), True, "layers must be list, not {}"),
        (lambda m, b: m["layers"].insert(0, None), True, "layer 0 must be a table of fields"),
        (lambda m, b: m.update(name="\ud800"), True, "not a NET file, or damaged"),
        (
            lambda m, b: with_array(m, b, "0.bias", np.zeros(7, dtype=np.float64)),
            True,
            "array 0.bias must be int64, not float64",
        ),
        (
            lambda m, b: with_array(m, b, "0.bias", np.full(7, -(1 << 62))),
            True,
            "layer layer0: its sums can reach",
        ),
        (
            lambda m, b: with_array(m, b, "0.peephole", np.zeros((0, 2), dtype=np.int64)),
            True,
            "layer layer0: an empty peephole must be (0, 3)",
        ),
    ]


POSITIONS = (4, 5, 6, 7, 8, 9, -10, 11, 40)


@pytest.mark.parametrize("positions", [(), POSITIONS])
def test_older_versions_are_read(positions: tuple[int, ...], tmp_path: Path) -> None:
    """Version 2, and 3 with positions of inputs, and 4; saved again they are version 5."""
    network = dataclasses.replace(make(), input_frac=positions)
    older = (old(network), version_4(network), version_4(network, ranged=False))
    for data, version in zip(older, (3 if positions else 2, 4, 4), strict=True):
        (tmp_path / "old").write_bytes(data)
        with zipfile.ZipFile(tmp_path / "old") as archive:
            manifest = json.loads(archive.read("manifest.json"))
        assert manifest["version"] == version
        assert ("input_frac" in manifest) == (version > 2)
        read = netfile.load(tmp_path / "old")
        assert read.input_frac == positions
        assert same(read, network)
        assert netfile.dump(read) == netfile.dump(network)


def test_a_file_begins_as_the_document_says(saved: Path) -> None:
    data = saved.read_bytes()
    assert data[:7] == bytes.fromhex("89454c53494505")
    assert data[7:15] == hashlib.sha256(data[15:]).digest()[:8]
    assert len(data) < len(version_4(make())) / 2


def repacked(path: Path, change: Any) -> None:
    """Change the manifest or the parts, with the checksum put right."""
    manifest, parts = unpack(path.read_bytes())
    change(manifest, parts)
    path.write_bytes(pack(netfile.VERSION, manifest, parts))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([1, 2], "input_frac must have 9 numbers, one for each input, or none, not 2"),
        ("123456789", "input_frac must be list"),
        ([4.0] * 9, "input_frac must be integers at most 64 from"),
        ([99] * 9, "input_frac must be integers at most 64 from"),
        (7, "input_frac must be list, not 7"),
    ],
)
def test_altered_positions(given: Any, text: str, tmp_path: Path) -> None:
    path = tmp_path / "n"
    netfile.save(dataclasses.replace(make(), input_frac=POSITIONS), path)
    repacked(path, lambda m, p: m.update(input_frac=given))
    with pytest.raises(ElsieError) as caught:
        netfile.load(path)
    assert text in str(caught.value)


def with_array(manifest: Any, blobs: dict[str, bytes], name: str, array: np.ndarray) -> None:
    """Put another array in, with its checksum."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    blobs[f"{name}.npy"] = buffer.getvalue()
    manifest["sha256"][f"{name}.npy"] = hashlib.sha256(buffer.getvalue()).hexdigest()


def test_a_bomb_is_refused_before_it_is_inflated(saved: Path) -> None:
    """A member that would become 1 GiB: refused by what the header says."""
    saved.write_bytes(version_4(make()))
    with zipfile.ZipFile(saved, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("9.bias.npy", bytes(4 << 20))
    bomb = bytearray(saved.read_bytes())
    at = bomb.rindex(b"PK\x01\x02")  # the last entry of the directory: its size once inflated
    bomb[at + 24 : at + 28] = (1 << 30).to_bytes(4, "little")
    saved.write_bytes(bomb)
    with pytest.raises(ElsieError, match="its contents would take 1024 MiB, but the file has only"):
        netfile.load(saved)


def test_saving_over_a_file_and_over_something_else(saved: Path, tmp_path: Path) -> None:
    """A file is replaced; a folder or a pipe is refused and stays."""
    netfile.save(make(seed=2), saved)
    assert same(netfile.load(saved), make(seed=2))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ElsieError, match=f"{name}: cannot be written: it is not a regular fil"):
            netfile.save(make(), tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "folder").is_dir()


@pytest.mark.parametrize("number", range(len(edits())))
def test_altered_files_say_what_is_wrong(number: int, saved: Path) -> None:
    change, checksum, text = edits()[number]
    saved.write_bytes(old(make()))
    rewrite(saved, lambda m, b: None)
    assert same(netfile.load(saved), make()), "rewriting alone must change nothing"
    rewrite(saved, change, checksum=checksum)
    with pytest.raises(ElsieError) as caught:
        netfile.load(saved)
    assert str(caught.value).startswith(f"{saved}: ")
    assert text in str(caught.value)


def test_no_pickles(saved: Path) -> None:
    """An array that only a pickle could hold is refused, not executed."""

    def pickled(m: Any, b: dict[str, bytes]) -> None:
        buffer = io.BytesIO()
        np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
        b["0.bias.npy"] = buffer.getvalue()
        m["sha256"]["0.bias.npy"] = hashlib.sha256(buffer.getvalue()).hexdigest()

    saved.write_bytes(old(make()))
    rewrite(saved, pickled)
    with pytest.raises(ElsieError, match="holds Python objects"):
        netfile.load(saved)


def weights(change: Any) -> Any:
    """An edit of version 4's coded arrays, with their checksum."""

    def edit(manifest: Any, blobs: dict[str, bytes]) -> None:
        blobs["weights.bin"] = change(blobs["weights.bin"])
        digest = hashlib.sha256(blobs["weights.bin"]).hexdigest()
        manifest["sha256"]["weights.bin"] = digest

    return edit


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (weights(lambda w: w + b"x"), "weights.bin has more bytes than its layers"),
        (weights(lambda w: w[:-1]), "layer 1: its weights are cut short"),
        (weights(lambda w: b""), "layer 0: its weights are cut short"),
        (weights(lambda w: w[:-9] + bytes(9)), "layer 1: "),
        (weights(lambda w: bytes(7) + b"\x7f" + w[8:]), "layer 0: its weights are cut short"),
    ],
)
def test_damaged_weights_of_version_4(change: Any, text: str, saved: Path) -> None:
    saved.write_bytes(version_4(make()))
    rewrite(saved, change)
    with pytest.raises(ElsieError) as caught:
        netfile.load(saved)
    assert text in str(caught.value)


def damaged_files() -> list[tuple[Any, str]]:
    """Changes to (manifest, parts), and what is said about them."""

    def swap(part: bytes) -> Any:
        return lambda m, p: p.__setitem__(0, part)

    return [
        (lambda m, p: p.pop(), "it has arrays of 1 layers, but 2 layers"),
        (lambda m, p: p.append(b""), "it has arrays of 3 layers, but 2 layers"),
        (swap(b""), "layer 0: it has no weights, or they are coded in a way that is not known"),
        (swap(b"\7"), "layer 0: it has no weights, or they are coded in a way"),
        (swap(b"\2"), "layer 0: its weights are cut short"),
        (lambda m, p: p.__setitem__(0, p[0][:-1]), "layer 0: its weights are cut short"),
        (lambda m, p: p.__setitem__(0, p[0] + b"x"), "layer 0: bytes follow its weights"),
        (lambda m, p: m["layers"][0].update(n_in=1 << 40), "too large for the range coder"),
        (lambda m, p: m["layers"][0].update(n_out=-1), "layer 0: it has no weights"),
        (lambda m, p: m.update(version=5), "the manifest has a field 'version' that"),
        (lambda m, p: m.pop("input_frac"), "the manifest has no field input_frac"),
        (lambda m, p: m.update(name="\ud800"), "not a NET file, or damaged"),
        (lambda m, p: m.update(layers=7), "layers must be list, not 7"),
    ]


@pytest.mark.parametrize("number", range(len(damaged_files())))
def test_damaged_files(number: int, saved: Path) -> None:
    change, text = damaged_files()[number]
    repacked(saved, lambda m, p: None)
    assert same(netfile.load(saved), make())
    repacked(saved, change)
    with pytest.raises(ElsieError) as caught:
        netfile.load(saved)
    assert str(caught.value).startswith(f"{saved}: ")
    assert text in str(caught.value)


def with_body(path: Path, body: bytes, version: int = netfile.VERSION) -> None:
    digest = hashlib.sha256(body).digest()[:8]
    path.write_bytes(MAGIC + bytes([version]) + digest + body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "a length in it has no end"),
        (b"\xff" * 20, "a length in it has no end"),
        (b"\xff" * 5 + b"\1" + b"\0", "its manifest would take "),
        (b"\2\5xx", "it is cut short"),
        (b"\2\2\3\0", "its manifest is not the 2 bytes that were announced"),
        (b"\2", "not a NET file, or damaged"),
    ],
)
def test_damaged_containers(body: bytes, text: str, saved: Path) -> None:
    with_body(saved, body)
    with pytest.raises(ElsieError) as caught:
        netfile.load(saved)
    assert text in str(caught.value)


@pytest.mark.parametrize("version", [0, 4, 6, 255])
def test_other_versions_say_so(version: int, saved: Path) -> None:
    with_body(saved, b"", version)
    words = "not a NET file" if version == 0 else f"version {version} is none of the versions"
    with pytest.raises(ElsieError, match=words):
        netfile.load(saved)
