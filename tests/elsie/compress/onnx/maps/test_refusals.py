"""What is refused on maps: one sentence with the file, the node, and the way out."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError
from tests.elsie.compress.onnx.maps.graphs import build, node, real


def conv(given: str = "x", out: str = "y", weight: str = "w", **attributes: Any) -> Any:
    return node("Conv", [given, weight], [out], name="c", **attributes)


def pool(kind: str = "MaxPool", given: str = "x", **attributes: Any) -> Any:
    size = attributes.pop("size", [2, 2])
    return node(kind, [given], ["y"], name="p", kernel_shape=size, **attributes)


def pads(*ends: int, given: str = "x", out: str = "p", **attributes: Any) -> Any:
    del ends
    return node("Pad", [given, "ends"], [out], name="p", **attributes)


ARRAYS: dict[str, Any] = {
    **{"w": real(4, 2, 3, 3), "wide": real(4, 2, 12, 1), "deep": real(4, 2, 3, 3, 3)},
    **{"flat": real(4, 2), "line": real(4, 2, 3), "b": real(3), "k": real(2, 8, 8)},
    **{"d": real(128, 128), "channels": real(2, 1, 1), "two": np.array([2]), "six": 6.0},
    **{"one": 1.0, "low": -1.0, "ends": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "zero": 0.0},
    **{"less": np.array([0, 0, -1, 0, 0, 0, 0, 0]), "more": np.array([0, 1, 0, 0, 0, 0, 0, 0])},
    **{"samples": np.array([1, 0, 0, 0, 0, 0, 0, 0]), "map": np.array([-1, 2, 8, 8])},
    **{"mixed": np.array([-1, 8, 4, 4]), "spatial": np.array([1, 2]), "rows": np.array([4])},
    **{"begin": np.array([1]), "end": np.array([7]), "axis": np.array([2])},
}
CASES: dict[str, tuple[list[Any], str]] = {
    "stride": ([conv(strides=[3, 1])], "has strides 3 x 1; only 1, 2 and 4 are possible; use"),
    "kernel": (
        [conv(weight="wide", pads=[4, 0, 4, 0])],
        "has a kernel of 12 x 1 places, dilation and pads included, and at most 11 x 11 are",
    ),
    "dilation": (
        [conv(dilations=[6, 1], pads=[6, 0, 6, 0])],
        "has a kernel of 13 x 3 places, dilation and pads included",
    ),
    "three dimensions": ([conv(weight="deep")], "only 1-D and 2-D convolutions are possible"),
    "matrix": ([conv(weight="flat")], "has a weight of shape (4, 2); only 1-D and 2-D"),
    "one dimension": ([conv(weight="line")], "and has a kernel of 1 axes; its input must be"),
    "kernel_shape": ([conv(kernel_shape=[2, 3])], "and kernel_shape [2, 3]; export the model"),
    "groups": ([conv(group=2)], "in 2 groups, but its input has 2 channels"),
    "no groups": ([conv(group=0)], "in 0 groups, but its input has 2 channels"),
    "larger than the map": ([conv(dilations=[4, 4])], "has a kernel of 9 places on a map of 8"),
    "negative pads": ([conv(pads=[-1, 0, 0, 0])], "has pads [-1, 0, 0, 0], and it needs 4 numbers"),
    "auto_pad": ([conv(auto_pad="ALL")], "has auto_pad=ALL; export it with pads"),
    "both pads": (
        [conv(auto_pad="SAME_UPPER", pads=[1, 1, 1, 1])],
        "has both pads and auto_pad; export the model again",
    ),
    "weight of data": (
        [node("Conv", ["x", "x"], ["y"], name="c")],
        "needs a constant weight, but its input x is computed from the data",
    ),
    "data as weight": (
        [node("Conv", ["w", "x"], ["y"], name="c")],
        "has its weight as input; export it as Conv(data, weight)",
    ),
    "bias": ([node("Conv", ["x", "w", "b"], ["y"], name="c")], "has a bias of shape (3,), but 4"),
    "overlapping pool": (
        [pool(size=[3, 3], strides=[2, 2])],
        "has windows that overlap or leave gaps (size/stride 3/2 x 3/2); use strides as large",
    ),
    "padded pool": ([pool(strides=[2, 2], pads=[1, 0, 1, 0])], "has pads, so that windows reach"),
    "large pool": (
        [pool(size=[8, 8], strides=[8, 8])],
        "takes the largest of more than 4 x 4 places; use smaller windows, or an average",
    ),
    "ceiling": (
        [pool(size=[3, 3], strides=[3, 3], ceil_mode=1)],
        "has ceil_mode=1, and its last windows reach over the end of the map; use ceil_mode=0",
    ),
    "pool with gaps": ([pool(strides=[2, 2], dilations=[2, 2])], "has dilations; only windows"),
    "places": (
        [node("MaxPool", ["x"], ["y", "i"], name="p", kernel_shape=[2, 2], strides=[2, 2])],
        "gives the places of what it takes, which no layer does",
    ),
    "global maximum": (
        [node("GlobalMaxPool", ["x"], ["y"], name="p")],
        "takes the largest of a whole map; use GlobalAveragePool, or MaxPool of small windows",
    ),
    "pads that do not count": (
        [pool("AveragePool", pads=[1, 1, 1, 1])],
        "has pads that do not count (count_include_pad=0), so that its windows at the border",
    ),
    "stride of an average": (
        [pool("AveragePool", size=[3, 3], strides=[3, 3])],
        "has strides 3 x 3; only 1, 2 and 4 are possible; use those",
    ),
    "one axis less": ([pool(size=[2])], "has a window of 1 axes on a map of rank 4"),
    "average of channels": (
        [conv(out="c"), node("ReduceMean", ["c", "spatial"], ["y"], name="m")],
        "averages over more or other axes than rows and columns; average over those",
    ),
    "mode": ([pads(mode="reflect"), conv("p")], "has mode reflect; only zeros can be put around"),
    "value": (
        [node("Pad", ["x", "ends", "one"], ["p"], name="p"), conv("p")],
        "puts other values than 0 around a map; only zeros are possible",
    ),
    "cut": ([node("Pad", ["x", "less"], ["p"], name="p"), conv("p")], "has pads [0, 0, -1, 0"),
    "channels of zeros": (
        [node("Pad", ["x", "more"], ["p"]), conv("p", weight="w")],
        "its input must be (samples, channels, rows, columns)",
    ),
    "samples of zeros": (
        [node("Pad", ["x", "samples"], ["p"], name="p"), conv("p")],
        "puts samples of zeros around the data",
    ),
    "tanh": (
        [conv(out="c"), node("Tanh", ["c"], ["y"], name="t")],
        "stands behind a convolution, where only Relu and Clip from 0 are possible; train with",
    ),
    "leaky": (
        [conv(out="c"), node("LeakyRelu", ["c"], ["y"], name="t")],
        "stands behind a convolution, where only Relu and Clip from 0 are possible; train with",
    ),
    "clip from below 0": (
        [conv(out="c"), node("Clip", ["c", "low", "one"], ["y"], name="l")],
        "has the lower limit -1; behind a convolution, values can be limited from 0 to a positive",
    ),
    "clip without a lower limit": (
        [conv(out="c"), node("Clip", ["c", "", "six"], ["y"], name="l")],
        "has no lower limit; behind a convolution",
    ),
    "clip to 0": (
        [conv(out="c"), node("Clip", ["c", "zero", "zero"], ["y"], name="l")],
        "has the upper limit 0; behind a convolution",
    ),
    "limits of channels": (
        [conv(out="c", weight="w"), node("Max", ["c", "k2"], ["y"], name="l")],
        "has limits of shape (4, 1, 1)",
    ),
    "two maps compared": (
        [conv(out="c"), node("Max", ["c", "c"], ["y"], name="l")],
        "compares two values of the data, which no layer does",
    ),
    "product": (
        [conv(out="c"), node("Relu", ["c"], ["r"]), node("Mul", ["r", "c"], ["y"], name="m")],
        "multiplies or divides two values of the data (a gate, SiLU, softmax or attention)",
    ),
    "sum of shapes": (
        [conv(out="c"), node("GlobalAveragePool", ["c"], ["g"]), node("Add", ["c", "g"], ["y"])],
        "adds values of different shapes; only maps of the same shape can be added",
    ),
    "joined rows": (
        [conv(out="c"), conv(out="e"), node("Concat", ["c", "e"], ["y"], name="j", axis=2)],
        "joins maps along another axis than the channels, or of different sizes",
    ),
    "joined with a constant": (
        [conv(out="c"), node("Concat", ["c", "w4"], ["y"], name="j", axis=1)],
        "joins maps and constants; only maps can be joined",
    ),
    "each place its own scale": (
        [node("Mul", ["x", "k"], ["m"]), conv("m")],
        "takes a map that is scaled or shifted by another number at each place",
    ),
    "mixed": (
        [conv(out="c", pads=[1, 1, 1, 1]), node("Reshape", ["c", "wrong"], ["m"]), conv("m")],
        "takes a map whose channels, rows and columns were mixed by what comes before it",
    ),
    "a part of the rows": (
        [
            *(conv(out="c"), node("Relu", ["c"], ["r"])),
            *(node("Slice", ["r", "begin", "end", "axis"], ["s"]), conv("s", weight="w4k")),
        ],
        "takes a part of a map's rows, or turns them; export the model without it",
    ),
    "behind a fully connected layer": (
        [
            *(node("Flatten", ["x"], ["f"]), node("MatMul", ["f", "d"], ["g"])),
            *(node("Relu", ["g"], ["r"]), node("Reshape", ["r", "map"], ["m"]), conv("m")),
        ],
        "takes outputs of a fully connected layer as a map, which no layer does; put fully",
    ),
    "channels last at the end": (
        [conv(out="c"), node("Transpose", ["c"], ["y"], name="t", perm=[0, 2, 3, 1])],
        "gives a map whose channels are not first, and no layer moves values",
    ),
    "resized": (
        [conv(out="c"), node("Resize", ["c", "", "", "map"], ["y"], name="r")],
        "is for maps, but not one of the operators on them that are possible",
    ),
    "transposed convolution": (
        [node("ConvTranspose", ["x", "w"], ["y"], name="r")],
        "is for maps, but not one of the operators on them that are possible",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused(tmp_path: Path, case: str) -> None:
    nodes, text = CASES[case]
    arrays = {
        **ARRAYS,
        **{"k2": real(4, 1, 1), "w4": real(1, 4, 6, 6), "w4k": real(3, 4, 3, 3)},
        "wrong": np.array([-1, 2, 16, 8]),
    }
    assert text in refused(build(nodes, (2, 8, 8), **arrays), tmp_path)


def refused(proto: Any, folder: Path) -> str:
    """The sentence."""
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ElsieError, match=re.escape(str(path))) as caught:
        load_onnx(path)
    assert "\n" not in str(caught.value)
    assert "fault of Elsie" not in str(caught.value)
    return str(caught.value)


def test_open_sizes(tmp_path: Path) -> None:
    proto = build([conv()], ("c", "h", "w"), w=real(4, 2, 3, 3))
    for dim in proto.graph.input[0].type.tensor_type.shape.dim[1:]:
        dim.dim_param = "open"
    assert "takes maps whose size the file leaves open; export" in refused(proto, tmp_path)


def test_beside_recurrent_layers(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "k"], ["c"], name="c"),
        node("LSTM", ["c", "lw", "lr"], ["", "h"], hidden_size=3),
        node("Squeeze", ["h", "zero"], ["y"]),
    ]
    arrays = {"k": real(5, 5, 1), "lw": real(1, 12, 4), "lr": real(1, 12, 3)}
    proto = build(nodes, (5, 4), zero=np.array([0]), **arrays)
    assert "without steps of LSTM or GRU layers" in refused(proto, tmp_path)


def test_a_function_of_a_large_map(tmp_path: Path) -> None:
    """Flattened, so that it would be a matrix of all values by all values."""
    nodes = [
        *(conv(out="c", pads=[1, 1, 1, 1]), node("Flatten", ["c"], ["f"])),
        node("Tanh", ["f"], ["y"], name="t"),
    ]
    proto = build(nodes, (2, 64, 64), w=real(4, 2, 3, 3))
    assert "node t (Tanh) needs a fully connected layer of 16384 x 16384" in refused(
        proto, tmp_path
    )
