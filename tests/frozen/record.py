"""Hashes of what golden model, image, NET file and RTL are, for engines of every kind.

`python -m tests.frozen.record` writes frozen.json anew. A commit that changes a hash says which
and why.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]

import elsie
from elsie.options import EngineOptions
from golden.coding.layers import ARRAYS
from golden.format import netfile
from golden.format.image import Image, encode
from golden.format.network import Network
from golden.record import plain
from golden.timing.model import TimingModel
from golden.timing.trace import Trace
from golden.timing.unpack import Counters
from rtl.engine import Engine
from tests.cells import cell_config, cell_network, random_steps
from tests.maps import every_kind, map_input
from tests.networks import random_input, random_network, small_config

FILE = Path(__file__).with_name("frozen.json")
EXAMPLES = Path(__file__).parents[2] / "examples"
SIZES = (23, 30, 17, 10)

DENSE: dict[str, dict[str, Any]] = {
    "17 PEs": {"pes": 17, "group": 4, "broadcast_stages": 2, "entry_stages": 2},
    "codebook": {},
    "fixed": {"mac": "fixed", "group": 2, "act_width": 16},
    "log": {"mac": "log", "multiplier_stages": 4, "acc_width": 48},
    "one PE": {"pes": 1, "group": 1, "entry_stages": 2},
    "short queue": {"pes": 6, "group": 1, "queue_depth": 3, "multiplier_stages": 3},
    "spram": {"entry_memory": "spram", "group": 2, "queue_depth": 4},
    "ternary": {"mac": "ternary", "multiplier_stages": 3},
    "log-sqrt2": {"mac": "log-sqrt2", "acc_width": 48},
    "log-log": {"mac": "log", "act_code": "log", "group": 2},
    "log-log, sqrt2": {
        "mac": "log-sqrt2",
        "act_code": "log-sqrt2",
        "act_width": 12,
        "acc_width": 48,
    },
    "drain stage": {"pes": 5, "group": 3, "stages": {"drain": 1}},
    "long": {"pes": 5, "group": 3, "broadcast_stages": 1, "stages": "long"},
    "elastic": {"pes": 18, "group": 4, "broadcast_stages": 2, "stages": "elastic"},
    "log-log, one power": {"mac": "log", "act_code": "log", "input_terms": 1},
}
"""Engines of fully connected networks: changes to tests.networks.small_config. New ones go to the
end, here and below, as the place is the seed."""

CELLS: dict[str, dict[str, Any]] = {
    "17 PEs, three streams": {
        "pes": 17,
        "group": 4,
        "streams": 3,
        "broadcast_stages": 1,
        "multiplier_stages": 4,
    },
    "cells": {},
    "delta": {"delta": True, "pes": 5, "group": 3, "act_lists": 16},
    "one PE, cells": {"pes": 1, "group": 1, "row_depth": 128, "state_frac": 8},
    "spram, cells": {
        "mac": "log",
        "entry_memory": "spram",
        "entry_depth": 8192,
    },
    "two streams": {"streams": 2, "mac": "codebook", "entry_stages": 2},
    "drain stage, cells": {"pes": 5, "group": 3, "stages": {"drain": 1}},
    "long, two streams": {"pes": 5, "group": 3, "streams": 2, "stages": "long"},
    "elastic, delta": {"pes": 5, "group": 3, "delta": True, "act_lists": 16, "stages": "elastic"},
}
"""Engines with LSTM and GRU: changes to tests.cells.cell_config."""

FUNCTIONS: dict[str, dict[str, Any]] = {
    "functions": {"mac": "fixed", "group": 2, "act_width": 16, "functions": True},
}
"""Engines with sigmoid and tanh behind fully connected layers: changes to small_config."""

COMPILED: dict[str, dict[str, Any]] = {
    "icebreaker": {"board": "icebreaker", "density": 0.15},
    "hx8k, fixed": {"board": "hx8k", "weights": "fixed", "density": 0.1},
    "ulx3s, log, pruned": {"board": "ulx3s-85f", "weights": "log", "density": 0.1},
    "ulx3s, balanced": {"board": "ulx3s-85f", "density": 0.1, "balanced": "column"},
    "spram": {"board": "icebreaker", "engine": EngineOptions(entry_memory="spram")},
}
"""The digits example, compiled with these options, and weights rounded to the nearest: what solves
equations may differ in the last bit from one processor to another."""

MAPS: dict[str, dict[str, Any]] = {
    "maps": {"pes": 5, "group": 2, "queue_depth": 5},
    "17 PEs, maps": {
        **{"pes": 17, "group": 4, "mac": "codebook", "code_width": 4, "queue_depth": 8},
        **{"broadcast_stages": 1, "entry_stages": 2, "multiplier_stages": 4},
        "stages": {"activations": 1, "push": 1, "clear": 1, "drain": 1, "count": 1},
    },
}
"""Engines with maps: changes to tests.maps.map_config."""


def _hash(parts: list[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:16]


def _words(words: Any) -> bytes:
    """Integers of any width."""
    return ",".join(map(str, np.asarray(words).reshape(-1).tolist())).encode()


def image_hash(image: Image) -> str:
    """Every word of every memory."""
    groups = [_words(image.column_words(group)) for group in range(image.config.groups)]
    words = [image.entry_words, image.codebook_words, image.program]
    return _hash([*(_words(w) for w in words), *groups])


def net_hash(network: Network) -> str:
    """What a NET file holds once it is read: how it is coded does not count."""
    with tempfile.TemporaryDirectory() as folder:
        netfile.save(network, Path(folder) / "net")
        read = netfile.load(Path(folder) / "net")
    fields = {**vars(read), "config": read.config.to_dict()}
    fields["info"] = plain(fields.pop("report")) or {}
    layers = [dict(vars(layer)) for layer in fields.pop("layers")]
    for values in (fields, *layers):  # so that networks without maps are what they were
        for name in ("input_shape", "input_axes", "maps"):
            if given := values.pop(name, None):
                values[name] = plain(given)
    arrays = [layer.pop(name) for layer in layers for name in ARRAYS]
    parts = [json.dumps([fields, layers], sort_keys=True).encode()]
    return _hash(parts + [_words(values) for values in arrays])


def trace_hash(traces: list[Trace]) -> str:
    """All events of all inferences."""
    return _hash([_words(t.events[kind]) for t in traces for kind in sorted(t.events)])


def counters_hash(counters: list[Counters]) -> str:
    """All counters but `starved`."""
    return _hash([_words([(c.cycles, c.macs, c.stalls) for c in counters])])


def starved_hash(counters: list[Counters]) -> str:
    """The counter `starved`."""
    return _hash([_words([c.starved for c in counters])])


def rtlil_hash(network: Network, image: Image) -> str:
    """The engine as Amaranth hands it to Yosys, without where in the sources it comes from."""
    whole = image if network.config.entry_lanes == 1 else None
    engine = Engine(config=network.config, image=whole)
    flat = {
        "__".join(map(str, path)): (value.as_value(), None)
        for path, _, value in engine.signature.flatten(engine)
        if hasattr(value, "as_value")
    }
    flat["done"] = (engine.done, None)
    text = rtlil.convert(engine, name="top", ports=flat, emit_src=False)
    # Amaranth reads names from bytecode; one that it does not find depends on the Python.
    assert not (unnamed := set(re.findall(r"\\\$[a-z]\S*", text))), f"without a name: {unnamed}"
    return _hash([text.encode()])


def _hashes(network: Network, run: list[tuple[Trace, Counters]]) -> dict[str, str]:
    image = encode(network)
    traces, counters = [one for one, _ in run], [one for _, one in run]
    return {
        "image": image_hash(image),
        "net": net_hash(network),
        "trace": trace_hash(traces),
        "counters": counters_hash(counters),
        "starved": starved_hash(counters),
        "rtlil": rtlil_hash(network, image),
    }


def dense(name: str) -> dict[str, str]:
    """Hashes of a random fully connected network."""
    rng = np.random.default_rng(list(DENSE).index(name))
    network = random_network(rng, small_config(SIZES, **DENSE[name]), SIZES, density=0.5)
    model = TimingModel(encode(network))
    return _hashes(network, [model.run(x) for x in random_input(rng, network, samples=3)])


def functions(name: str) -> dict[str, str]:
    """Hashes of a random network with a tanh, a ReLU and a sigmoid."""
    rng = np.random.default_rng(list(FUNCTIONS).index(name))
    config = small_config(SIZES, **FUNCTIONS[name])
    names = ["tanh", "relu", "sigmoid"]
    network = random_network(rng, config, SIZES, density=0.5, shift=10, activations=names)
    model = TimingModel(encode(network))
    return _hashes(network, [model.run(x) for x in random_input(rng, network, samples=3)])


def cells(name: str) -> dict[str, str]:
    """Hashes of a random recurrent network, three steps."""
    rng = np.random.default_rng(list(CELLS).index(name))
    config = cell_config(**CELLS[name])
    spram, delta = config.entry_lanes > 1, config.delta
    network = cell_network(rng, config, peepholes=not spram, head=not delta)
    model = TimingModel(encode(network))
    steps = random_steps(rng, network, 3)
    return _hashes(network, [model.run(s.x, reset=s.reset, answer=s.answer) for s in steps])


def compiled(name: str) -> dict[str, str]:
    """Hashes of a compiled example; floating point decides here, so they hold for one BLAS only."""
    network = elsie.compile(
        EXAMPLES / "digits/digits.onnx",
        calibration=EXAMPLES / "digits/calibrate.npz",
        effort="none",
        **COMPILED[name],
    )
    return {"net": net_hash(network), "image": image_hash(encode(network))}


def maps(name: str) -> dict[str, str]:
    """Hashes of a network with layers of every kind."""
    rng = np.random.default_rng(list(MAPS).index(name))
    network = every_kind(**MAPS[name]).network()
    model = TimingModel(encode(network))
    return _hashes(network, [model.run(map_input(rng, network)[0]) for _ in range(2)])


GROUPS: dict[str, tuple[dict[str, dict[str, Any]], Callable[[str], dict[str, str]]]] = {
    "dense": (DENSE, dense),
    "functions": (FUNCTIONS, functions),
    "cells": (CELLS, cells),
    "compiled": (COMPILED, compiled),
    "maps": (MAPS, maps),
}


@cache
def frozen() -> dict[str, dict[str, dict[str, str]]]:
    """The committed record: group -> name -> what -> hash."""
    return json.loads(FILE.read_text())


if __name__ == "__main__":
    record = {
        group: {name: make(name) for name in names} for group, (names, make) in GROUPS.items()
    }
    FILE.write_text(json.dumps(record, indent=1) + "\n")
