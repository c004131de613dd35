"""The benchmark's shapes: as published, and seeded networks of them."""

import numpy as np

from elsie.bench.tiny.cycles import engine
from elsie.bench.tiny.networks import Maker
from elsie.bench.tiny.shapes import NETWORKS, Shapes, Step
from golden.arithmetic.run import Runner, forward
from golden.format.image import encode
from golden.maps.convolution import Shape
from golden.timing.model import TimingModel

SMALL = Shapes(
    title="small",
    given=(3, 8, 8),
    steps=(
        Step(outputs=8, stride=2),
        Step(outputs=8, depthwise=True),
        Step(outputs=8, add=1),
        Step(outputs=12, stride=2),
        Step(outputs=12, add=2, add_stride=2),
        Step(outputs=12, kernel=None, mean=True),
        Step(outputs=5, kernel=None),
    ),
    active=(0.5, 0.25, 0.7, 0.4, 0.3),
    target=0,
)


def counts(shapes: Shapes) -> tuple[int, int]:
    """Multiply-accumulates and weights, without those of means and of what is added unchanged."""
    found: list[Shape] = [shapes.given]
    macs = weights = 0
    for number, step in enumerate(shapes.steps):
        sources, size = step.sources(number, found)
        for source in sources:
            if step.mean or (source.depthwise and not step.depthwise):
                continue
            each = step.outputs * source.columns(found[source.layer + 1][0])
            weights += each
            macs += each * size[0] * size[1]
        found.append((step.outputs, *size))
    return macs, weights


def test_shapes_are_the_benchmarks() -> None:
    """Dense multiply-accumulates and weights of the reference models."""
    assert {name: counts(shapes) for name, shapes in NETWORKS.items()} == {
        "kws": (2_656_768, 22_016),
        "ic": (12_501_632, 77_360),
        "vww": (7_489_664, 208_112),
        "ad": (264_192, 264_192),
    }


def test_every_relu_has_an_activity() -> None:
    for shapes in NETWORKS.values():
        relus = [step for step in shapes.steps[:-1] if not step.mean]
        assert len(shapes.active) == len(relus)


def test_a_small_network_of_the_kind() -> None:
    network, x = Maker(SMALL, engine(8), density=0.5, seed=1).make()
    run = Runner(network, 1)
    run.step(x)
    for out, share in zip(run.outputs, SMALL.active, strict=False):
        assert abs(np.count_nonzero(out) / out.size - share) < 0.25
    model = TimingModel(encode(network))
    assert [source["local"] for one in model.maps for source in one.sources] == [
        *(0, 1, 0, 1, 0, 0, 0, 1, 0)
    ]
    trace, _ = model.run(x)
    found = {int(p): int(v) for _, p, v, _ in trace.events["output"]}
    expected = forward(network, x)[0]
    position = network.layers[-1].position
    assert [found.get(int(p), 0) for p in position] == expected.tolist()
    for step, layer in zip(SMALL.steps, network.layers, strict=True):
        if not step.depthwise and not step.mean and not step.add:
            kept = np.bincount(layer.rows, minlength=layer.n_out)
            assert set(kept.tolist()) == {round(0.5 * layer.n_in)}


def test_equal_seeds_make_equal_networks() -> None:
    first, second = (Maker(SMALL, engine(8), density=0.3, seed=5).make() for _ in range(2))
    assert (first[1] == second[1]).all()
    images = [encode(network) for network, _ in (first, second)]
    assert (images[0].entry_words == images[1].entry_words).all()
