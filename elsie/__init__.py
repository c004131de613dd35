"""Elsie as a library: compile -> predict -> simulate -> build.

>>> import elsie
>>> network = elsie.compile(
...     "examples/digits/digits-pruned.onnx",
...     calibration="examples/digits/calibrate.npz",
...     board="icebreaker",
... )
>>> x, _, y = elsie.load_data("examples/digits/test.npz", network)
>>> bool(elsie.predict(network, x).accuracy(y) > 90)
True

The command line does nothing but wrap these functions.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boards.flash import Flashed, flash
    from elsie.api import build, compile, load, predict, save, simulate
    from elsie.data import Data, load_data
    from elsie.export.testbench import write_testbench
    from elsie.export.verilog import verilog
    from elsie.options import EngineOptions
    from elsie.prediction import Prediction, Timing
    from elsie.profiling.profile import profile
    from elsie.profiling.results import LayerProfile, Profile
    from elsie.training import Trained, train
    from golden.errors import ElsieError

__version__ = "0.1.0"
"""The release; pyproject.toml takes it from here."""

__all__ = [
    "Data",
    "ElsieError",
    "EngineOptions",
    "Flashed",
    "LayerProfile",
    "Prediction",
    "Profile",
    "Timing",
    "Trained",
    "build",
    "compile",
    "flash",
    "load",
    "load_data",
    "predict",
    "profile",
    "save",
    "simulate",
    "train",
    "verilog",
    "write_testbench",
]

_HOME = {
    **dict.fromkeys(("build", "compile", "load", "predict", "save", "simulate"), "elsie.api"),
    **dict.fromkeys(("Data", "load_data"), "elsie.data"),
    "EngineOptions": "elsie.options",
    **dict.fromkeys(("Flashed", "flash"), "boards.flash"),
    **dict.fromkeys(("Prediction", "Timing"), "elsie.prediction"),
    **dict.fromkeys(("Trained", "train"), "elsie.training"),
    **dict.fromkeys(("LayerProfile", "Profile"), "elsie.profiling.results"),
    "profile": "elsie.profiling.profile",
    "write_testbench": "elsie.export.testbench",
    "verilog": "elsie.export.verilog",
    "ElsieError": "golden.errors",
}
"""Which module each name comes from."""


def __getattr__(name: str) -> object:
    """Import a name when it is first used: `elsie --help` then needs no numpy."""
    if name == "torch":  # a package of its own, for which there is an extra
        return importlib.import_module("elsie.torch")
    if name not in _HOME:
        raise AttributeError(f"module 'elsie' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
