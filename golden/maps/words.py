"""The layer program of a network with maps: a word for each layer, then one for each source."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format import layout
from golden.format.activations import activation_of
from golden.maps.places import Place, Places


def program(places: Places) -> list[int]:
    """The words, in order."""
    return [int(word) for number in range(len(places.every)) for word in _words(places, number)]


def _words(places: Places, number: int) -> Iterator[Any]:
    """Of layer `number`."""
    config, place = places.config, places.every[number]
    layer, conv, target = place.target.layer, place.target.convolution, place.target
    yield layout.pack(
        layout.map_descriptor(config),
        bias_base=config.column_depth + place.bias_base,
        shift=layer.shift - config.shift_low,
        relu=int(activation_of(layer.kind, layer.activation).relu),
        last=int(number == len(places.every) - 1),
        sources=len(place.readings) - 1,
        flat=int(target.flat),
        unit_bits=target.unit_bits,
        sums=target.sums - 1,
        outputs=target.sums // conv.pool[1] - 1,
        height=conv.shape[0] - 1,
        lead=place.lead,
        live=place.live,
        pool_rows=conv.pool[0] - 1,
        pool_columns=conv.pool[1] - 1,
        region=place.region,
    )
    for nth in range(len(place.readings)):
        yield _source(places, place, nth)


def _source(places: Places, place: Place, nth: int) -> Any:
    """Source `nth` of a layer."""
    config, reading = places.config, place.readings[nth]
    source, step = reading.source, reading.row_step
    columns = 0 if source.uniform else place.steps[nth]
    phase = (source.pad[0] - source.kernel[0]) % step
    return layout.pack(
        layout.source_descriptor(config),
        column_base=place.columns[nth],
        step=columns,
        region=places.regions[source.layer + 1],
        height=reading.grid.shape[1] - 1,
        due=source.kernel[0] - source.pad[0] - place.lead * step,
        row_step=step,
        phase=phase,
        column=place.columns[nth] + columns * max(0, phase - reading.skipped),
        skipped=reading.skipped,
        shift=min(reading.shift, config.index_width),
        more=reading.more,
        first=reading.first,
        local=int(place.local[nth]),
        still=int(reading.still),
    )


def unpack_program(
    config: EngineConfig, words: NDArray[Any]
) -> list[tuple[dict[str, int], list[dict[str, int]]]]:
    """Each layer's word and those of its sources, up to the last layer's."""
    found: list[tuple[dict[str, int], list[dict[str, int]]]] = []
    at = 0
    while not found or not found[-1][0]["last"]:
        layer = _fields(layout.map_descriptor(config), words[at])
        end = at + 2 + layer["sources"]
        form = layout.source_descriptor(config)
        found.append((layer, [_fields(form, word) for word in words[at + 1 : end]]))
        at = end
    return found


def _fields(form: layout.Layout, word: Any) -> dict[str, int]:
    """A word's fields; of wider words the upper bits are not its own."""
    low = int(word) & ((1 << layout.width(form)) - 1)
    fields = layout.unpack(form, np.array([low], dtype=object))
    return {name: int(value[0]) for name, value in fields.items()}
