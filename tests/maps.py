"""Random networks with maps, straight in integers: no compiler involved."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from golden.config import EngineConfig
from golden.format.layer import Layer, place
from golden.format.network import Network
from golden.kinds import LayerKind
from golden.maps.convolution import Convolution, Shape, Source
from golden.maps.grid import of_input, of_output
from golden.maps.places import Places
from golden.maps.settings import Maps


def map_config(**changes: Any) -> EngineConfig:
    """An engine with maps, whose memories are not sized yet."""
    fields: dict[str, Any] = {
        **{"pes": 4, "group": 2, "mac": "fixed", "code_width": 8, "weight_width": 8},
        **{"queue_depth": 6, "run_width": 4, "act_width": 8, "acc_width": 40, "maps": {"rows": 4}},
        **changes,
    }
    return EngineConfig(**fields)


def sized(
    config: EngineConfig, layers: Sequence[Layer], shape: Shape | None, *, ring: int = 0
) -> EngineConfig:
    """`config` with exactly the memories that the layers need; or a ring of `ring` rows."""
    places = Places.of(config, layers, shape)
    maps = Maps(
        rows=max(ring, places.rows()),
        sources=places.sources,
        height=places.height,
        depth=places.depth,
    )
    config = config.replace(maps=maps)
    places = Places.of(config, layers, shape)
    entries = int(places.entry_places([config.run_width]).max())
    return config.replace(**places.needs(), entry_depth=max(1, entries))


class Builder:
    """A random network, layer by layer."""

    def __init__(
        self,
        rng: np.random.Generator,
        config: EngineConfig,
        shape: Shape,
        *,
        density: float = 0.5,
        shift: int = 5,
    ) -> None:
        self.rng, self.config, self.given = rng, config, shape
        self.density, self.shift = density, shift
        self.layers: list[Layer] = []
        self.shapes: list[Shape] = [shape]
        self.grids = [of_input(config, shape)]

    @property
    def last(self) -> int:
        """Number of the last layer, or -1."""
        return len(self.layers) - 1

    def conv(
        self,
        outputs: int,
        *sources: Source,
        shape: tuple[int, int],
        pool: tuple[int, int] = (1, 1),
        phases: int = 1,
        activation: str = "relu",
        local: bool = False,
    ) -> int:
        """A layer with random weights; returns its number. local: units stay in their group."""
        maps = Convolution(sources=sources, shape=shape, pool=pool, phases=phases)
        parts = [source.columns(self.shapes[source.layer + 1][0]) for source in sources]
        codes = self.rng.integers(0, 1 << self.config.code_width, (outputs, sum(parts)))
        mask = self.rng.random(codes.shape) < self.density
        if local:
            pe = self._local(outputs, phases, sources[0].layer)
        else:
            pe = self.rng.permutation(outputs * phases) % self.config.pes
        layer = Layer.of_matrix(
            codes,
            mask,
            name=f"layer{len(self.layers)}",
            kind=LayerKind.CONV,
            weight_frac=self.shift,
            bias=self.rng.integers(-200, 200, outputs),
            codebook=self._codebook(),
            activation=activation,
            position=place(self.config, pe),
            maps=maps,
        )
        return self._append(layer, (outputs, *maps.pooled), phases)

    def _codebook(self) -> np.ndarray:
        limit = 1 << (self.config.weight_width - 1)
        return self.rng.integers(-limit, limit, self.config.codebook_size)

    def _append(self, layer: Layer, shape: Shape, phases: int) -> int:
        self.layers.append(layer)
        self.shapes.append(shape)
        self.grids.append(of_output(self.config, shape, phases, layer.position))
        return self.last

    def _local(self, outputs: int, phases: int, layer: int) -> np.ndarray:
        """PEs of units, in the group of the first unit of what they are made of."""
        grid, config = self.grids[layer + 1], self.config
        channels = grid.shape[0]
        group = np.tile(grid.group[np.arange(outputs) // (outputs // channels)], phases)
        size = np.array([config.group_size(int(g)) for g in group])
        return group * config.group + self.rng.integers(0, 1 << 20, len(group)) % size

    def flatten(self, outputs: int, activation: str = "identity") -> int:
        """A fully connected layer on the last map."""
        source = Source(layer=self.last, kernel=self.shapes[-1][1:])
        return self.conv(outputs, source, shape=(1, 1), activation=activation)

    def mean(self) -> int:
        """The sum of each channel of the last map, local if it can be."""
        channels, *size = self.shapes[-1]
        source = Source(layer=self.last, kernel=tuple(size), depthwise=True, uniform=True)
        grid = self.grids[-1]
        together = (grid.group.reshape(grid.phases, -1) == grid.group[:channels]).all()
        return self.conv(channels, source, shape=(1, 1), local=bool(together))

    def dense(self, outputs: int, activation: str = "identity") -> int:
        """A fully connected layer on the last one."""
        n_in = self.shapes[-1][0]
        codes = self.rng.integers(0, 1 << self.config.code_width, (outputs, n_in))
        layer = Layer.of_matrix(
            codes,
            self.rng.random(codes.shape) < self.density,
            name=f"layer{len(self.layers)}",
            weight_frac=self.shift,
            bias=self.rng.integers(-200, 200, outputs),
            codebook=self._codebook(),
            activation=activation,
            position=place(self.config, self.rng.permutation(outputs) % self.config.pes),
        )
        return self._append(layer, (outputs, 1, 1), 1)

    def network(self, *, ring: int = 0) -> Network:
        """All of it, in an engine that just holds it."""
        return Network(
            name="random",
            config=sized(self.config, self.layers, self.given, ring=ring),
            layers=tuple(self.layers),
            input_shape=self.given,
        )


def slide(
    rng: np.random.Generator, build: Builder, layer: int, *, depthwise: bool = False
) -> tuple[Source, tuple[int, int]]:
    """A random kernel on the output of `layer`, and how many outputs there are at most."""
    _, height, width = build.shapes[layer + 1]
    kernel, stride, pad, shape = [], [], [], []
    for size in (height, width):
        k, s = int(rng.integers(1, 6)), int(rng.choice([1, 1, 2, 4]))
        before, after = int(rng.integers(0, k)), int(rng.integers(0, k))
        if size + before + after < k:
            before = after = k - 1
        kernel.append(k)
        stride.append(s)
        pad.append(before)
        shape.append((size + before + after - k) // s + 1)
    source = Source(
        layer=layer,
        kernel=tuple(kernel),
        stride=tuple(stride),
        pad=tuple(pad),
        depthwise=depthwise,
    )
    return source, (shape[0], shape[1])


def random_maps(
    rng: np.random.Generator, config: EngineConfig, *, density: float = 0.5, layers: int = 2
) -> Network:
    """Some layers of every kind, and a fully connected end."""
    shape = tuple(int(n) for n in rng.integers(1, [5, 9, 9]))
    build = Builder(rng, config, (shape[0], shape[1], shape[2]), density=density)
    for _ in range(layers):
        layer = build.last if rng.random() < 0.8 else int(rng.integers(-1, build.last + 1))
        depthwise = rng.random() < 0.3
        source, size = slide(rng, build, layer, depthwise=depthwise)
        outputs = int(rng.integers(1, 7))
        if depthwise:
            outputs = build.shapes[layer + 1][0] * int(rng.integers(1, 3))
        sources, pool, phases = [source], (1, 1), 1
        if not depthwise and rng.random() < 0.3:
            second, other = slide(rng, build, int(rng.integers(-1, build.last + 1)))
            size = (min(size[0], other[0]), min(size[1], other[1]))
            sources.append(second)
        if rng.random() < 0.3:
            pool = (min(size[0], int(rng.integers(1, 4))), min(size[1], int(rng.integers(1, 4))))
            size = (size[0] // pool[0] * pool[0], size[1] // pool[1] * pool[1])
        else:
            phases = int(rng.choice([p for p in (1, 2, 4) if size[1] % p == 0]))
        build.conv(
            outputs,
            *sources,
            shape=size,
            pool=pool,
            phases=phases,
            activation=str(rng.choice(["relu", "identity"])),
            local=depthwise and rng.random() < 0.6,
        )
    if rng.random() < 0.5:
        build.mean()
        build.dense(3)
    else:
        build.flatten(3)
    return build.network(ring=int(rng.choice([0, 0, 16])))


def map_input(rng: np.random.Generator, network: Network, zeros: float = 0.4) -> np.ndarray:
    """Integer inputs over the whole range, some of them zero, (1, n_in)."""
    limit = 1 << (network.config.act_width - 1)
    x = rng.integers(-limit, limit, (1, network.n_in))
    x[rng.random(x.shape) < zeros] = 0
    return x


def every_kind(**config: Any) -> Builder:
    """Strides, phases, a local source, an identity, pooling, a mean."""
    build = Builder(np.random.default_rng(9), map_config(**config), (2, 7, 8))
    build.conv(4, Source(layer=-1, kernel=(3, 3), pad=(1, 1)), shape=(7, 8), phases=2)
    source = Source(layer=0, kernel=(3, 3), stride=(2, 2), pad=(1, 1), depthwise=True)
    build.conv(4, source, shape=(4, 4), local=True)
    build.conv(
        4,
        Source(layer=1, kernel=(3, 1), pad=(1, 0)),
        Source(layer=1, kernel=(1, 1), depthwise=True),
        Source(layer=0, kernel=(1, 1), stride=(2, 2)),
        shape=(4, 4),
        pool=(2, 2),
    )
    build.mean()
    build.dense(3)
    return build
