"""Seeded networks of the benchmark's shapes: pruned random weights, an engine that holds them."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from elsie.bench.tiny.shapes import Shapes, Step
from elsie.compress.place.units import assign_units, choose_phases
from golden.arithmetic.layers import LAYERS
from golden.config import EngineConfig
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import LayerKind
from golden.maps.convolution import Convolution, Shape, Source
from golden.maps.grid import Grid, of_input, of_output
from golden.maps.places import Places
from golden.maps.settings import Maps

Ints = NDArray[np.int64]

IDENTITY_BITS = 5
"""A map that is added unchanged is multiplied by 2 to this power."""


class Maker:
    """Makes a network layer by layer; each layer's shift suits the input that it gets."""

    def __init__(
        self, shapes: Shapes, config: EngineConfig, *, density: float, seed: int, zeros: float = 0.0
    ) -> None:
        """density: of weights; depthwise ones are all there. zeros: share of the input's."""
        self.shapes, self.config, self.density = shapes, config, density
        self._rng = np.random.default_rng(seed)
        self._layers: list[Layer] = []
        self._sizes: list[Shape] = [shapes.given]
        self._grids: list[Grid] = [of_input(config, shapes.given)]
        limit = (1 << (config.act_width - 1)) - 1
        x = np.rint(self._rng.normal(0, limit / 3, (2, int(np.prod(shapes.given)))))
        x = np.where(x == 0, 1, np.clip(x, -limit, limit))
        x *= self._rng.random(x.shape) >= zeros
        self._maps = [x.astype(np.int64)]  # of one sample to calibrate with, and one to run

    def make(self) -> tuple[Network, Ints]:
        """The network, and an input (1, n_in) that nothing of it was chosen by."""
        for step in self.shapes.steps:
            self._add(step)
        network = self._network(self._sized())
        return network, self._maps[0][1:]

    def _network(self, config: EngineConfig) -> Network:
        return Network(
            name=self.shapes.title,
            config=config,
            layers=tuple(self._layers),
            input_shape=self.shapes.given,
        )

    def _add(self, step: Step) -> None:
        """The next layer."""
        number, config = len(self._layers), self.config
        sources, size = step.sources(number, self._sizes)
        phases = choose_phases(config, step.outputs, size[1])
        weights = [self._weights(step, source) for source in sources]
        matrix = np.concatenate(weights, axis=1)
        maps = Convolution(sources=tuple(sources), shape=size, phases=phases)
        frac = self._frac(sources[0].layer)
        weight_frac = 7
        if len(sources) > 1 and sources[1].depthwise:
            weight_frac = IDENTITY_BITS + self._frac(sources[1].layer) - frac
        groups = self._groups(step, sources)
        work = self._work(sources, weights)
        layer = Layer.of_matrix(
            matrix & ((1 << config.code_width) - 1),
            matrix != 0,
            name=f"layer{number}",
            kind=LayerKind.CONV,
            weight_frac=weight_frac,
            in_frac=frac,
            out_frac=weight_frac + frac,
            activation="identity" if number == len(self.shapes.steps) - 1 else "relu",
            position=assign_units(config, work, phases=phases, groups=groups),
            maps=maps,
        )
        self._sizes.append((step.outputs, *maps.pooled))
        self._grids.append(of_output(config, self._sizes[-1], phases, layer.position))
        self._scale(layer)

    def _frac(self, layer: int) -> int:
        return self._layers[layer].out_frac if layer >= 0 else 0

    def _weights(self, step: Step, source: Source) -> Ints:
        """Integer weights of a source, pruned to the same number in each output channel."""
        columns = source.columns(self._sizes[source.layer + 1][0])
        limit = (1 << (self.config.weight_width - 1)) - 1
        if step.mean:
            return np.ones((step.outputs, 1), dtype=np.int64)
        if source.depthwise and not step.depthwise:
            return np.full((step.outputs, 1), 1 << IDENTITY_BITS)
        real = self._rng.normal(0, limit / 3, (step.outputs, columns))
        found = np.clip(np.rint(real), -limit, limit).astype(np.int64)
        found = np.where(found == 0, 1, found)
        if not source.depthwise:
            kept = max(1, round(self.density * columns))
            small = np.argsort(-np.abs(real), axis=1)[:, kept:]
            np.put_along_axis(found, small, 0, axis=1)
        return found

    def _work(self, sources: list[Source], weights: list[Ints]) -> Ints:
        """Entries that each output channel's PE issues for the calibrating sample, about."""
        total = 0
        for source, stored in zip(sources, weights, strict=True):
            shape = self._sizes[source.layer + 1]
            active = np.count_nonzero(self._maps[source.layer + 1][0].reshape(shape[0], -1), axis=1)
            if source.depthwise:
                each = np.repeat(active, len(stored) // shape[0])
                total = total + np.count_nonzero(stored, axis=1) * each
            else:
                total = total + (stored != 0) @ np.repeat(active, source.places)
        return np.asarray(total)

    def _groups(self, step: Step, sources: list[Source]) -> Ints | None:
        """Where output channels must be so that a depthwise source is local."""
        tied = [source for source in sources if source.depthwise]
        if not tied:
            return None
        grid = self._grids[tied[0].layer + 1]
        channels = grid.shape[0]
        return grid.group[np.arange(step.outputs) // (step.outputs // channels)]

    def _scale(self, layer: Layer) -> None:
        """Choose the layer's shift, and keep its output map."""
        assert layer.maps
        network = _Prefix(layers=(*self._layers, layer), shapes=self.shapes, config=self.config)
        formula = LAYERS[layer.kind]
        maps = [self._maps[source.layer + 1] for source in layer.maps.sources]
        sums = formula.sums(layer, network, formula.matrix(layer, network), maps)  # pyright: ignore
        limit = (1 << (self.config.act_width - 1)) - 1
        if layer.activation == "relu" and len(self._layers) < len(self.shapes.active):
            share = self.shapes.active[len(self._layers)]
            bias = -int(np.quantile(sums[0], 1 - share)) if share < 1 else -int(sums[0].min()) + 1
            layer = dataclasses.replace(layer, bias=np.full_like(layer.bias, bias))
            sums = sums + bias
        top = float(np.quantile(np.abs(sums), 0.999))
        shift = max(0, int(np.ceil(np.log2(max(1.0, top / limit)))))
        layer = dataclasses.replace(layer, shift=shift, out_frac=layer.out_frac - shift)
        out, _ = formula.outputs(layer, network, sums - layer.bias[0], sums)  # pyright: ignore
        self._layers.append(layer)
        self._maps.append(out)

    def _sized(self) -> EngineConfig:
        """The engine with exactly the memories that the network needs."""
        config = self.config
        places = Places.of(config, self._layers, self.shapes.given)
        maps = Maps(
            rows=max(places.rows(), config.maps.rows),
            sources=places.sources,
            height=places.height,
            depth=places.depth,
        )
        config = config.replace(maps=maps)
        places = Places.of(config, self._layers, self.shapes.given)
        entries = int(places.entry_places([config.run_width]).max())
        return config.replace(**places.needs(), entry_depth=entries)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Prefix:
    """As much of a network as a layer's formula needs, before there is one."""

    layers: tuple[Layer, ...]
    shapes: Shapes
    config: EngineConfig

    @property
    def input_shape(self) -> Shape:
        return self.shapes.given
