"""What joins maps: sums of several, and channels of several side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import NodeProto

from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.elementwise import ELEMENTWISE, PRODUCT
from elsie.compress.onnx.operators.maps.form import Map, Term, made
from elsie.compress.onnx.operators.maps.moves import scaled
from elsie.compress.onnx.operators.maps.view import view
from elsie.compress.onnx.values import Data


def _operands(importer: Importer, node: NodeProto) -> tuple[list[Any], list[Data]]:
    sides = [importer.value(node, name) for name in node.input]
    return sides, [side for side in sides if isinstance(side, Data)]


def _add(importer: Importer, node: NodeProto, data: Data) -> Any:
    """Add and Sub of two maps, or of a map and a constant."""
    _, found = _operands(importer, node)
    if len(found) < 2:
        return scaled(importer, node, data)
    if attributes(node).get("axis") is not None:
        importer.refuse(node, "has an axis, as before opset 7; export it with a newer opset")
    sign = -1.0 if node.op_type == "Sub" else 1.0
    return _total(importer, node, (1.0, sign))


def _several(importer: Importer, node: NodeProto, data: Data) -> Any:
    """Sum and Mean of maps."""
    sides, found = _operands(importer, node)
    if len(found) == 1:
        return (
            importer.settle(node, data)
            if data.form
            else ELEMENTWISE[node.op_type](importer, node, data)
        )
    if len(found) < len(sides):
        importer.refuse(node, "adds maps and constants; add the constants by themselves")
    share = 1.0 / len(sides) if node.op_type == "Mean" else 1.0
    return _total(importer, node, (share,) * len(sides))


def _views(importer: Importer, node: NodeProto) -> list[Map]:
    """The inputs; each is looked up when its turn is there, as the first may order the inputs."""
    return [view(importer, node, importer.value(node, name)) for name in node.input]


def _total(importer: Importer, node: NodeProto, factors: Sequence[float]) -> Map:
    """Maps, each times a number, added: the sources of one layer."""
    maps = _views(importer, node)
    first = max(maps, key=lambda each: sum(n > 1 for n in each.shape))
    aligned = []
    for each, factor in zip(maps, factors, strict=True):
        if each.shape != first.shape or _line(each) != _line(first):
            importer.refuse(
                node, "adds values of different shapes; only maps of the same shape can be added"
            )
        channels = each.shape[0]
        aligned.append(each.scaled(np.full(channels, factor), np.zeros(channels)))
    terms = [term for each in aligned for term in each.terms]
    bias = sum((each.bias for each in aligned), np.zeros(first.shape[0]))
    node_of = next((m.affine.node for m in maps if not m.folds), node)
    return made(node_of or node, terms, bias, shape=first.shape, order=first.order)


def _line(data: Map) -> list[int]:
    """What the axes are that are more than one place long."""
    return [n for n in data.order if data.shape[n] > 1]


def _join(importer: Importer, node: NodeProto, data: Data) -> Any:
    """Concat of channels: a sum of maps that each give some of them."""
    sides, found = _operands(importer, node)
    if len(found) < len(sides):
        importer.refuse(node, "joins maps and constants; only maps can be joined")
    maps = _views(importer, node)
    rank, axis = len(data.axes), attributes(node).get("axis", 1)
    places = {each.order[axis % rank - 1] if axis % rank else None for each in maps}
    alike = all(
        each.shape[1:] == maps[0].shape[1:] and len(each.order) == rank - 1 for each in maps
    )
    if places != {0} or not alike:
        importer.refuse(
            node,
            "joins maps along another axis than the channels, or of different sizes; join channels "
            "of maps of one size",
        )
    channels = sum(each.shape[0] for each in maps)
    terms, begin = [], 0
    for each in maps:
        for term in each.terms:
            weight = term.source.full
            rows = (begin, channels - begin - each.shape[0])
            placed = np.pad(weight, (rows, (0, 0), (0, 0), (0, 0)))
            terms.append(
                Term(stage=term.stage, source=replace(term.source, weight=placed, groups=1))
            )
        begin += each.shape[0]
    first = maps[0]
    return made(
        node,
        terms,
        np.concatenate([each.bias for each in maps]),
        shape=(channels, *first.shape[1:]),
        order=first.order,
        folds=all(each.folds for each in maps),
    )


def _product(importer: Importer, node: NodeProto, data: Data) -> Any:
    """Mul and Div by a constant."""
    if len(_operands(importer, node)[1]) > 1:
        importer.refuse(node, PRODUCT)
    return scaled(importer, node, data)


JOINS: Mapping[str, Handler] = {
    **{f"map {kind}": _add for kind in ("Add", "Sub")},
    **{f"map {kind}": _several for kind in ("Sum", "Mean")},
    **{f"map {kind}": _product for kind in ("Mul", "Div")},
    "map Concat": _join,
}
"""By operator name, behind the form of the data that it takes."""
