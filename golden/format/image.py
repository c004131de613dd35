"""The image: every word that is loaded into an engine for one network (docs/format.md).

The same image goes to the golden timing model, to any simulator, into a bitstream, and over the
load port. Nobody packs bits a second time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.format import csc, layout
from golden.format import plan as cell_image
from golden.format.network import Layer, Network, locate, locate_rows
from golden.proof import check_accumulators


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
    """Biases, shape (groups, bias_depth), signed; behind the pointers in the column memory."""
    program: NDArray[np.uint64]
    """Layer program, shape (layers,), Python integers beyond 64 bits; unused words are 0."""
    used: dict[str, int]
    """Words really used in one unit's memory: entries and pointers (largest PE), biases."""

    @property
    def codebook_words(self) -> NDArray[np.uint64]:
        """The codebook as it stands in memory: two's complement bits, same shape."""
        return _bits(self.codebook, self.config.weight_width)

    @property
    def entry_words(self) -> NDArray[np.uint64]:
        """The entry memories' words, shape (pes, entry_depth / entry_lanes), first entry lowest."""
        lanes = self.entries.reshape(self.config.pes, -1, self.config.entry_lanes)
        # Two entries share a word of 16 bits, however wide they are.
        shifts = (8 * np.arange(self.config.entry_lanes)).astype(np.uint64)
        return np.bitwise_or.reduce(lanes << shifts, axis=2)

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


def _bits(values: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    """Signed integers as words of `width` bits."""
    return (values & ((1 << width) - 1)).astype(np.uint64)


def encode(network: Network) -> Image:
    """The image of a network.

    Raises ElsieError naming the layer that exceeds a memory or whose sums could overflow.
    """
    check_accumulators(network)
    return _Encoder(network).image()


def layer_nonzeros(config: EngineConfig, layer: Layer, inputs: NDArray[np.int64]) -> csc.Nonzeros:
    """A layer's matrix by PE, local row and column; `inputs` is where each column stands."""
    pe, row = locate_rows(config, layer)
    return csc.Nonzeros(
        pe=pe[layer.rows], row=row[layer.rows], column=inputs[layer.columns], code=layer.codes
    )


class _Encoder:
    """Fills the memories layer by layer."""

    def __init__(self, network: Network) -> None:
        config = network.config
        self.network, self.config = network, config
        self.entries = np.zeros((config.pes, config.entry_depth), dtype=np.uint64)
        self.pointers = np.zeros((config.pes, config.column_depth), dtype=np.uint64)
        size = config.layers << config.code_width if config.mac is MacKind.CODEBOOK else 0
        self.codebook = np.zeros(size, dtype=np.int64)
        self.biases = np.zeros((config.groups, config.bias_depth), dtype=np.int64)
        wide = layout.width(layout.descriptor(config)) > 64
        self.program = np.zeros(config.layers, dtype=object if wide else np.uint64)
        self.next_entry = np.zeros(config.pes, dtype=np.int64)
        self.next_column = 0
        self.next_bias = 0

    def image(self) -> Image:
        config, layers = self.config, self.network.layers
        if len(layers) > config.layers:
            raise ElsieError(
                f"network {self.network.name} has {len(layers)} layers, but the engine's program "
                f"holds {config.layers}; raise layers"
            )
        inputs, columns = np.arange(self.network.n_in), _padded(config, self.network.n_in)
        plan = cell_image.plan(self.network)
        for number, layer in enumerate(layers):
            self._check_list(layer, layer.n_in, columns)
            more = plan.fields(number, column_base=self.next_column, columns=columns)
            if config.cells:
                more["peephole"] = self._peepholes(layer)
            if layer.n_back:
                back = layers[number + layer.projected]
                inputs = np.concatenate((inputs, columns + back.position))
                columns += self._rows(back) * config.slots
            self._layer(number, layer, inputs, columns, more)
            inputs, columns = layer.position, self._rows(layer) * config.slots
        self._check_list(layers[-1], layers[-1].n_out, columns)
        return Image(
            config=config,
            entries=self.entries,
            pointers=self.pointers,
            codebook=self.codebook,
            biases=self.biases,
            program=self.program,
            used={
                "entries": int(self.next_entry.max()),
                "pointers": self.next_column,
                "biases": self.next_bias,
            },
        )

    def _check_list(self, layer: Layer, count: int, columns: int) -> None:
        """Refuse activations that exceed a list."""
        config = self.config
        if columns > config.act_depth * config.groups:
            what = "inputs" if count == layer.n_in else "outputs"
            raise ElsieError(
                f"layer {layer.name}: {count} {what} do not fit the activation memory "
                f"(act_depth {config.act_depth} x {config.groups} groups); raise act_depth"
            )

    def _rows(self, layer: Layer) -> int:
        """Outputs per PE of a layer."""
        return int(locate(self.config, layer.position)[1].max()) + 1

    def _peepholes(self, layer: Layer) -> int:
        """Store peephole weights, before the layer's entries; returns their first address."""
        if not layer.peepholes:
            return 0
        base, rows = int(self.next_entry.max()), self._rows(layer)
        self._need(layer, "entry_depth", base + 3 * rows)
        pe, local = locate(self.config, layer.position)
        for nth in range(3):
            words = layout.pack(
                layout.entry(self.config), code=layer.peephole[:, nth], run=np.zeros_like(local)
            )
            self.entries[pe, base + 3 * local + nth] = words
        self.next_entry[:] = base + 3 * rows
        return base

    def _layer(
        self,
        number: int,
        layer: Layer,
        inputs: NDArray[np.int64],
        columns: int,
        more: dict[str, int],
    ) -> None:
        """One layer's memories; `inputs` is where its columns stand, of `columns`."""
        config, rows = self.config, self._rows(layer)
        sums = layer.kind.gates * rows
        compressed = csc.encode(config, layer_nonzeros(config, layer, inputs), columns=columns)
        start = self._starts(compressed)
        self._need(layer, "entry_depth", int(self.next_entry.max()))
        self._need(layer, "column_depth", self.next_column + columns)
        self._need(layer, "bias_depth", self.next_bias + sums * config.group)
        self.program[number] = layout.pack(
            layout.descriptor(config),
            column_base=self.next_column,
            bias_base=config.column_depth + self.next_bias,
            rows=rows - 1,
            shift=layer.shift - config.shift_low,
            relu=int(layer.activation == "relu"),
            last=int(number == len(self.network.layers) - 1),
            **more,
        )
        self._store(compressed, start, columns)
        if self.codebook.size:
            base = number << config.code_width
            self.codebook[base : base + len(layer.codebook)] = layer.codebook
        pe, row = locate_rows(config, layer)
        index = row * config.group + pe % config.group
        self.biases[pe // config.group, self.next_bias + index] = layer.bias
        self.next_column += columns
        self.next_bias += sums * config.group

    def _starts(self, compressed: csc.Compressed) -> NDArray[np.int64]:
        """Address of each column's first entry, shape (pes, columns), behind the layers before."""
        lanes = self.config.entry_lanes
        size = -(-compressed.count // lanes) * lanes
        start = self.next_entry[:, None] + np.cumsum(size, axis=1) - size
        self.next_entry = self.next_entry + size.sum(axis=1)
        start[compressed.count == 0] = 0
        return start

    def _store(self, compressed: csc.Compressed, start: NDArray[np.int64], columns: int) -> None:
        """Entries and pointers of one layer."""
        config = self.config
        words = layout.pack(layout.entry(config), code=compressed.code, run=compressed.run)
        pe, _, address = entry_places(compressed.count, start)
        self.entries[pe, address] = words
        here = slice(self.next_column, self.next_column + columns)
        self.pointers[:, here] = layout.pack(
            layout.pointer(config), start=start // config.entry_lanes, count=compressed.count
        )

    def _need(self, layer: Layer, name: str, needed: int) -> None:
        """Refuse a layer that exceeds a memory."""
        depth = getattr(self.config, name)
        if needed > depth:
            raise ElsieError(
                f"layer {layer.name}: it needs {name} {needed}, but the engine has {depth}; "
                f"lower the density or raise {name}"
            )


def _padded(config: EngineConfig, n: int) -> int:
    """Columns of an input of `n` activations spread over the groups."""
    return -(-n // config.groups) * config.groups


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
    pointers = layout.unpack(layout.pointer(config), image.pointers[:, base:end])
    count, start = pointers["count"], pointers["start"] * config.entry_lanes
    pe, _, address = entry_places(count, start)
    fields = layout.unpack(layout.entry(config), image.entries[pe, address])
    return csc.Compressed(code=fields["code"], run=fields["run"], count=count), start
