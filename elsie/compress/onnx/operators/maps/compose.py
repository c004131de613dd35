"""A convolution of picked, scaled and shifted channels as one of the maps that have them."""

import numpy as np
from onnx import NodeProto

from elsie.compress.model.conv import ConvSource, ungrouped
from elsie.compress.onnx.operators.maps.form import Map, Term, made
from elsie.compress.onnx.values import Reals


def composed(
    node: NodeProto,
    data: Map,
    kernel: Reals,
    groups: int,
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
) -> Map:
    """A convolution of picked, scaled and shifted channels, as one of the maps that have them."""
    channels = data.shape[0]
    if groups not in (1, channels):
        kernel, groups = ungrouped(kernel, groups), 1
    terms = []
    for term in data.terms:
        weight, own = term.source.weight[:, :, 0, 0], groups
        if weight.shape[1] == 1 and term.source.shape[0] == channels:  # a number a channel
            scale = np.repeat(weight, len(kernel) // groups, axis=0) if groups > 1 else weight.T
            mixed = kernel * scale[:, :, None, None]
        else:
            mixed, own = np.einsum("ochw,cd->odhw", ungrouped(kernel, groups), weight), 1
        source = ConvSource(
            weight=mixed, shape=term.source.shape, stride=stride, pads=pads, groups=own
        )
        terms.append(Term(stage=term.stage, source=source))
    sums = kernel.sum(axis=(2, 3))
    each = np.repeat(data.bias, len(kernel) // groups)
    bias = each * sums[:, 0] if groups > 1 else sums @ data.bias
    shape = (len(kernel), *terms[0].source.size)
    return made(node, terms, bias, shape=shape, order=data.order)
