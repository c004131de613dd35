"""The units in which the weights of a layer share an alphabet: those of the accumulator.

All columns of a layer share the accumulator's scale, so weights of what cells feed back, peepholes,
and columns of inputs with a scale of their own go to the alphabet as powers of two times themselves
(elsie.compress.kinds.gates, elsie.compress.inputs).
"""

from collections.abc import Sequence

import numpy as np

from elsie.compress.compiler import widest
from elsie.compress.inputs import exponents_of, scale_model, scale_signal
from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.reconstruct.matrices import VIEWS
from elsie.compress.reconstruct.thin import Source
from elsie.compress.reconstruct.walk import quantise_model
from elsie.compress.train.passes.registry import PASSES, read
from golden.config import EngineConfig


def units(model: Model, given: Signal, config: EngineConfig) -> Sequence[Sequence[Reals] | None]:
    """For each layer what each number of its arrays (train.pupil) is multiplied with; None: 1.

    Scales are those that the compiler finds with the inputs `given` for the model as it is. Raises
    ElsieError as it does, where a layer cannot have its alphabet or its inputs need another scale.
    """
    room = widest(model, config, delta=False)
    exponents = exponents_of(model, given, room, delta=False)
    if not model.recurrent and not exponents.any():
        return [None] * len(model.layers)
    scaled, signal = scale_model(model, exponents), scale_signal(given, exponents)
    every = dict.fromkeys(layer.name for layer in model.layers)
    options = CompileOptions(effort="none")
    source = Source(model=scaled, owners={})
    room, steps = quantise_model(source, signal, room, every, options)
    found: list[list[Reals]] = []
    for layer, step in zip(scaled.layers, steps, strict=True):
        arrays = read(layer)
        factors = np.ones(arrays[0].shape[1])
        factors[:-1] = VIEWS[layer.kind].scales(layer, step.quantised, room)
        if not found:
            factors[: model.n_in] *= np.ldexp(1.0, -exponents)
        beside = PASSES[layer.kind].scales_beside(layer, step.quantised, room)
        each = zip(arrays, (factors, *beside), strict=True)
        found.append([np.broadcast_to(factor, array.shape) for array, factor in each])
    return found
