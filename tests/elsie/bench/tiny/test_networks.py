"""The benchmark's shapes: as published, and seeded models of them."""

from dataclasses import replace

import numpy as np
import pytest

from elsie.bench.tiny import measure
from elsie.bench.tiny.networks import SAMPLES, seeded
from elsie.bench.tiny.shapes import NETWORKS, Shapes, Step
from elsie.compress.compiler import compile_model
from elsie.compress.model.conv import FloatConv
from elsie.compress.options import CompileOptions
from golden.arithmetic.sequences import quantise_input
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


@pytest.mark.parametrize("seed", [1, 2])
def test_a_small_network_of_the_kind(seed: int) -> None:
    """Layers as active as they should be; channels with equally many weights; local layers."""
    given = seeded(SMALL, density=0.5, seed=seed)
    stages = given.model.stages(given.calibration)
    for number, layer in enumerate(given.model.layers, start=1):
        stages.put(number, out := layer.forward(stages.given(number)))
        if number <= len(SMALL.active):
            assert abs(np.count_nonzero(out) / out.size - SMALL.active[number - 1]) < 0.01
    assert given.calibration.shape == given.x.shape == (SAMPLES, 192)
    assert not np.array_equal(given.calibration, given.x)
    config = measure.engine(8)
    network = compile_model(
        given.model, given.calibration, config=config, options=CompileOptions(effort="none")
    )
    local = [source["local"] for one in TimingModel(encode(network)).maps for source in one.sources]
    assert local[3]  # what is added unchanged
    assert not any(local[number] for number in (0, 2, 4, 5, 6, 8))
    for step, layer in zip(SMALL.steps, given.model.layers, strict=True):
        if isinstance(layer, FloatConv) and not (step.depthwise or step.mean or step.add):
            (source,) = layer.sources
            kept = np.count_nonzero(source.matrix, axis=1)
            assert set(kept.tolist()) == {round(0.5 * source.matrix.shape[1])}


def test_a_dense_one_sends_everything() -> None:
    """Whatever the input, so that its cycles are those without any sparsity."""
    given = seeded(SMALL, density=1.0, seed=0, dense=True)
    network = compile_model(
        given.model,
        given.calibration,
        config=measure.engine(8),
        options=CompileOptions(effort="none"),
    )
    model, x = TimingModel(encode(network)), quantise_input(network, given.x)
    first, second = (model.run(one)[0] for one in x)
    assert first.macs == second.macs
    assert len(first.events["broadcast"]) == len(second.events["broadcast"])


def test_equal_seeds_make_equal_models() -> None:
    first, second = (seeded(SMALL, density=0.3, seed=5) for _ in range(2))
    assert (first.x == second.x).all()
    pairs = zip(first.model.layers, second.model.layers, strict=True)
    for one, other in pairs:
        values = zip(one.parameters(), other.parameters(), strict=True)
        assert all(np.array_equal(a, b) for a, b in values)


def test_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a small network, RTL too, whose trace must be equal."""
    small = replace(
        SMALL, steps=(*SMALL.steps[:2], Step(outputs=4, kernel=None)), active=(0.5, 0.5)
    )
    monkeypatch.setitem(measure.NETWORKS, "kws", small)
    measure.everything.cache_clear()
    monkeypatch.setattr(measure, "COMPILED", False)
    plan = measure.Plan(networks=["kws"], densities=(0.5,), pes=4)
    (row,) = plan.rows(lambda _: None)
    measure.everything.cache_clear()
    assert row.trace_equal
    assert row.cycles_rtl == row.cycles_golden < row.cycles_all
    assert row.inferences_per_s == round(measure.clock_mhz() * 1e6 / row.cycles_golden, 1)
    assert set(row.to_dict()) >= {
        *("network", "pes", "density", "cycles_golden", "cycles_rtl", "trace_equal"),
        *("useful_utilisation", "inferences_per_s", "bram"),
    }
