"""What nodes on maps become: how many layers, of which sources, and that they are right."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.elsie.compress.onnx.maps.graphs import agrees, build, geometry, maps, node, real

W = real(4, 2, 3, 3)
CONV = node("Conv", ["x", "w"], ["c"], name="c", pads=[1, 1, 1, 1])


def sources(folder: Path, *nodes: Any, shape: Any = (2, 6, 5), **arrays: Any) -> list[Any]:
    """Geometry of each layer's sources."""
    model = agrees(build(nodes, shape, **arrays), folder)
    return [[geometry(source) for source in layer.sources] for layer in maps(model)]


KERNELS = {
    "plain": ({}, (4, 2, 3, 3), ((4, 2, 3, 3), (1, 1), (0, 0, 0, 0), 1)),
    "asymmetric": (
        {"pads": [0, 2, 1, 1], "strides": [2, 1]},
        (4, 2, 3, 3),
        ((4, 2, 3, 3), (2, 1), (0, 2, 1, 1), 1),
    ),
    "dilated": (
        {"dilations": [2, 1], "pads": [2, 1, 2, 1]},
        (4, 2, 3, 3),
        ((4, 2, 5, 3), (1, 1), (2, 1, 2, 1), 1),
    ),
    "upper": (
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        (4, 2, 3, 3),
        ((4, 2, 3, 3), (2, 2), (0, 1, 1, 1), 1),
    ),
    "lower": (
        {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
        (4, 2, 3, 3),
        ((4, 2, 3, 3), (2, 2), (1, 1, 0, 1), 1),
    ),
    "valid": ({"auto_pad": "VALID"}, (4, 2, 3, 3), ((4, 2, 3, 3), (1, 1), (0, 0, 0, 0), 1)),
    "depthwise": ({"group": 2}, (2, 1, 3, 3), ((2, 1, 3, 3), (1, 1), (0, 0, 0, 0), 2)),
    "multiplier": ({"group": 2}, (6, 1, 3, 3), ((6, 1, 3, 3), (1, 1), (0, 0, 0, 0), 2)),
    "pointwise": ({}, (4, 2, 1, 1), ((4, 2, 1, 1), (1, 1), (0, 0, 0, 0), 1)),
    "one place": ({"strides": [7, 7]}, (4, 2, 6, 5), ((4, 2, 6, 5), (1, 1), (0, 0, 0, 0), 1)),
    "pads beyond the kernel": (
        {"pads": [1, 2, 1, 0]},
        (4, 2, 1, 1),
        ((4, 2, 3, 3), (1, 1), (2, 2, 2, 2), 1),
    ),
}


@pytest.mark.parametrize("case", KERNELS)
def test_convolutions(tmp_path: Path, case: str) -> None:
    given, shape, wanted = KERNELS[case]
    conv = node("Conv", ["x", "w", "b"], ["y"], **given)
    assert sources(tmp_path, conv, w=real(*shape), b=real(shape[0])) == [[wanted]]


def test_groups_are_zeros(tmp_path: Path) -> None:
    """Groups that are not one a channel: a kernel with zeros between them."""
    proto = build([node("Conv", ["x", "w"], ["y"], group=2)], (4, 6, 5), w=real(6, 2, 3, 3))
    (layer,) = maps(agrees(proto, tmp_path))
    kernel = layer.sources[0].weight
    assert kernel.shape == (6, 4, 3, 3)
    assert not kernel[:3, 2:].any()
    assert not kernel[3:, :2].any()
    assert np.count_nonzero(kernel) == 6 * 2 * 9


def test_one_dimension_is_rows(tmp_path: Path) -> None:
    conv = node("Conv", ["x", "w"], ["y"], pads=[2, 1], strides=[2])
    assert sources(tmp_path, conv, shape=(2, 9), w=real(4, 2, 5)) == [
        [((4, 2, 5, 1), (2, 1), (2, 0, 1, 0), 1)]
    ]
    flat = node("Conv", ["x", "w"], ["y"], pads=[0, 2, 0, 1])
    assert sources(tmp_path, flat, shape=(2, 1, 9), w=real(4, 2, 1, 5)) == [
        [((4, 2, 5, 1), (1, 1), (2, 0, 1, 0), 1)]
    ]


def test_one_dimension_of_two(tmp_path: Path) -> None:
    """As TensorFlow's Conv1D: an axis more for the convolution, and the bias behind it."""
    nodes = [
        *(node("Unsqueeze", ["x", "two"], ["u"]), node("Conv", ["u", "w"], ["c"], strides=[1, 2])),
        *(node("Squeeze", ["c", "two"], ["s"]), node("Transpose", ["s"], ["t"], perm=[0, 2, 1])),
        *(node("Add", ["t", "b"], ["a"]), node("Relu", ["a"], ["r"])),
        node("Transpose", ["r"], ["y"], perm=[0, 2, 1]),
    ]
    proto = build(nodes, (2, 9), w=real(4, 2, 1, 3), b=real(4), two=np.array([2]))
    (layer,) = maps(agrees(proto, tmp_path))
    assert (layer.shape, layer.activation) == ((4, 4, 1), "relu")


def norm(given: str, out: str) -> Any:
    return node("BatchNormalization", [given, "g", "h", "m", "v"], [out])


NORM = {"g": real(4, seed=2), "h": real(4, seed=3), "m": real(4, seed=4), "v": real(4) ** 2 + 0.3}
ONE_LAYER = {
    "norm and relu": [CONV, norm("c", "n"), node("Relu", ["n"], ["y"])],
    "scaled": [CONV, node("Mul", ["c", "k"], ["d"]), node("Add", ["k", "d"], ["y"])],
    "pool and relu": [
        *(CONV, node("MaxPool", ["c"], ["p"], kernel_shape=[2, 2], strides=[2, 2])),
        node("Relu", ["p"], ["y"]),
    ],
    "relu and pool": [
        *(CONV, node("Relu", ["c"], ["r"])),
        node("MaxPool", ["r"], ["y"], kernel_shape=[3, 2], strides=[3, 2]),
    ],
    "channels last": [
        *(CONV, node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1]), node("Relu", ["t"], ["r"])),
        node("Transpose", ["r"], ["y"], perm=[0, 3, 1, 2]),
    ],
    "clip": [CONV, node("Clip", ["c", "zero", "six"], ["y"])],
    "relu6 of keras": [CONV, node("Relu", ["c"], ["r"]), node("Min", ["r", "six"], ["y"])],
    "max and min": [CONV, node("Max", ["zero", "c"], ["r"]), node("Min", ["r", "six"], ["y"])],
    "pad": [
        node("Pad", ["x", "around"], ["p"]),
        node("Conv", ["p", "w"], ["y"]),
    ],
    "nothing": [
        *(CONV, node("Identity", ["c"], ["i"]), node("Dropout", ["i"], ["d"])),
        *(node("Cast", ["d"], ["f"], to=1), node("Relu", ["f"], ["y"])),
    ],
    "relu twice": [CONV, node("Relu", ["c"], ["r"]), node("Relu", ["r"], ["y"])],
    "subtracted itself": [CONV, node("Sub", ["c", "x2"], ["y"])],
}


@pytest.mark.parametrize("case", ONE_LAYER)
def test_one_layer(tmp_path: Path, case: str) -> None:
    nodes = ONE_LAYER[case]
    if case == "subtracted itself":
        nodes = [node("Conv", ["x", "e"], ["x2"]), *nodes]
    constants = {
        **{"zero": 0.0, "six": 0.4, "k": NORM["g"].reshape(4, 1, 1)},
        **{"around": np.array([0, 0, 1, 0, 0, 0, 0, 2]), "e": real(4, 2, 1, 1), **NORM},
    }
    model = agrees(build(nodes, (2, 6, 5), w=W, **constants), tmp_path)
    assert len(model.layers) == 1
    assert model.chain or case == "subtracted itself"
    (layer,) = maps(model)
    assert layer.limit == (0.4 if case in ("clip", "relu6 of keras", "max and min") else None) or (
        layer.limit == pytest.approx(0.4)
    )


def test_residual_is_a_source(tmp_path: Path) -> None:
    """As ResNet: two convolutions, a shortcut with stride 2, and one that is the map itself."""
    nodes = [
        *(node("Conv", ["x", "a"], ["s"], strides=[2, 2]), CONV, node("Relu", ["c"], ["r"])),
        node("Conv", ["r", "b"], ["d"], strides=[2, 2], pads=[1, 1, 1, 1]),
        *(node("Add", ["d", "s"], ["t"]), node("Relu", ["t"], ["u"])),
        node("Conv", ["u", "f"], ["e"], pads=[1, 1, 1, 1], name="e"),
        *(node("Add", ["u", "e"], ["z"], name="z"), node("Relu", ["z"], ["y"])),
    ]
    arrays = {"a": real(4, 2, 1, 1), "b": real(4, 4, 3, 3), "f": real(4, 4, 3, 3, seed=5)}
    model = agrees(build(nodes, (2, 6, 6), w=W, **arrays), tmp_path)
    assert [model.taken(n) for n in range(1, 4)] == [(0,), (1, 0), (2, 2)]
    last = maps(model)[-1]
    assert [source.fixed for source in last.sources] == [False, True]
    assert geometry(last.sources[1]) == ((4, 1, 1, 1), (1, 1), (0, 0, 0, 0), 4)
    assert np.all(last.sources[1].weight == 1)


def test_a_sum_that_is_used_twice_is_a_layer(tmp_path: Path) -> None:
    """As in networks that normalise before the convolution: its own layer each."""
    nodes = [
        *(CONV, norm("c", "n"), node("Relu", ["n"], ["r"])),
        node("Conv", ["r", "b"], ["d"], pads=[1, 1, 1, 1]),
        *(node("Add", ["c", "d"], ["t"]), node("Relu", ["t"], ["y"])),
    ]
    model = agrees(build(nodes, (2, 6, 5), w=W, b=real(4, 4, 3, 3), **NORM), tmp_path)
    assert [model.taken(n) for n in range(1, 4)] == [(0,), (1,), (2, 1)]
    assert "node r (Relu) does not follow a Conv: it is a layer of its own" in model.notes[0]


def test_joined_channels_are_sources(tmp_path: Path) -> None:
    """A kernel takes each part; nothing is computed for the Concat."""
    nodes = [
        *(CONV, node("Relu", ["c"], ["r"]), node("Conv", ["r", "b"], ["d"], pads=[1, 1, 1, 1])),
        *(node("Relu", ["d"], ["s"]), node("Concat", ["r", "s"], ["j"], axis=1)),
        node("Conv", ["j", "f"], ["y"]),
    ]
    model = agrees(build(nodes, (2, 6, 5), w=W, b=real(3, 4, 3, 3), f=real(2, 7, 2, 2)), tmp_path)
    assert [model.taken(n) for n in range(1, 4)] == [(0,), (1,), (1, 2)]
    assert [source.shape[0] for source in maps(model)[-1].sources] == [4, 3]


def test_convolutions_of_one_map_are_one_layer(tmp_path: Path) -> None:
    """As Inception: kernels of several sizes side by side, and a function behind them."""
    nodes = [
        *(CONV, node("Conv", ["x", "a"], ["d"]), node("Concat", ["c", "d"], ["j"], axis=1)),
        node("Relu", ["j"], ["y"]),
    ]
    model = agrees(build(nodes, (2, 6, 5), w=W, a=real(3, 2, 1, 1)), tmp_path)
    assert model.sources == {1: (0, 0)}
    assert maps(model)[0].shape == (7, 6, 5)


def test_many_sources_are_added_in_steps(tmp_path: Path) -> None:
    nodes, names = [], []
    for n in range(6):
        nodes += [node("Conv", ["x", f"w{n}"], [f"c{n}"], pads=[n % 2] * 4, dilations=[1, 1])]
        names.append(f"c{n}")
    nodes.append(node("Concat", names, ["y"], axis=1))
    arrays = {f"w{n}": real(1, 2, 1 + 2 * (n % 2), 1 + 2 * (n % 2), seed=n) for n in range(6)}
    model = agrees(build(nodes, (2, 6, 5), **arrays), tmp_path)
    assert len(model.layers) == 1  # of one geometry: one kernel
    assert len(maps(model)[0].sources) == 2
    nodes, values = [], ["x"]
    for n in range(5):
        nodes += [
            node("Conv", [values[-1], f"k{n}"], [f"c{n}"]),
            node("Relu", [f"c{n}"], [f"r{n}"]),
        ]
        values.append(f"r{n}")
    nodes.append(node("Sum", values, ["y"]))
    model = agrees(
        build(nodes, (2, 6, 5), **{f"k{n}": real(2, 2, 1, 1, seed=n) for n in range(5)}), tmp_path
    )
    assert [model.taken(n) for n in (6, 7)] == [(0, 1, 2, 3), (6, 4, 5)]


@pytest.mark.parametrize("form", ["global", "whole", "reduce", "last"])
def test_averages_are_powers_of_two(tmp_path: Path, form: str) -> None:
    """The weights of the average; the rest is in those behind it."""
    first, axes = [CONV, node("Relu", ["c"], ["r"])], np.array([2, 3])
    if form == "last":
        first.append(node("Transpose", ["r"], ["t"], perm=[0, 2, 3, 1]))
        axes = np.array([1, 2])
    middle = {
        "global": [node("GlobalAveragePool", ["r"], ["p"]), node("Flatten", ["p"], ["q"])],
        "whole": [
            node("AveragePool", ["r"], ["p"], kernel_shape=[6, 5], strides=[6, 5]),
            node("Flatten", ["p"], ["q"]),
        ],
        "reduce": [node("ReduceMean", ["r", "axes"], ["q"], keepdims=0)],
        "last": [node("ReduceMean", ["t", "axes"], ["q"], keepdims=0)],
    }[form]
    nodes = [*first, *middle, node("Gemm", ["q", "d"], ["y"])]
    model = agrees(build(nodes, (2, 6, 5), w=W, d=real(4, 3), axes=axes), tmp_path)
    (source,) = maps(model)[1].sources
    assert source.mean
    assert geometry(source) == ((4, 1, 6, 5), (1, 1), (0, 0, 0, 0), 4)
    assert np.all(source.weight == 1 / 32)
    assert np.allclose(model.layers[-1].parameters()[0], real(4, 3).astype(np.float32).T * 32 / 30)


def test_values_of_a_map_in_order(tmp_path: Path) -> None:
    """Flattened channels first or last: columns of the fully connected layer."""
    for moves, given in (
        ([node("Flatten", ["c"], ["f"])], "c"),
        (
            [
                node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1]),
                node("Reshape", ["t", "to"], ["f"]),
            ],
            "t",
        ),
    ):
        nodes = [CONV, *moves, node("MatMul", ["f", "d"], ["y"])]
        proto = build(nodes, (2, 6, 5), w=W, d=real(120, 3), to=np.array([-1, 120]))
        model = agrees(proto, tmp_path)
        assert len(model.layers) == 2, given


def test_inputs_with_channels_last(tmp_path: Path) -> None:
    """As tf2onnx writes them: the model says where each input is."""
    nodes = [
        node("Sub", ["x", "mean"], ["s"]),
        node("Div", ["s", "spread"], ["v"]),
        node("Transpose", ["v"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "w"], ["c"], strides=[2, 2]),
        *(node("Relu", ["c"], ["r"]), node("Transpose", ["r"], ["u"], perm=[0, 2, 3, 1])),
        *(node("ReduceMean", ["u", "axes"], ["m"], keepdims=0), node("MatMul", ["m", "d"], ["g"])),
        *(node("Add", ["g", "e"], ["l"]), node("Softmax", ["l"], ["p"])),
    ]
    arrays = {"mean": real(2), "spread": real(2, seed=2) ** 2 + 0.5, "axes": np.array([1, 2])}
    proto = build(nodes[:-1], (6, 5, 2), output="l", w=W, d=real(4, 3), e=real(3), **arrays)
    model = agrees(proto, tmp_path)
    assert len(model.layers) == 3
    assert model.order is not None
    assert (
        model.order.tolist() == np.arange(60).reshape(6, 5, 2).transpose(2, 0, 1).ravel().tolist()
    )


def test_shifted_inputs_with_pads(tmp_path: Path) -> None:
    """Zeros around the shifted map are no zeros of the inputs: the shift is a layer of its own."""
    nodes = [
        node("Sub", ["x", "k"], ["s"], name="s"),
        node("Conv", ["s", "w"], ["y"], pads=[1] * 4),
    ]
    shift = real(2, 1, 1)
    model = agrees(build(nodes, (2, 6, 5), w=W, k=shift), tmp_path)
    assert len(model.layers) == 2
    assert np.allclose(maps(model)[0].bias, -shift.ravel())
    scaled = [node("Mul", ["x", "k"], ["s"]), node("Conv", ["s", "w"], ["y"], pads=[1] * 4)]
    assert len(agrees(build(scaled, (2, 6, 5), w=W, k=shift), tmp_path).layers) == 1


def test_pools_behind_a_map_that_others_take(tmp_path: Path) -> None:
    """The unpooled map is needed, so that the maximum is a layer of its own."""
    nodes = [
        *(CONV, node("Relu", ["c"], ["r"])),
        node("MaxPool", ["r"], ["p"], kernel_shape=[2, 1], strides=[2, 1]),
        node("Conv", ["r", "b"], ["d"], strides=[2, 1]),
        node("Add", ["p", "d"], ["y"]),
    ]
    model = agrees(build(nodes, (2, 6, 5), w=W, b=real(4, 4, 1, 1)), tmp_path)
    assert [layer.pool for layer in maps(model)] == [(1, 1), (2, 1), (1, 1)]
    assert maps(model)[1].sources[0].fixed


def test_channels_are_chosen_by_the_kernel(tmp_path: Path) -> None:
    """Split, shuffle and join again: a kernel with its channels in another order."""
    nodes = [
        *(
            CONV,
            node("Relu", ["c"], ["r"]),
            node("Split", ["r"], ["a", "b"], axis=1, num_outputs=2),
        ),
        *(node("Concat", ["b", "a"], ["j"], axis=1), node("Conv", ["j", "f"], ["y"])),
    ]
    model = agrees(build(nodes, (2, 6, 5), w=W, f=real(3, 4, 3, 3)), tmp_path)
    assert len(model.layers) == 2
    assert len(maps(model)[1].sources) == 1
