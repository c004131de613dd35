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

from elsie.api import build, compile, load, predict, save, simulate
from elsie.data import Data, load_data
from elsie.options import EngineOptions
from elsie.prediction import Prediction, Timing
from elsie.verilog import verilog
from golden.errors import ElsieError

__all__ = [
    "Data",
    "ElsieError",
    "EngineOptions",
    "Prediction",
    "Timing",
    "build",
    "compile",
    "load",
    "load_data",
    "predict",
    "save",
    "simulate",
    "verilog",
]
