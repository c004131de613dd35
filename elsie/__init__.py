"""Elsie as a library: compile -> predict -> simulate -> build.

>>> import elsie
>>> x, y = elsie.load_samples("examples/digits/test.npz")
>>> network = elsie.compile(
...     "examples/digits/digits-pruned.onnx",
...     calibration="examples/digits/calibrate.npz",
...     board="icebreaker",
... )
>>> bool(elsie.predict(network, x).accuracy(y) > 90)
True

The command line does nothing but wrap these functions.
"""

from elsie.api import build, compile, load, predict, save, simulate
from elsie.data import load_samples, load_sequences
from elsie.prediction import Prediction, Timing
from elsie.verilog import verilog
from golden.errors import ElsieError

__all__ = [
    "ElsieError",
    "Prediction",
    "Timing",
    "build",
    "compile",
    "load",
    "load_samples",
    "load_sequences",
    "predict",
    "save",
    "simulate",
    "verilog",
]
