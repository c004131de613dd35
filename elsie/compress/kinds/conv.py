"""Layers on maps in integers (docs/convolution.md)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from elsie.compress.checks import WIDEST, bias_limit
from elsie.compress.kinds.clip import frac_of
from elsie.compress.kinds.step import Quantised, Signal
from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.grid import snap
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.quantise.calibrate import activation_frac, fake_quantise
from elsie.compress.quantise.codes import MAX_FRAC
from elsie.compress.quantise.quantise import Weights, quantise
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Layer
from golden.kinds import LayerKind
from golden.maps.convolution import Convolution, Shape, Source


def quantise_conv(layer: FloatConv, given: Signal, config: EngineConfig) -> Quantised:
    """All sources at the accumulator's scale, which the first gives; then that of the outputs.

    A weight of a source with other fraction bits is as many times as large or small, as weights of
    what is fed back are. Raises ElsieError for a limit that outputs exceed, unless it is where the
    engine saturates (elsie.compress.kinds.clip).
    """
    fracs = tuple(one.frac for one in given.taken)
    in_frac = fracs[0]
    scales = [2.0 ** (in_frac - frac) for frac in fracs]
    matrices = [columns(source) for source in layer.sources]
    scaled = np.hstack([one * scale for one, scale in zip(matrices, scales, strict=True)])
    limit = bias_limit(layer.bias, in_frac, most=MAX_FRAC)
    exact = _fixed(layer, matrices, scales, config)
    weights = quantise(config, scaled, scheme=layer.scheme, max_frac=limit, exact=exact)
    _check_fixed(layer, exact, weights, scaled, config)
    finest = weights.weight_frac + in_frac
    bias = np.rint(np.ldexp(layer.bias, finest))
    ends = np.cumsum([one.shape[1] for one in matrices])[:-1]
    parts = zip(np.split(weights.values, ends, axis=1), scales, strict=True)
    shown = replace(
        layer,
        sources=_with(layer.sources, [part / scale for part, scale in parts]),
        bias=np.ldexp(bias, -finest),
    )
    outputs = shown.forward(given.values)
    out_frac = frac_of(layer.limit, config.act_width)
    if out_frac is None or out_frac > finest:
        _check_limit(layer, replace(shown, limit=None).forward(given.values)[given.valid])
        out_frac = activation_frac(
            outputs[given.valid],
            act_width=config.act_width,
            max_frac=min(MAX_FRAC, finest),
            wanted=snap(outputs, given.grids)[given.valid],
            grid_frac=given.grid_frac,
        )
    made = Layer.of_matrix(
        weights.codes,
        weights.stored,
        name=layer.name,
        kind=LayerKind.CONV,
        weight_frac=weights.weight_frac,
        in_frac=in_frac,
        out_frac=max(out_frac, finest - WIDEST + 1),
        activation=layer.activation,
        codebook=weights.codebook,
        bias=bias,
        maps=convolution(layer, [one.layer for one in given.taken]),
    )
    return Quantised(
        shown=shown,
        layers=(made,),
        activity=(_activity(layer, given, fracs, config),),
        outputs=snap(outputs, given.grids),
        grid=weights.grid,
        scales=tuple(scales),
        bound=weights.bound,
    )


def _fixed(
    layer: FloatConv, matrices: Sequence[Reals], scales: Sequence[float], config: EngineConfig
) -> tuple[float, ...]:
    """Weights of maps that are added unchanged, or averaged, at the accumulator's scale."""
    triples = zip(layer.sources, matrices, scales, strict=True)
    found = [np.unique(one[one != 0]) * scale for source, one, scale in triples if source.fixed]
    exact = np.unique(np.concatenate([*found, np.zeros(0)]))
    bits = (layer.scheme or Scheme.of(config)).bits
    if len(exact) >= 1 << bits and any(not source.fixed for source in layer.sources):
        raise ElsieError(
            f"layer {layer.name}: maps that are added unchanged take {len(exact)} weights of an "
            f"alphabet of {1 << bits}; use weights of more bits for it"
        )
    return tuple(exact.tolist())


def _check_fixed(
    layer: FloatConv,
    exact: Sequence[float],
    weights: Weights,
    scaled: Reals,
    config: EngineConfig,
) -> None:
    """Powers of two among the fixed weights must be values of the alphabet."""
    powers = [value for value in exact if np.frexp(value)[0] in (0.5, -0.5)]
    mine = np.isin(scaled, powers)
    if not np.array_equal(weights.values[mine], scaled[mine]):
        name = (layer.scheme or Scheme.of(config)).name
        raise ElsieError(
            f"layer {layer.name}: it adds a map unchanged or averages one, and {name} weights have "
            f"no value for that beside its others; use codebook, fixed or log weights for it"
        )


def _check_limit(layer: FloatConv, outputs: Reals) -> None:
    """A limit at which the engine does not saturate is kept where calibration never reaches it."""
    if layer.limit is not None and outputs.max(initial=0.0) > layer.limit:
        raise ElsieError(
            f"layer {layer.name}: outputs are limited to {layer.limit:g}, and calibration data "
            f"give up to {outputs.max():g}; train with Relu instead of a Clip"
        )


def columns(source: ConvSource) -> Reals:
    """Its columns of the layer's matrix, in golden's order: one for a mean of a channel."""
    return source.weight[:, :, 0, 0] if source.mean else source.matrix


def _with(sources: Sequence[ConvSource], matrices: Sequence[Reals]) -> tuple[ConvSource, ...]:
    """Sources with other columns."""
    found = []
    for source, matrix in zip(sources, matrices, strict=True):
        whole = matrix[:, :, None, None] if source.mean else matrix.reshape(source.weight.shape)
        found.append(replace(source, weight=np.array(np.broadcast_to(whole, source.weight.shape))))
    return tuple(found)


def convolution(layer: FloatConv, numbers: Sequence[int]) -> Convolution:
    """What golden knows of the layer; `numbers` of the layers that it reads, -1 for the inputs."""
    sources = tuple(
        Source(
            layer=number,
            kernel=source.weight.shape[2:],
            stride=source.stride,
            pad=source.pads[:2],
            depthwise=source.groups > 1 or source.mean,
            uniform=source.mean,
        )
        for source, number in zip(layer.sources, numbers, strict=True)
    )
    _, h, w = layer.shape
    return Convolution(
        sources=sources, shape=(h * layer.pool[0], w * layer.pool[1]), pool=layer.pool
    )


def _activity(layer: FloatConv, given: Signal, fracs: Sequence[int], config: EngineConfig) -> Reals:
    """How often a value of each channel of each source is not 0."""
    found = []
    for map_, frac in zip(layer.maps(given.values[given.seen]), fracs, strict=True):
        rounded = fake_quantise(map_, frac, act_width=config.act_width)
        found.append(np.mean(rounded != 0, axis=(0, 2, 3)))
    return np.concatenate(found)


def with_kernels(model: Model) -> Model:
    """The model with fully connected layers on maps as kernels that cover their map."""
    layers = list(model.layers)
    for number, layer in enumerate(layers):
        before = layers[max(0, number - 1)]
        if not isinstance(layer, FloatDense) or not isinstance(before, FloatConv):
            continue
        if before.shape[1:] != (1, 1):
            layers[number] = on_map(layer, before.shape)
    return replace(model, layers=tuple(layers))


def on_map(layer: FloatDense, shape: Shape) -> FloatConv:
    """A fully connected layer on the values of a map: a kernel that covers it."""
    weight = layer.weight.reshape(layer.n_out, *shape)
    source = ConvSource(weight=weight, shape=shape)
    return FloatConv(
        name=layer.name,
        sources=(source,),
        bias=layer.bias,
        activation=layer.activation,
        scheme=layer.scheme,
    )
