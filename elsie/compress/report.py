"""What a compiled network reports about itself: sizes and accuracies."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.model.model import FloatLayer, Model
from elsie.compress.quantise.calibrate import fake_quantise
from elsie.compress.sizing import Placed, count_places
from golden.arithmetic import run
from golden.errors import ElsieError
from golden.format import layout
from golden.format.network import Network


def sizes(network: Network, layers: Sequence[Placed]) -> dict[str, Any]:
    """`size_bits` {dense, stored} and `compression_ratio` (dense / stored).

    dense: weights and biases in 32-bit float. stored: what is loaded into the engine: entries with
    padding (in SPRAM whole words of two, 8 bits each), a pointer (start and count) for every
    column in every PE, one codebook for each layer, and every group's biases.
    """
    config = network.config
    dense = 32 * sum(layer.n_out * (layer.n_in + 1) for layer in network.layers)
    entries = columns = biases = 0
    width = config.groups * -(-network.n_in // config.groups)
    for layer in layers:
        entries += int(count_places(config, layer, [config.run_width]).sum())
        columns += width
        width = config.slots * layer.rows_per_pe(config)
        biases += width
    stored = (
        entries * layout.entry_word_width(config) // config.entry_lanes
        + columns * config.pes * layout.width(layout.pointer(config))
        + sum(layer.codebook.size for layer in network.layers) * config.weight_width
        + biases * config.acc_width
    )
    return ratio(dense, stored)


def check_evaluation(model: Model, x: ArrayLike, labels: ArrayLike) -> None:
    """Raise ElsieError unless x is (samples, n_in), finite, and labels (samples,) are classes."""
    real = np.asarray(x)
    check_samples(model, real, what="evaluation data")
    check_labels(model, real, labels)


def check_labels(model: Model, x: NDArray[Any], labels: ArrayLike) -> None:
    """Raise ElsieError unless labels (samples,) are classes of the model."""
    classes = np.asarray(labels)
    if classes.shape != (len(x),):
        raise ElsieError(
            f"evaluation data: labels have shape {classes.shape}, but there are {len(x)} "
            f"samples; give one class number for each"
        )
    if not np.issubdtype(classes.dtype, np.integer):
        raise ElsieError(
            f"evaluation data: labels must be integer class numbers, not {classes.dtype}"
        )
    if classes.min() < 0 or classes.max() >= model.n_out:
        raise ElsieError(
            f"evaluation data: labels are {classes.min()}..{classes.max()}, but model "
            f"{model.name} has classes 0..{model.n_out - 1}"
        )


def check_samples(model: Model, x: ArrayLike, *, what: str) -> None:
    """Raise ElsieError unless x is (samples >= 1, n_in) of finite numbers."""
    real = np.asarray(x)
    if real.ndim != 2 or real.shape[1] != model.n_in:
        raise ElsieError(
            f"{what} has shape {real.shape}, but model {model.name} takes (samples, {model.n_in})"
        )
    check_real(real, what=what)


def check_real(real: NDArray[Any], *, what: str) -> None:
    """Raise ElsieError for data that are empty, or not finite real numbers."""
    if not real.size:
        raise ElsieError(f"{what} has no samples; give at least one")
    if not np.issubdtype(real.dtype, np.number) or np.issubdtype(real.dtype, np.complexfloating):
        raise ElsieError(f"{what} must be real numbers, not {real.dtype}")
    if not np.isfinite(real).all():
        raise ElsieError(f"{what} has values that are NaN or infinite; remove them first")


def ratio(dense: int, stored: int) -> dict[str, Any]:
    """Bits before and after, as a report has them."""
    return {
        "size_bits": {"dense": dense, "stored": stored},
        "compression_ratio": round(dense / stored, 3),
    }


def accuracies(
    network: Network,
    *,
    model: Model,
    pruned: Sequence[FloatLayer],
    quantised: Sequence[FloatLayer],
    x: ArrayLike,
    labels: ArrayLike,
) -> dict[str, float]:
    """Percent of samples whose largest output is the label.

    float: the model as it came. pruned: float weights after pruning. quantised: the weights that
    the codes stand for, in float, with every layer's activations quantised. golden: the integer
    arithmetic of the engine.
    """
    real, classes = np.asarray(x, dtype=np.float64), np.asarray(labels)

    def percent(outputs: NDArray[np.float64]) -> float:
        return round(100.0 * float(np.mean(np.argmax(outputs, axis=1) == classes)), 3)

    shared, act_width = real, network.config.act_width
    shared = fake_quantise(shared, network.layers[0].in_frac, act_width=act_width)
    for layer, integer in zip(quantised, network.layers, strict=True):
        shared = fake_quantise(layer.forward(shared), integer.out_frac, act_width=act_width)
    plain = Model(name=model.name, layers=tuple(pruned))
    return {
        "float": percent(model.predict(real)),
        "pruned": percent(plain.predict(real)),
        "quantised": percent(shared),
        "golden": percent(run.predict(network, real)),
    }
