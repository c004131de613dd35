"""The image: every word that is loaded into an engine for one network (docs/format.md).

The same image goes to the golden timing model, to any simulator, into a bitstream, and over the
load port. Nobody packs bits a second time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format import csc, layout
from golden.format.activations import activation_of
from golden.format.address_map import AddressMap, EntryRegion, Region
from golden.format.layer import Layer, locate, locate_rows
from golden.format.memories import Memory, MemoryMap
from golden.format.network import Network
from golden.format.program import program_of
from golden.maps.checks import as_shape, check_map_room
from golden.maps.places import Places
from golden.maps.words import program
from golden.proof import check_accumulators, check_room


@dataclass(frozen=True, kw_only=True, eq=False)
class Image:
    """Memory contents of an engine. Words are unsigned, as golden.format.layout has them."""

    config: EngineConfig
    """The engine that this image is for."""
    entries: NDArray[np.uint64]
    """Entries at their addresses, shape (pes, entry_depth)."""
    pointers: NDArray[np.uint64]
    """Pointer of each column, shape (pes, column_depth)."""
    codebook: NDArray[np.int64]
    """Weight at address layer << code_width | code, shape (layers << code_width,), signed."""
    biases: NDArray[np.int64]
    """Biases, shape (groups, bias_depth), signed; after the pointers in the column memory."""
    program: NDArray[np.uint64]
    """Layer program, shape (layers,), Python integers beyond 64 bits; unused words are 0."""
    used: dict[str, int]
    """Words in use in one unit's memory: entries and pointers (largest PE), biases."""
    input_shape: tuple[int, ...] = ()
    """Of the network's input, if it is a map (golden.maps.grid.arrange)."""

    @property
    def codebook_words(self) -> NDArray[np.uint64]:
        """The codebook as memory holds it: two's complement bits, same shape."""
        return _bits(self.codebook, self.config.weight_width)

    @property
    def entry_words(self) -> NDArray[np.uint64]:
        """The entry memories' words, shape (pes, entry_depth / entry_lanes), first entry lowest."""
        lanes = self.entries.reshape(self.config.pes, -1, self.config.entry_lanes)
        # Two entries share a word of 16 bits, however wide they are.
        shifts = (8 * np.arange(self.config.entry_lanes)).astype(np.uint64)
        return np.bitwise_or.reduce(lanes << shifts, axis=2)

    def contents(self) -> Iterator["Contents"]:
        """What every memory that a network fills holds."""
        config, every = self.config, MemoryMap.of(self.config)
        yield Contents(memory=every["program"], unit=None, words=self.program)
        if "codebook" in every:
            yield Contents(memory=every["codebook"], unit=None, words=self.codebook_words)
        for group in range(config.groups):
            words, depth = self.column_words(group), every["column"].depth
            yield Contents(memory=every["column"], unit=group, words=words[:depth])
            if "bias" in every:
                yield Contents(memory=every["bias"], unit=group, words=words[depth:])
        used = -(-self.used["entries"] // config.entry_lanes)
        for pe in range(config.pes):
            yield Contents(memory=every["entry"], unit=pe, words=self.entry_words[pe, :used])

    def column_words(self, group: int) -> list[int]:
        """A group's column memory up to the last bias in use: Python integers of any width."""
        config = self.config
        width = layout.width(layout.pointer(config))
        first = group * config.group
        words = [0] * config.column_depth
        for slot in range(config.group_size(group)):
            for address, word in enumerate(self.pointers[first + slot].tolist()):
                words[address] |= word << (slot * width)
        used = self.biases[group, : self.used["biases"]]
        return words + _bits(used, config.acc_width).tolist()


@dataclass(frozen=True, kw_only=True, eq=False)
class Contents:
    """What an image puts into one memory."""

    memory: Memory
    """Which kind of memory."""
    unit: int | None
    """Its PE or group; None for a memory with one copy, or with equal copies."""
    words: Sequence[int] | NDArray[np.uint64]
    """Words from address 0 of the memory on, unsigned, up to the last one in use."""


def _bits(values: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    """Signed integers as words of `width` bits."""
    return (values & ((1 << width) - 1)).astype(np.uint64)


def encode(network: Network) -> Image:
    """The image of a network.

    Raises ElsieError naming the layer that exceeds a memory or whose sums could overflow.
    """
    check_accumulators(network)
    config, layers = network.config, network.layers
    if network.maps:
        return _encode_maps(network)
    places = AddressMap.of(config, layers)
    matrices = [
        csc.encode(config, places.nonzeros(number), columns=region.columns)
        for number, region in enumerate(places.regions)
    ]
    entries = places.entries([matrix.count for matrix in matrices])
    check_room(network, places, entries)
    image = _empty(config, used=_used(places, entries))
    for number, (layer, region) in enumerate(zip(layers, places.regions, strict=True)):
        _store_entries(image, matrices[number], entries[number].start, region.column_base)
        _store_peepholes(image, layer, entries[number].peephole_base)
        _store_biases(image, layer, region)
        _store_codebook(image, layer, number)
        fields = _descriptor(network, places, number)
        fields["peephole"] = entries[number].peephole_base
        form = layout.descriptor(config)
        image.program[number] = layout.pack(form, **{name: fields[name] for name in form})
    return image


def _encode_maps(network: Network) -> Image:
    """The image of a network with maps."""
    config = network.config
    places = Places.of(config, network.layers, as_shape(network.input_shape))
    free = np.zeros(config.pes, dtype=np.int64)
    counts = [one.count(config.run_width) for one in places.gaps()]
    ends = np.cumsum([count.sum(axis=1) for count in counts], axis=0).max(axis=1)
    check_map_room(places, ends.tolist())
    used = {"entries": int(ends[-1]), "pointers": places.columns, "biases": places.biases}
    image = _empty(config, used=used, input_shape=network.input_shape)
    for number, place in enumerate(places.every):
        layer, base = network.layers[number], place.columns[0]
        width = place.next_column - base
        matrix = csc.encode(config, place.nonzeros(config, base), columns=width)
        start = free[:, None] + np.cumsum(matrix.count, axis=1) - matrix.count
        _store_entries(image, matrix, np.where(matrix.count, start, 0), base)
        _store_codebook(image, layer, number)
        free = free + matrix.per_pe
        index = place.bias_base + place.target.local * config.group
        index += place.target.pe % config.group
        channel = np.arange(layer.n_positions) % layer.n_out
        image.biases[place.target.pe // config.group, index] = layer.bias[channel]
    words = program(places)
    image.program[: len(words)] = words
    return image


def _used(places: AddressMap, entries: Sequence[EntryRegion]) -> dict[str, int]:
    """Words in use."""
    return {
        "entries": int(entries[-1].end.max()),
        "pointers": places.columns,
        "biases": places.biases,
    }


def _empty(
    config: EngineConfig, *, used: dict[str, int], input_shape: tuple[int, ...] = ()
) -> Image:
    """Memories of zeros."""
    memory = MemoryMap.of(config)["program"]
    return Image(
        config=config,
        entries=np.zeros((config.pes, config.entry_depth), dtype=np.uint64),
        pointers=np.zeros((config.pes, config.column_depth), dtype=np.uint64),
        codebook=np.zeros(config.layers * config.codebook_size, dtype=np.int64),
        biases=np.zeros((config.groups, config.bias_depth), dtype=np.int64),
        program=np.zeros(memory.depth, dtype=object if memory.width > 64 else np.uint64),
        used=used,
        input_shape=input_shape,
    )


def _store_codebook(image: Image, layer: Layer, number: int) -> None:
    """Shared weights of layer `number`."""
    if image.codebook.size:
        base = number << image.config.code_width
        image.codebook[base : base + len(layer.codebook)] = layer.codebook


def _store_entries(
    image: Image, matrix: csc.Compressed, start: NDArray[np.int64], base: int
) -> None:
    """Entries and pointers of one layer."""
    config = image.config
    pe, _, address = entry_places(matrix.count, start)
    words = layout.pack(layout.entry(config), code=matrix.code, run=matrix.run)
    image.entries[pe, address] = words
    here = slice(base, base + matrix.count.shape[1])
    image.pointers[:, here] = layout.pack(
        layout.pointer(config), start=start // config.entry_lanes, count=matrix.count
    )


def _store_peepholes(image: Image, layer: Layer, base: int) -> None:
    """Peepholes: three entries of each cell, one after the other."""
    if not layer.peepholes:
        return
    pe, local = locate(image.config, layer.position)
    for nth in range(3):
        image.entries[pe, base + 3 * local + nth] = layout.pack(
            layout.entry(image.config), code=layer.peephole[:, nth], run=np.zeros_like(local)
        )


def _store_biases(image: Image, layer: Layer, region: Region) -> None:
    """Biases of one layer, PE by PE within a row; rows that are no output get what makes them 0."""
    group, here = image.config.group, slice(region.bias_base, region.bias_base + region.biases)
    image.biases[:, here] = activation_of(layer.kind, layer.activation).idle << layer.shift
    pe, row = locate_rows(image.config, layer)
    image.biases[pe // group, region.bias_base + row * group + pe % group] = layer.bias


def _descriptor(network: Network, places: AddressMap, number: int) -> dict[str, int]:
    """All fields of layer `number`'s descriptor but peephole, even those the engine leaves out."""
    config, layer, region = network.config, network.layers[number], places.regions[number]
    lists, head = places.lists, network.head
    source, back, target = lists.source[number], lists.recurrent[number], lists.target[number]
    before = network.layers[number - 1] if number else network
    made = activation_of(layer.kind, layer.activation)
    return {
        "column_base": region.column_base,
        "bias_base": config.column_depth + region.bias_base,
        "rows": region.outputs - 1,
        "shift": layer.shift - config.shift_low,
        "relu": int(made.relu),
        "last": int(number == len(network.layers) - 1),
        "function": int(made.function),
        "recurrent_base": region.recurrent_base,
        "source": source.number,
        "source_alternates": int(source.alternates),
        "recurrent": back.number if back else 0,
        "fed_back": int(back is not None),
        "target": target.number,
        "target_alternates": int(target.alternates),
        "kind": int(program_of(layer.kind, peepholes=layer.peepholes)),
        "cell_base": region.cell_base if region.cells else 0,
        "head": int(head is not None and number >= head),
        "threshold": layer.threshold,
        "source_threshold": before.threshold,
        "keep": int(head is None or number < head),
    }


def entry_places(
    count: NDArray[np.int64], start: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """PE, column and address of every entry, by PE and column; `count` and `start` (pes, columns).

    Three arrays of shape (entries,).
    """
    flat = count.reshape(-1)
    segment = np.repeat(np.arange(flat.size), flat)
    nth = np.arange(len(segment)) - np.repeat(np.cumsum(flat) - flat, flat)
    pe, column = np.divmod(segment, count.shape[1])
    return pe, column, start.reshape(-1)[segment] + nth


def unpack_layer(image: Image, number: int) -> tuple[csc.Compressed, NDArray[np.int64]]:
    """One layer read back from the image: the matrix, and the address of each column's first entry.

    The latter has shape (pes, columns).
    """
    config = image.config
    words = layout.unpack(layout.descriptor(config), image.program)
    base = int(words["column_base"][number])
    last = bool(words["last"][number])
    end = image.used["pointers"] if last else int(words["column_base"][number + 1])
    return unpack_columns(image, base, end)


def unpack_columns(image: Image, base: int, end: int) -> tuple[csc.Compressed, NDArray[np.int64]]:
    """The same for the columns whose pointers are at base..end-1."""
    config = image.config
    pointers = layout.unpack(layout.pointer(config), image.pointers[:, base:end])
    count, start = pointers["count"], pointers["start"] * config.entry_lanes
    pe, _, address = entry_places(count, start)
    fields = layout.unpack(layout.entry(config), image.entries[pe, address])
    return csc.Compressed(code=fields["code"], run=fields["run"], count=count), start
