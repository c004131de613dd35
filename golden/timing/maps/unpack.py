"""The layers of an image with maps, as the engine sees them."""

from dataclasses import dataclass

from golden.format.image import Image, unpack_columns
from golden.maps.words import unpack_program
from golden.timing.unpack import Entries, biases, entries


@dataclass(frozen=True, kw_only=True, eq=False)
class MapLayer(Entries):
    """One layer: its words, and its entries; its columns are counted from the first one on."""

    word: dict[str, int]
    """golden.format.layout.map_descriptor."""
    sources: tuple[dict[str, int], ...]
    """golden.format.layout.source_descriptor of each source."""
    first_column: int
    """Address of its first pointer."""

    @property
    def window(self) -> int:
        """Sums that become one activation."""
        return (self.word["pool_rows"] + 1) * (self.word["pool_columns"] + 1)


def unpack_maps(image: Image) -> tuple[MapLayer, ...]:
    """The layers of an image, in order."""
    words = unpack_program(image.config, image.program)
    bases = [sources[0]["column_base"] for _, sources in words] + [image.used["pointers"]]
    found = []
    for number, (word, sources) in enumerate(words):
        units = word["sums"] + 1 if word["flat"] else 1 << word["unit_bits"]
        compressed, start = unpack_columns(image, bases[number], bases[number + 1])
        found.append(
            MapLayer(
                **entries(image, number, compressed, start),
                word=word,
                sources=tuple(sources),
                first_column=bases[number],
                shift=word["shift"] + image.config.shift_low,
                bias=biases(image, word["bias_base"], units),
            )
        )
    return tuple(found)
