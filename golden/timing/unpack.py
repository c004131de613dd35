"""An image as the engine sees it: layers unpacked, and what the counters count."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.format import csc, layout
from golden.format.alphabets import decode
from golden.format.image import Image, unpack_layer
from golden.format.lists import Place
from golden.format.program import Function, Kind
from golden.kinds import GATES, ActCode
from golden.timing.phase import Operations, operations

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Entries:
    """What the memories hold of one layer, of any kind."""

    shift: int
    bias: Ints
    """Bias of every sum, shape (pes, sums); with maps of every unit."""
    count: Ints
    """Entries of each column, shape (pes, columns)."""
    start: Ints
    """Address of each column's first entry, shape (pes, columns)."""
    first: Ints
    """Index of each column's first entry in the flat arrays, shape (pes, columns)."""
    row: Ints
    """Local row of each entry, shape (entries,)."""
    weight: Ints
    """Integer weight of each entry, shape (entries,)."""
    real: NDArray[np.bool_]
    """False for padding entries, shape (entries,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class UnpackedLayer(Entries):
    """One layer of vectors as the engine sees it, unpacked from the image."""

    kind: Kind
    """Which program of operations it ends in."""
    operations: Operations
    """That program, for its rows."""
    rows: int
    """Outputs per PE: rows, or cells."""
    gates: int
    """Sums for each of them."""
    relu: bool
    coded: bool
    """Its outputs are sent as codes."""
    function: Function
    """Of the results of a fully connected layer."""
    column_base: int
    """Address of the pointer of column 0."""
    recurrent_base: int
    """Address of the pointer of the first column that is fed back."""
    source: Place
    """List of its inputs."""
    back: Place | None
    """List of what is fed back, from the previous step."""
    target: Place
    """List of its outputs."""
    cell_base: int
    """Number of its first cell."""
    head: bool
    """It runs only when an answer is requested."""
    keep: bool
    """With delta: its sums last from step to step."""
    source_threshold: int
    threshold: int
    """With delta: inputs and outputs are sent when they have moved by more than this."""
    peephole: Ints
    """Weights of the peepholes, shape (pes, rows, 3); zero without."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What the engine's counters show after an inference."""

    cycles: int
    """Cycles in which layers ran."""
    macs: int
    """Useful multiply-accumulates."""
    stalls: int
    """Cycles in which broadcasts were held because a queue was nearly full."""
    starved: int
    """PE-cycles in which layers ran, with neither an entry issued nor an operation."""


def unpack(image: Image) -> tuple[UnpackedLayer, ...]:
    """The layers of an image, in order."""
    words = layout.unpack(layout.descriptor(image.config), image.program)
    depth = int(np.flatnonzero(words["last"])[0]) + 1
    return tuple(
        _layer(image, {name: int(values[number]) for name, values in words.items()}, number)
        for number in range(depth)
    )


def _layer(image: Image, word: dict[str, int], number: int) -> UnpackedLayer:
    """Layer `number`; `word` is its descriptor."""
    config = image.config
    # Fields that a descriptor lacks are 0, but without cells the two lists alternate.
    fields = defaultdict(int, {"source": number % 2, "target": 1 - number % 2, **word})
    kind, rows = Kind(fields["kind"]), fields["rows"] + 1
    gates = 1 if kind is Kind.DENSE else GATES
    compressed, start = unpack_layer(image, number)
    book = codebook(image, number)
    return UnpackedLayer(
        **entries(image, number, compressed, start),
        kind=kind,
        operations=operations(config, kind, rows),
        rows=rows,
        gates=gates,
        shift=fields["shift"] + config.shift_low,
        relu=bool(fields["relu"]),
        coded=config.act_code is not ActCode.LINEAR and not fields["last"],
        function=Function(fields["function"]),
        column_base=fields["column_base"],
        recurrent_base=fields["recurrent_base"],
        source=_place(fields, "source"),
        back=Place(number=fields["recurrent"], alternates=True) if fields["fed_back"] else None,
        target=_place(fields, "target"),
        cell_base=fields["cell_base"],
        head=bool(fields["head"]),
        keep=bool(fields["keep"]),
        source_threshold=fields["source_threshold"],
        threshold=fields["threshold"],
        bias=biases(image, fields["bias_base"], rows * gates),
        peephole=_peepholes(
            image, kind, fields["peephole"], rows, lambda c: decode(config, c, book)
        ),
    )


def entries(
    image: Image, number: int, compressed: csc.Compressed, start: Ints
) -> dict[str, NDArray[Any]]:
    """The fields of `Entries` but shift and bias, of layer `number`; `start` (pes, columns)."""
    nonzeros, real = csc.decode(image.config, compressed)
    flat = compressed.count.reshape(-1)
    return {
        "count": compressed.count,
        "start": start,
        "first": (np.cumsum(flat) - flat).reshape(compressed.count.shape),
        "row": nonzeros.row,
        "weight": decode(image.config, compressed.code, codebook(image, number)),
        "real": real,
    }


def codebook(image: Image, number: int) -> Ints | None:
    """That of layer `number`, if engines of this kind have one."""
    if not image.codebook.size:
        return None
    base = number << image.config.code_width
    return image.codebook[base : base + (1 << image.config.code_width)]


def _place(fields: dict[str, int], name: str) -> Place:
    return Place(number=fields[name], alternates=bool(fields[f"{name}_alternates"]))


def biases(image: Image, base: int, rows: int) -> Ints:
    """Bias of every row of every PE, shape (pes, rows)."""
    config, first = image.config, base - image.config.column_depth
    table = image.biases[:, first : first + rows * config.group]
    every = table.reshape(config.groups, rows, config.group).transpose(0, 2, 1)
    return every.reshape(config.slots, rows)[: config.pes]


def _peepholes(
    image: Image, kind: Kind, base: int, rows: int, weights: Callable[[Ints], Ints]
) -> Ints:
    """Weights of a layer's peepholes, shape (pes, rows, 3)."""
    pes = image.config.pes
    if kind is not Kind.PEEPHOLES:
        return np.zeros((pes, rows, 3), dtype=np.int64)
    entries = image.entries[:, base : base + 3 * rows]
    code = layout.unpack(layout.entry(image.config), entries)["code"]
    return weights(code).reshape(pes, rows, 3)


def accumulate(key: Ints, order: Ints, product: Ints, size: int) -> tuple[Ints, Ints]:
    """Running sum after each product of its `key` in `order`, and the final sums, shape (size,)."""
    by_key = np.lexsort((order, key))
    sorted_key, running = key[by_key], np.cumsum(product[by_key])
    first = np.ones(len(key), dtype=bool)
    first[1:] = sorted_key[1:] != sorted_key[:-1]
    begin = np.flatnonzero(first)
    before = np.where(begin > 0, running[begin - 1], 0)
    running = running - np.repeat(before, np.diff(np.append(begin, len(key))))
    result = np.empty_like(running)
    result[by_key] = running
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, key, product)
    return result, sums
