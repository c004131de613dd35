"""Checks before the compiler begins, and the bounds of its scales."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.model.model import Model
from elsie.compress.options import Evaluation
from elsie.compress.scores import Kind, Score, score_for
from golden.arithmetic.sequences import check_lengths
from golden.errors import ArgumentError, ElsieError
from golden.format.activations import ACTIVATIONS
from golden.kinds import ActCode, EntryMemory, LayerKind
from golden.maps.inputs import described, flattened
from golden.maps.settings import NO_STAGES

WIDEST = 53
"""Accumulator width in which a network is built before the width it needs is known."""
BIAS_BITS = 46
"""A bias takes at most these bits, so that it fits the widest accumulator with its products."""
_LARGEST = 1e12
"""Largest magnitude of a weight, bias or input; no sensible model exceeds it."""


def check_samples(model: Model, x: ArrayLike, *, what: str) -> NDArray[np.float64]:
    """The data `what` as floats; raise ElsieError unless they are finite inputs of the model.

    Their shape is (samples, n_in), or (samples, steps, n_in) for a recurrent model. Samples of maps
    come as golden.maps.inputs.flattened says, and are flat afterwards.
    """
    axes = (*model.axes, model.n_in)
    takes = f"({', '.join(map(str, axes))})"
    try:
        real = np.asarray(x)
    except ValueError:
        raise ElsieError(
            f"{what} has sequences of different lengths; pad them to {takes} and give the lengths"
        ) from None
    if model.input_shape and real.ndim:
        flat = flattened(real, model.input_shape, model.input_axes)
        if flat is None:
            shape = described(model.input_shape, model.input_axes)
            raise ElsieError(f"{what} has shape {real.shape}, but model {model.name} takes {shape}")
        real = flat
    if real.ndim != len(axes) or real.shape[-1] != model.n_in:
        raise ElsieError(f"{what} has shape {real.shape}, but model {model.name} takes {takes}")
    if not real.size:
        raise ElsieError(f"{what} has no samples; give at least one")
    if not np.issubdtype(real.dtype, np.number) or np.issubdtype(real.dtype, np.complexfloating):
        raise ElsieError(f"{what} must be real numbers, not {real.dtype}")
    if not np.isfinite(real).all():
        raise ElsieError(f"{what} has values that are NaN or infinite; remove them first")
    return np.asarray(real, dtype=np.float64)


def check_maps(model: Model, asked: Mapping[str, Any]) -> None:
    """Refuse what there is not together with convolution: kinds of layers, and options.

    asked: options by name; what is None, False, 0 or the usual kind does not count.
    """
    first = next((layer for layer in model.layers if layer.kind is LayerKind.CONV), None)
    if first is None:
        return
    for layer in model.layers:
        if layer.stateful:
            raise ElsieError(
                f"layer {layer.name}: no engine has LSTM or GRU layers together with convolution "
                f"(layer {first.name}); split the model in two"
            )
        activation = getattr(layer, "activation", "identity")
        if ACTIVATIONS[activation].function:
            raise ElsieError(
                f"layer {layer.name}: no engine has {activation} together with convolution (layer "
                f"{first.name}); use relu, or end the model before it"
            )
    for name, value in asked.items():
        if value and value not in (EntryMemory.BLOCK.value, ActCode.LINEAR.value):
            raise ArgumentError(
                f"layer {first.name}: it is a convolution (or a pool) on maps, for which there is "
                f"no `{name}` {value} yet; leave it out"
            )


def engine_options(fields: Mapping[str, Any]) -> dict[str, str | None]:
    """Of a configuration's fields, those that `check_maps` refuses unless they are the usual."""
    stages = [name for name in NO_STAGES if fields.get("stages", {}).get(name)]
    kinds = {name: fields.get(name) for name in ("entry_memory", "act_code")}
    return {**kinds, "stages": ", ".join(stages)}


def check_no_maps(model: Model, *, what: str, instead: str) -> None:
    """Refuse convolutions where there are none yet: `what` has none, and one can do `instead`."""
    first = next((layer for layer in model.layers if layer.kind is LayerKind.CONV), None)
    if first is not None:
        raise ElsieError(
            f"layer {first.name}: it is a convolution (or a pool) on maps, and {what} does not "
            f"take these yet; {instead}"
        )


def check_steps(model: Model, given: Mapping[str, Any]) -> None:
    """Refuse options for sequences, unless they are None, for models without a state."""
    if not model.recurrent and any(value is not None for value in given.values()):
        names = " and ".join(f"`{name}`" for name, value in given.items() if value is not None)
        raise ArgumentError(f"model {model.name}: it has no LSTM or GRU layers; leave out {names}")


def valid_steps(
    model: Model, x: NDArray[np.float64], lengths: ArrayLike | None
) -> NDArray[np.bool_]:
    """Which of the inputs count, shape (samples,) or (samples, steps)."""
    if lengths is None:
        return np.ones(x.shape[:-1], dtype=bool)
    check_steps(model, {"lengths": lengths, "delta": None})
    last = check_lengths(lengths, samples=len(x), steps=x.shape[1])
    return np.arange(x.shape[1]) < last[:, None]


def check_evaluation(model: Model, given: Evaluation) -> None:
    """Raise ElsieError unless the data are inputs of the model, and the labels suit it."""
    real = check_samples(model, given.x, what="evaluation data")
    valid_steps(model, real, given.lengths)
    if _score(model, given, len(real)) is None:
        raise ElsieError(
            f"evaluation data: model {model.name} has no class for a whole sample or sequence that "
            f"labels could be compared with; leave out the evaluation"
        )


def kind_of_targets(model: Model, given: Evaluation) -> Kind | None:
    """What the labels of checked evaluation data are."""
    score = _score(model, given, len(np.asarray(given.x)))
    return score and score.kind


def _score(model: Model, given: Evaluation, samples: int) -> Score | None:
    return score_for(model, given.labels, samples=samples, what="evaluation data")


def check_scale(model: Model, samples: NDArray[np.float64]) -> None:
    """Refuse numbers that no common scale can bring into range."""
    for layer in model.layers:
        if max(np.abs(values).max(initial=0.0) for values in layer.parameters()) > _LARGEST:
            raise ElsieError(
                f"layer {layer.name}: weights or biases are beyond {_LARGEST:g}; "
                f"normalise the model"
            )
    if np.abs(samples).max() > _LARGEST:
        raise ElsieError(f"calibration data has values beyond {_LARGEST:g}; scale the inputs")


def check_fraction(
    layer: str, given: NDArray[np.float64], weight: NDArray[np.float64], *, left: int, needed: int
) -> None:
    """Refuse sums with `left` fraction bits where a function is taken of `needed` bits.

    given: the layer's inputs; weight: its matrix, or all of them. Both for the message.
    """
    if left < needed:
        raise ElsieError(
            f"layer {layer}: inputs up to {np.abs(given).max():g} with weights up to "
            f"{np.abs(weight).max():g} leave its sums {left} fraction bits, and sigmoid or tanh "
            f"need {needed}; normalise the inputs to about 1"
        )


def bias_limit(bias: NDArray[np.float64], in_frac: int, *, most: int) -> int:
    """Largest weight_frac, at most `most`, that does not scale a bias out of the accumulator."""
    bits = int(np.frexp(np.abs(bias).max())[1]) if bias.any() else -most
    return min(most, BIAS_BITS - bits - in_frac)
