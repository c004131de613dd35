"""Files of inputs: .npz and .npy, as samples, as sequences, and as activations for a benchmark."""

import io
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from elsie.bench.eie.matrices import read_activations
from elsie.data import Data, load_data
from golden.format.network import Network
from tests.cells import cell_config, cell_network
from tests.fuzz import mutate
from tests.fuzz.target import Target
from tests.networks import random_network, small_config

N_IN, COUNT = 6, 4


def change(rng: Random, data: bytes) -> bytes:
    """Of the archive, of a member, or of any byte."""
    members = mutate.unzip(data)
    if rng.random() < 0.1:
        return mutate.of_bytes(rng, data)
    if members is None:
        return mutate.of_array(rng, data)
    if rng.random() < 0.4:
        return mutate.of_members(rng, members, mutate.npy(np.arange(COUNT)))
    if members:
        name = rng.choice(sorted(members))
        members[name] = mutate.of_array(rng, members[name])
    return mutate.rezip(list(members.items()))


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


@cache
def samples() -> tuple[bytes, ...]:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(COUNT, N_IN)), np.arange(COUNT)
    image = x.reshape(COUNT, 2, 3).astype("<f4")
    return (
        *(_npz(x=x, y=y), _npz(data=x), mutate.npy(x), mutate.npy(np.asfortranarray(x))),
        *(_npz(x=image, y=y.astype("u1")), _npz(x=np.rint(x).astype("i2")), mutate.npy(image)),
    )


@cache
def sequences() -> tuple[bytes, ...]:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(COUNT, 3, 10)), np.arange(COUNT)
    lengths = np.array([1, 2, 3, 3])
    return _npz(x=x, y=y, lengths=lengths), _npz(x=x, lengths=lengths), _npz(x=x), mutate.npy(x)


@cache
def _network(recurrent: bool) -> Network:
    rng = np.random.default_rng(3)
    if recurrent:
        return cell_network(rng, cell_config())
    return random_network(rng, small_config([N_IN, 5]), [N_IN, 5])


def _reference(path: Path) -> dict[str, Any]:
    """What NumPy reads."""
    with path.open("rb") as file:
        loaded: Any = np.load(file, allow_pickle=False)
        return {"x": loaded} if isinstance(loaded, np.ndarray) else dict(loaded.items())


def _verify(found: Data, path: Path) -> None:
    """The same numbers as NumPy reads; the rest follows from them."""
    arrays = _reference(path)
    raw = arrays["x"] if "x" in arrays else next(iter(arrays.values()))
    x = raw.astype(np.float64).reshape(found.x.shape)
    if found.lengths is not None:
        assert np.array_equal(found.lengths, arrays["lengths"])
        assert (found.lengths >= 1).all()
        x[np.arange(x.shape[1]) >= found.lengths[:, None]] = 0
    assert np.array_equal(found.x, x)
    assert np.isfinite(x).all()
    assert (found.y is None) == ("y" not in arrays)
    if found.y is not None:
        assert np.array_equal(found.y, arrays["y"])


def _verify_activations(found: Any, path: Path) -> None:
    arrays = _reference(path)
    raw = arrays["x"] if "x" in arrays else next(iter(arrays.values()))
    assert np.array_equal(found, raw.astype(np.float64).reshape(found.shape))


_BOTH: dict[str, Any] = {"suffix": ".npz", "mutate": change, "verify": _verify}
SAMPLES = Target(
    **_BOTH, suite=200, seeds=samples, read=lambda path: load_data(path, _network(False))
)
SEQUENCES = Target(
    **_BOTH,
    seeds=sequences,
    read=lambda path: load_data(path, _network(True)),
    suite=150,
)
ACTIVATIONS = Target(
    suffix=".npz",
    seeds=lambda: samples()[:4],
    mutate=change,
    read=read_activations,
    verify=_verify_activations,
    suite=100,
    long=2000,
)
