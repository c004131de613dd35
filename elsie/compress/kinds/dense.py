"""Fully connected layers in integers."""

from dataclasses import replace

import numpy as np

from elsie.compress.checks import WIDEST, bias_limit, check_fraction
from elsie.compress.kinds.step import Quantised, Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.grid import snap
from elsie.compress.model.layer import Reals
from elsie.compress.quantise.calibrate import activation_frac
from elsie.compress.quantise.codes import MAX_FRAC
from elsie.compress.quantise.quantise import Weights, quantise
from golden.config import EngineConfig
from golden.format.activations import ACTIVATIONS
from golden.format.network import Layer
from golden.kinds import Powers

BIAS = 3
"""Bits of a bias' magnitude beyond those of a weight's code."""


def quantise_dense(layer: FloatDense, given: Signal, config: EngineConfig) -> Quantised:
    """The weights first, then the scale of the outputs that they give.

    Coded activations are far from the float ones, so layers are given them as the engine has them.
    """
    limit = bias_limit(layer.bias, given.frac, most=MAX_FRAC)
    weights = quantise(config, layer.weight, scheme=layer.scheme, max_frac=limit)
    shown = replace(layer, weight=weights.values)
    values = given.rounded(config) if config.act_levels else given.values
    outputs = shown.forward(values)
    wanted = snap(outputs, given.grids)
    finest = weights.weight_frac + given.frac
    made = ACTIVATIONS[layer.activation]
    out_frac = made.out_frac
    if out_frac is None:
        # The drain can only shift right, and less than the accumulator is wide.
        out_frac = activation_frac(
            outputs[given.valid],
            act_width=config.act_width,
            powers=Powers() if given.to_last else config.act_powers,
            max_frac=min(MAX_FRAC, finest),
            wanted=wanted[given.valid],
            grid_frac=given.grid_frac,
        )
        out_frac = max(out_frac, finest - WIDEST + 1)
    needed = made.sum_frac(out_frac)
    check_fraction(layer.name, given.rows, layer.weight, left=finest, needed=needed)
    if given.grid_frac != out_frac:  # else the rounded outputs can be equal to the model's
        shown = replace(shown, bias=_in_steps(layer.bias, config, needed))
    return Quantised(
        shown=shown,
        layers=(dense_layer(shown, weights, in_frac=given.frac, out_frac=out_frac),),
        activity=(given.activity(config),),
        outputs=snap(shown.forward(values), given.grids),
        grid=weights.grid,
    )


def _in_steps(bias: Reals, config: EngineConfig, frac: int) -> Reals:
    """Biases rounded to what the codes are worth, so that a NET file stores few bits of each.

    The steps are 2**(code_width + BIAS) in the range of the requantised sums, which have `frac`
    fraction bits, but never more than half of their last bit.
    """
    step = min(frac + 1, frac - config.act_width + 1 + config.code_width + BIAS)
    return np.ldexp(np.rint(np.ldexp(bias, step)), -step)


def dense_layer(layer: FloatDense, weights: Weights, *, in_frac: int, out_frac: int) -> Layer:
    """The integer layer with quantised weights."""
    sum_frac = weights.weight_frac + in_frac
    return Layer.of_matrix(
        weights.codes,
        weights.stored,
        name=layer.name,
        weight_frac=weights.weight_frac,
        in_frac=in_frac,
        out_frac=out_frac,
        activation=layer.activation,
        codebook=weights.codebook,
        bias=np.rint(layer.bias * 2.0**sum_frac),
    )
