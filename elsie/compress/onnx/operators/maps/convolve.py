"""Conv."""

from collections.abc import Mapping
from dataclasses import replace

from onnx import NodeProto

from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.maps.compose import composed
from elsie.compress.onnx.operators.maps.form import Map, close
from elsie.compress.onnx.operators.maps.padded import Padded
from elsie.compress.onnx.operators.maps.view import view
from elsie.compress.onnx.operators.maps.window import check, lines, placed
from elsie.compress.onnx.values import Data, Reals


def conv(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Conv, of one or two dimensions."""
    if not isinstance(importer.value(node, node.input[0]), Data):
        importer.refuse(node, "has its weight as input; export it as Conv(data, weight)")
    weight = importer.constant(node, 1, "weight")
    if weight.ndim not in (3, 4):
        importer.refuse(
            node,
            f"has a weight of shape {weight.shape}; only 1-D and 2-D convolutions are possible, "
            f"with weights of 3 or 4 axes",
        )
    kernel = attributes(node).get("kernel_shape", weight.shape[2:])
    if tuple(kernel) != weight.shape[2:] or not weight.size:
        importer.refuse(
            node,
            f"has a weight of shape {weight.shape} and kernel_shape {list(kernel)}; export the "
            f"model again",
        )
    made = convolve(importer, node, data, weight, attributes(node).get("group", 1))
    if len(node.input) < 3 or not node.input[2]:
        return made
    bias = importer.constant(node, 2, "bias")
    if bias.shape != (len(weight),):
        importer.refuse(
            node,
            f"has a bias of shape {bias.shape}, but {len(weight)} channels; export the model again",
        )
    return replace(made, bias=made.bias + bias)


def convolve(
    importer: Importer,
    node: NodeProto,
    data: Data,
    weight: Reals,
    groups: int,
    *,
    whole: bool = False,
) -> Map:
    """The convolution of a map with a weight (out, in / groups, *kernel) of 3 or 4 axes.

    whole: the kernel covers the map, so that it may be of any size.
    """
    inner, pads = (data.inner, data.pads) if isinstance(data, Padded) else (data, None)
    found = view(importer, node, inner)
    pads = pads or ((0, 0),) * len(found.order)
    if len(found.order) != weight.ndim - 1 or found.order[0] != 0 or pads[0] != (0, 0):
        importer.refuse(
            node,
            f"takes a map with axes (samples, {', '.join(_AXES[n] for n in found.order)}) and has "
            f"a kernel of {weight.ndim - 2} axes; its input must be (samples, channels, rows, "
            f"columns) or (samples, channels, steps)",
        )
    if groups < 1 or weight.shape[1] * groups != found.shape[0] or len(weight) % groups:
        importer.refuse(
            node,
            f"has a weight of shape {weight.shape} in {groups} groups, but its input has "
            f"{found.shape[0]} channels; export the model again",
        )
    sizes = [found.shape[n] for n in found.order[1:]]
    window = lines(importer, node, sizes, weight.shape[2:], pads[1:])
    kernel, stride, around = placed(weight, window, found)
    if not whole:
        check(importer, node, kernel, stride)
    if not found.folds or (found.bias.any() and any(around)):
        found = view(importer, node, close(importer, node, found))
    return composed(node, found, kernel, groups, stride, around)


_AXES = ("channels", "rows", "columns")


CONVOLUTIONS: Mapping[str, Handler] = {f"{form}Conv": conv for form in ("", "map ", "padded ")}
"""By operator name, behind the form of the data that it takes."""
