"""Whether the layers of a network with maps fit each other, and an engine."""

from collections.abc import Sequence

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.kinds import LayerKind
from golden.maps.convolution import Shape
from golden.maps.places import Places, convolution_of, shapes_of


def check_maps(layers: Sequence[Layer], given: tuple[int, ...]) -> None:
    """Raise ElsieError naming the layer that does not fit what it reads. `given`: input's shape."""
    if given and (len(given) != 3 or min(given) < 1):
        raise ElsieError(
            f"input_shape must be channels, rows and columns, all from 1 on, not {given}"
        )
    shapes = shapes_of(layers, as_shape(given))
    for number, layer in enumerate(layers):
        try:
            _check_layer(layers, number, shapes)
        except ElsieError as error:
            raise ElsieError(f"layer {layer.name}: {error}") from None
    if shapes[-1][1:] != (1, 1):
        raise ElsieError(
            f"layer {layers[-1].name}: a network must end with one place for each channel, not "
            f"with a map of {shapes[-1][1]} x {shapes[-1][2]}"
        )


def as_shape(given: tuple[int, ...]) -> Shape | None:
    """The shape of a network's input, or None where it is a vector."""
    return (given[0], given[1], given[2]) if given else None


def _check_layer(layers: Sequence[Layer], number: int, shapes: Sequence[Shape]) -> None:
    """Its sources, its columns and its scale."""
    layer, conv = layers[number], convolution_of(layers, number)
    for source in conv.sources:
        if not -1 <= source.layer < number:
            raise ElsieError(f"it reads layer {source.layer}, which is none before it")
    maps = [shapes[source.layer + 1] for source in conv.sources]
    if layer.kind is LayerKind.DENSE and maps[0][1:] != (1, 1):
        raise ElsieError("it reads a map, and so must be a conv layer")
    conv.check(maps, layer.n_out)
    columns = sum(
        source.columns(shape[0]) for source, shape in zip(conv.sources, maps, strict=True)
    )
    if layer.n_in != columns:
        raise ElsieError(f"n_in is {layer.n_in}, but its sources have {columns} columns")
    if layer.activation not in ("relu", "identity"):
        raise ElsieError(f"activation must be relu or identity, not {layer.activation}")
    first = conv.sources[0].layer
    frac = layers[first].out_frac if first >= 0 else layers[0].in_frac
    if layer.in_frac != frac:
        raise ElsieError(f"in_frac is {layer.in_frac}, but what it reads has {frac}")


def check_map_room(places: Places, entries: Sequence[int]) -> None:
    """Raise ElsieError naming the first memory or size that is too small.

    entries: of the fullest PE, up to the end of each layer.
    """
    config, maps = places.config, places.config.maps
    for name, needed in (
        ("sources", places.sources),
        ("height", places.height),
        ("depth", places.depth),
    ):
        if needed > (has := getattr(maps, name)):
            raise ElsieError(f"it needs `maps` {name} {needed}, but the engine has {has}")
    for place, end in zip(places.every, entries, strict=True):
        layer = place.target.layer.name
        if not place.target.flat:
            _check_ring(config, layer, place.live, place.target.convolution.pool[0])
        for name, needed in (
            ("entry_depth", end),
            ("column_depth", place.next_column),
            ("bias_depth", place.bias_base + place.biases),
        ):
            if needed > (has := getattr(config, name)):
                raise ElsieError(
                    f"layer {layer}: it needs {name} {needed}, but the engine has {has}; lower the "
                    f"density or raise {name}"
                )
    for name, needed in places.needs().items():
        if needed > (has := getattr(config, name)):
            raise ElsieError(f"it needs {name} {needed}, but the engine has {has}; raise {name}")


def _check_ring(config: EngineConfig, layer: str, live: int, pool: int) -> None:
    """Raise ElsieError if a row of sums could never be drained."""
    if live + pool > config.maps.rows:
        raise ElsieError(
            f"layer {layer}: its kernel adds to {live} output rows at a time, and {pool} more must "
            f"be drained, but the engine has sums of {config.maps.rows}; raise rows of `maps`"
        )
