"""NET files of all versions, their checksums put right after the damage, so that it is reached."""

import dataclasses
import hashlib
import json
import zlib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from golden.arithmetic.run import predict
from golden.arithmetic.sequences import Sequences, interleave, quantise_input
from golden.coding.container import BEGINS, MAGIC, pack, unpack
from golden.errors import ElsieError
from golden.format import netfile
from golden.format.image import encode
from golden.format.network import Network
from golden.timing.model import TimingModel
from tests.cells import cell_config, cell_network
from tests.fuzz import mutate
from tests.fuzz.target import Target
from tests.netfiles import old, packed, version_4
from tests.networks import random_network, small_config


@cache
def seeds() -> tuple[bytes, ...]:
    rng = np.random.default_rng(1)
    config = small_config([9, 7, 5], pes=3, group=2)
    spram = small_config([6, 4], mac="fixed", entry_memory="spram", code_width=4, weight_width=4)
    networks = [
        random_network(rng, config, [9, 7, 5]),
        random_network(rng, spram, [6, 4]),
        random_network(rng, small_config([5, 6], mac="ternary"), [5, 6]),
        cell_network(rng, cell_config(mac="codebook")),
        cell_network(rng, cell_config(delta=True), head=False),
    ]
    newest = tuple(netfile.dump(network) for network in networks)
    by_lzma = tuple(_by_lzma(network) for network in networks[:2])
    older = tuple(version_4(network) for network in networks[1::2])
    return newest + by_lzma + older + tuple(map(old, networks[::2]))


def _by_lzma(network: Network) -> bytes:
    """With all layers by LZMA, whatever is shorter."""
    manifest, _ = unpack(netfile.dump(network))
    parts = [packed(layer, network.config) for layer in network.layers]
    return pack(netfile.VERSION, manifest, parts)


def change(rng: Random, data: bytes) -> bytes:
    if rng.random() < 0.1:
        return mutate.of_bytes(rng, data)
    if not data.startswith(MAGIC):
        return _change_zip(rng, data)
    try:
        manifest, parts = unpack(data)
        if parts and rng.random() < 0.4:
            nth = rng.randrange(len(parts))
            parts[nth] = mutate.of_bytes(rng, parts[nth])
        else:
            _change_field(rng, manifest)
        data = pack(netfile.VERSION, manifest, parts)
    except (ElsieError, zlib.error, KeyError, TypeError, ValueError, AttributeError):
        return data  # damaged too much before
    if rng.random() < 0.05:
        body = mutate.of_bytes(rng, data[BEGINS + 8 :])
        data = data[:BEGINS] + hashlib.sha256(body).digest()[:8] + body
    return data


def _change_zip(rng: Random, data: bytes) -> bytes:
    """Of older versions."""
    members = mutate.unzip(data)
    if members is None:
        return mutate.of_bytes(rng, data)
    if rng.random() < 0.1:
        return mutate.of_members(rng, members, b"{}")
    try:
        manifest = json.loads(members["manifest.json"])
        names = sorted(set(members) - {"manifest.json", "manifest.sha256"})
        if names and rng.random() < 0.4:
            name = rng.choice(names)
            one = mutate.of_bytes if name == "weights.bin" else mutate.of_array
            members[name] = one(rng, members[name])
            manifest["sha256"][name] = hashlib.sha256(members[name]).hexdigest()
        else:
            _change_field(rng, manifest)
        body = json.dumps(manifest, allow_nan=True).encode()
    except (KeyError, TypeError, ValueError, AttributeError):  # damaged too much before
        return data
    members["manifest.json"] = mutate.of_bytes(rng, body) if rng.random() < 0.05 else body
    members["manifest.sha256"] = hashlib.sha256(members["manifest.json"]).hexdigest().encode()
    return mutate.rezip(list(members.items()))


def _change_field(rng: Random, manifest: Any) -> None:
    """Change, remove, copy or add a field."""
    tables = [manifest, manifest["config"], *manifest["layers"]]
    table = rng.choice([one for one in tables if isinstance(one, dict) and one])
    name = rng.choice(sorted(table))
    kind = rng.randrange(8)
    if kind == 0:
        del table[name]
    elif kind == 1:
        table[rng.choice(("pess", "x", name + "_"))] = 1
    elif kind == 2:
        table[name] = table[rng.choice(sorted(table))]
    elif kind == 3 and manifest["layers"]:
        given = manifest["layers"]
        given[rng.randrange(len(given))] = rng.choice((*given, None, {}, []))
    else:
        table[name] = mutate.value(rng, table[name])


def verify(network: Network, path: Path) -> None:
    """Types are exact; saved again it is the same; both golden models compute the same outputs."""
    for layer in network.layers:
        for field in dataclasses.fields(layer):
            if field.type in (int, str, bool):
                value = getattr(layer, field.name)
                assert type(value) is field.type, f"{field.name} is {value!r}"
    again = path.with_name("again.net")
    netfile.save(network, again)
    assert _plain(netfile.load(again)) == _plain(network)
    rng = np.random.default_rng(0)
    shape = (2, 3, network.n_in) if network.recurrent else (2, network.n_in)
    x = np.ldexp(rng.normal(0, 40, shape), -min(max(network.layers[0].in_frac, -900), 900))
    outputs = predict(network, x)
    model = TimingModel(encode(network))
    if network.config.streams > 1:  # whose outputs come in another order
        return
    given = Sequences.of(network, quantise_input(network, x))
    where = {place: number for number, place in enumerate(network.layers[-1].position.tolist())}
    differences = network.config.delta and network.head is None
    found: list[Any] = []
    for step in interleave(network, given):
        trace, _ = model.run(step.x, reset=step.reset, answer=step.answer)
        if step.answer:
            found.append(np.zeros(network.n_out))
            for _, place, value, _ in trace.events["output"].tolist():
                found[-1][where[place]] = value
            if differences and not step.reset[0]:
                found[-1] += found[-2]
    expected = np.ldexp(np.concatenate(found), -network.layers[-1].out_frac)
    assert np.array_equal(expected, outputs.reshape(-1))


def _plain(value: Any) -> Any:
    """Comparable with ==; a NaN equals itself."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if dataclasses.is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return json.dumps(value, sort_keys=True, default=str)


NET = Target(
    suffix=".net",
    seeds=seeds,
    mutate=change,
    read=netfile.load,
    verify=verify,
    suite=200,
    long=4000,
)
