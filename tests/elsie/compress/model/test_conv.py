"""The float convolution against plain loops, and what it refuses."""

from typing import Any

import numpy as np
import pytest

from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from golden.errors import ElsieError


def loops(source: ConvSource, x: np.ndarray) -> np.ndarray:
    """Every product by itself: of a map (channels, rows, columns)."""
    (channels, h, w), (sy, sx), (top, left) = source.shape, source.stride, source.pads[:2]
    out, each, kh, kw = source.weight.shape
    rows, columns = source.size
    sums = np.zeros((out, rows, columns))
    for o, y, u, i, ky, kx in np.ndindex(out, rows, columns, each, kh, kw):
        c = i if source.groups == 1 else o // (out // channels)
        at = y * sy - top + ky, u * sx - left + kx
        if 0 <= at[0] < h and 0 <= at[1] < w:
            sums[o, y, u] += source.weight[o, i, ky, kx] * x[c, at[0], at[1]]
    return sums


def source(rng: np.random.Generator, *, channels: int, out: int, groups: int = 1) -> ConvSource:
    """One of any geometry; the size of its result is what it is."""
    kernel = rng.integers(1, 4, 2)
    h, w, top, left, bottom, right = (int(n) for n in rng.integers(0, 3, 6))
    return ConvSource(
        weight=rng.normal(size=(out, channels // groups, *kernel)),
        shape=(channels, h + 4, w + 4),
        stride=(int(rng.integers(1, 3)), int(rng.integers(1, 3))),
        pads=(top, left, bottom, right),
        groups=groups,
    )


@pytest.mark.parametrize("seed", range(12))
def test_equals_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 4))
    groups = channels if seed % 3 == 0 else 1
    one = source(rng, channels=channels, out=groups * int(rng.integers(1, 3)), groups=groups)
    pool = tuple(min(int(n), size) for n, size in zip(rng.integers(1, 3, 2), one.size, strict=True))
    layer = FloatConv(
        name="c",
        sources=(one,),
        bias=rng.normal(size=len(one.weight)),
        activation="relu" if seed % 2 else "identity",
        limit=0.5 if seed % 4 == 1 else None,
        pool=(pool[0], pool[1]),
    )
    x = rng.normal(size=(2, layer.n_in))
    for given, got in zip(x, layer.forward(x), strict=True):
        sums = loops(one, given.reshape(one.shape)) + layer.bias[:, None, None]
        sums = np.maximum(sums, 0) if seed % 2 else sums
        sums = np.minimum(sums, layer.limit) if layer.limit else sums
        _, h, w = layer.shape
        wanted = [
            sums[:, pool[0] * y : pool[0] * (y + 1), pool[1] * u : pool[1] * (u + 1)].max((1, 2))
            for y in range(h)
            for u in range(w)
        ]
        assert np.allclose(got, np.array(wanted).T.ravel(), atol=1e-12)


def test_sources_are_added() -> None:
    """Of different kernels, strides and maps: inputs side by side."""
    rng = np.random.default_rng(1)
    first = ConvSource(weight=rng.normal(size=(3, 2, 3, 3)), shape=(2, 4, 4), pads=(1, 1, 1, 1))
    second = ConvSource(weight=rng.normal(size=(3, 1, 1, 1)), shape=(1, 8, 8), stride=(2, 2))
    both = FloatConv(
        name="b", sources=(first, second), bias=rng.normal(size=3), activation="identity"
    )
    x = rng.normal(size=(2, both.n_in))
    sums = [
        loops(first, one[:32].reshape(2, 4, 4)) + loops(second, one[32:].reshape(1, 8, 8))
        for one in x
    ]
    wanted = np.array(sums) + both.bias[:, None, None]
    assert np.allclose(both.forward(x), wanted.reshape(2, -1), atol=1e-12)


def test_parts_are_the_trained_kernels() -> None:
    rng = np.random.default_rng(2)
    kernel = ConvSource(weight=rng.normal(size=(2, 2, 3, 1)), shape=(2, 5, 4), pads=(1, 0, 1, 0))
    same = ConvSource(weight=np.ones((2, 1, 1, 1)), shape=(2, 5, 4), groups=2, fixed=True)
    layer = FloatConv(name="c", sources=(kernel, same), bias=np.zeros(2), activation="relu")
    (part,) = layer.parts()
    (matrix,) = part.matrices
    assert matrix.shape == (1, 2, 6)
    assert np.array_equal(matrix[0], kernel.weight.reshape(2, 6))
    assert part.kept.shape == (2, 6)
    other = layer.with_parts((type(part)(name="c", matrices=(2 * matrix,)),))
    assert np.array_equal(other.sources[0].weight, 2 * kernel.weight)
    assert other.sources[1] is same
    assert [p.shape for p in layer.parameters()] == [(2, 2, 3, 1), (2,)]
    bare = FloatConv(name="p", sources=(same,), bias=np.zeros(2), activation="identity")
    assert bare.parts()[0].kept.shape == (2, 0)


def conv(name: str, **changes: Any) -> FloatConv:
    given: dict[str, Any] = {
        "sources": (ConvSource(weight=np.ones((2, 2, 1, 1)), shape=(2, 3, 3)),),
        "bias": np.zeros(2),
        "activation": "relu",
    }
    return FloatConv(name=name, **given | changes)


SQUARE = ConvSource(weight=np.ones((2, 2, 1, 1)), shape=(2, 3, 3))
WRONG = {
    "no source": ({"sources": ()}, "it has no source"),
    "sizes": (
        {"sources": (SQUARE, ConvSource(weight=np.ones((2, 2, 2, 2)), shape=(2, 3, 3)))},
        "they must be the same and not empty",
    ),
    "empty": (
        {"sources": (ConvSource(weight=np.ones((2, 2, 4, 4)), shape=(2, 3, 3)),)},
        "they must be the same and not empty",
    ),
    "channels": (
        {"sources": (ConvSource(weight=np.ones((2, 3, 1, 1)), shape=(2, 3, 3)),)},
        "in 1 groups does not fit 2 channels",
    ),
    "groups": (
        {"sources": (ConvSource(weight=np.ones((2, 1, 1, 1)), shape=(2, 3, 3), groups=3),)},
        "1 group or one for each channel",
    ),
    "pads": (
        {"sources": (ConvSource(weight=SQUARE.weight, shape=(2, 3, 3), pads=(0, -1, 0, 0)),)},
        "pads at least 0",
    ),
    "bias": ({"bias": np.zeros(3)}, r"the bias must have shape \(2,\)"),
    "function": ({"activation": "exp"}, "activation must be one of"),
    "limit": ({"limit": 0.0}, "limit must be above 0"),
    "pool": ({"pool": (4, 1)}, "does not fit a map"),
    "finite": ({"bias": np.array([0.0, np.nan])}, "NaN or infinite"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_layers_are_refused(case: str) -> None:
    changes, text = WRONG[case]
    with pytest.raises(ElsieError, match=f"layer c: .*{text}"):
        conv("c", **changes)


def test_a_model_is_a_graph() -> None:
    """A residual and a joined layer: what each layer takes, and inputs in another order."""
    rng = np.random.default_rng(3)
    first, second = conv("a"), conv("b", bias=np.ones(2))
    weight = rng.normal(size=(3, 36))
    last = FloatDense(name="d", weight=weight, bias=np.zeros(3), activation="identity")
    order = rng.permutation(18)
    layers, sources = (first, second, last), {2: (0,), 3: (1, 2)}
    model = Model(name="m", layers=layers, sources=sources, order=order)
    assert (model.n_in, model.n_out) == (18, 3)
    assert [model.taken(n) for n in (1, 2, 3)] == [(0,), (0,), (1, 2)]
    assert not model.chain
    x = rng.normal(size=(4, 3, 3, 2))
    seen = x.reshape(4, 18)[:, order]
    wanted = np.hstack((first.forward(seen), second.forward(seen))) @ weight.T
    assert np.allclose(model.predict(x), wanted)
    assert np.allclose(model.predict(x.reshape(4, 18)), wanted)
    assert Model(name="m", layers=(first, second)).chain


@pytest.mark.parametrize(
    ("sources", "text"),
    [
        ({2: (2,)}, "layer b: it must take outputs of layers before it"),
        ({2: ()}, "layer b: it must take outputs of layers before it"),
        ({2: (0, 1)}, "layer b: it takes 18 inputs but layer the input and a has 36 outputs"),
    ],
)
def test_wrong_graphs_are_refused(sources: Any, text: str) -> None:
    with pytest.raises(ElsieError, match=text):
        Model(name="m", layers=(conv("a"), conv("b")), sources=sources)
