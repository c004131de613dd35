"""The readers that are fuzzed: a line for each.

Anything with seed files, mutations and an oracle can be a Target: `verify` may run another program
and compare, as a differential fuzzer does.
"""

import importlib

from tests.fuzz.target import Target

TARGETS: dict[str, str] = {
    "net": "tests.fuzz.targets.net:NET",
    "samples": "tests.fuzz.targets.data:SAMPLES",
    "sequences": "tests.fuzz.targets.data:SEQUENCES",
    "activations": "tests.fuzz.targets.data:ACTIVATIONS",
    "mtx": "tests.fuzz.targets.market:MARKET",
    "smtx": "tests.fuzz.targets.matrices:SMTX",
    "sparse": "tests.fuzz.targets.matrices:SPARSE",
    "onnx": "tests.fuzz.targets.onnx:DENSE",
    "recurrent": "tests.fuzz.targets.onnx:RECURRENT",
    "maps": "tests.fuzz.targets.maps:MAPS",
    "build": "tests.fuzz.targets.build:BUILD",
    "idx": "tests.fuzz.targets.idx:IDX",
}
"""Name -> module:attribute, imported only when it is asked for."""


def find(name: str) -> Target:
    """The target with a name of TARGETS, or one that is called module:attribute."""
    module, _, attribute = TARGETS.get(name, name).partition(":")
    return getattr(importlib.import_module(module), attribute)
