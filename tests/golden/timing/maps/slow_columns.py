"""Where entries of a network with maps lie, in plain Python, from the formulas of
docs/convolution.md."""

from dataclasses import dataclass, field

from golden.config import EngineConfig
from golden.format.layer import Layer
from golden.format.network import Network
from golden.maps.convolution import Source
from tests.golden.timing.slow_memories import place, slow_encode

Entries = list[tuple[int, int | None]]
"""Local row and weight of each entry of a column; None for padding."""


@dataclass
class Map:
    """A layer's output, or the network's input (number -1)."""

    shape: tuple[int, int, int]
    phases: int
    group: list[int]
    place: list[int]
    bits: int
    """Of a place; an index is i << bits | place."""

    @property
    def length(self) -> int:
        steps = -(-self.shape[2] // self.phases)
        return ((steps - 1) << self.bits) + max(self.place) + 1


@dataclass
class Reader:
    """A source of a layer."""

    source: Source
    given: Map
    local: bool
    step: int
    """Rows that are due in a state."""
    skipped: int
    shift: int
    more: int
    first: int
    width: int
    base: int = 0
    """Address of its first column."""

    def column(self, phase: int, at: int, group: int, groups: int) -> int:
        """Address of the pointers of a place in a row phase, for a group's activation."""
        if self.source.uniform:
            phase = 0
        inner = phase * self.width + at
        return self.base + (inner if self.local else inner * groups + group)


@dataclass
class Slow:
    """A layer."""

    layer: Layer
    shape: tuple[int, int]
    pool: tuple[int, int]
    flat: bool
    unit_bits: int
    sums: int
    live: int
    lead: int
    bias: dict[tuple[int, int], int]
    """Of PE and local unit."""
    readers: list[Reader] = field(default_factory=list)
    columns: list[dict[int, tuple[int, Entries]]] = field(default_factory=list)
    """Of each PE: address of a column -> first entry, and its entries."""


def bits(value: int) -> int:
    return value.bit_length()


def maps_of(network: Network) -> list[Map]:
    """The input's, and every layer's."""
    config = network.config
    channels, rows, width = network.input_shape
    phases = 1
    if (rows, width) != (1, 1):
        while phases < 4 and channels * phases < config.groups and 2 * phases <= width:
            phases *= 2
    units = range(channels * phases)
    where = [u // config.groups for u in units]
    shape = (channels, rows, width)
    found = [Map(shape, phases, [u % config.groups for u in units], where, bits(max(where)))]
    for layer in network.layers:
        pes = [place(config, int(p)) for p in layer.position]
        maps, group = layer.maps, config.group
        size = (maps.shape[0] // maps.pool[0], maps.shape[1] // maps.pool[1]) if maps else (1, 1)
        found.append(
            Map(
                (layer.n_out, size[0], size[1]),
                maps.phases if maps else 1,
                [pe // group for pe, _ in pes],
                [row * group + pe % group for pe, row in pes],
                bits(max(row for _, row in pes)) + bits(group - 1),
            )
        )
    return found


def slow_layers(network: Network) -> list[Slow]:
    """All layers with their columns."""
    config, maps = network.config, maps_of(network)
    column, free, found = 0, [0] * config.pes, []
    for number, layer in enumerate(network.layers):
        one = _layer(network, maps, number)
        rows: list[dict[int, dict[int, int]]] = [{} for _ in range(config.pes)]
        first = 0
        for reader in one.readers:
            reader.base = column
            kept = 1 if reader.source.uniform else reader.step - reader.skipped
            column += kept * reader.width * (1 if reader.local else config.groups)
            end = first + reader.source.columns(reader.given.shape[0])
            _entries(config, one, reader, range(first, end), rows)
            first = end
        for pe, columns in enumerate(rows):
            encoded = {}
            for address in sorted(columns):
                entries = slow_encode(config.run_width, columns[address])
                encoded[address] = (free[pe], _decode(network, layer, entries))
                free[pe] += len(entries)
            one.columns.append(encoded)
        found.append(one)
    return found


def _decode(network: Network, layer: Layer, entries: list[tuple[int, int]]) -> Entries:
    longest, row, found = (1 << network.config.run_width) - 1, 0, []
    for code, run in entries:
        row += run
        if run == longest:
            found.append((row, None))
            continue
        weight = layer.codebook[code] if len(layer.codebook) else code - 256 * (code >= 128)
        found.append((row, int(weight)))
        row += 1
    return found


def _layer(network: Network, maps: list[Map], number: int) -> Slow:
    config, layer = network.config, network.layers[number]
    conv = layer.maps
    sources = conv.sources if conv else (Source(layer=number - 1, kernel=(1, 1)),)
    shape = (conv.shape[0], conv.shape[1]) if conv else (1, 1)
    given = [maps[source.layer + 1] for source in sources]
    flat = shape == (1, 1) and all(
        s.kernel == m.shape[1:] and s.pad == (0, 0) for s, m in zip(sources, given, strict=True)
    )
    pes = [place(config, int(p)) for p in layer.position]
    unit_bits = bits(max(row for _, row in pes))
    phases = conv.phases if conv else 1
    one = Slow(
        layer=layer,
        shape=shape,
        pool=(conv.pool[0], conv.pool[1]) if conv else (1, 1),
        flat=flat,
        unit_bits=unit_bits,
        sums=max(r for _, r in pes) + 1 if flat else (shape[1] // phases) << unit_bits,
        live=1,
        lead=0,
        bias={where: int(layer.bias[u % layer.n_out]) for u, where in enumerate(pes)},
    )
    for source, made in zip(sources, given, strict=True):
        one.readers.append(_reader(config, one, source, made, maps[number + 1], phases))
        if not flat:
            one.live = max(one.live, (source.kernel[0] - 1) // source.stride[0] + 1)
            one.lead = max(one.lead, (source.kernel[0] - 1 - source.pad[0]) // source.stride[0])
    return one


def _reader(
    config: EngineConfig, one: Slow, source: Source, given: Map, target: Map, phases: int
) -> Reader:
    channels, outputs = given.shape[0], one.layer.n_out
    local = source.depthwise and config.groups > 1
    for unit, group in enumerate(target.group):
        channel = unit % outputs // (outputs // channels) if source.depthwise else 0
        for phase in range(given.phases):
            local = local and given.group[phase * channels + channel] == group
    step = source.kernel[0] if one.flat else source.stride[0]
    every = max(given.phases, source.stride[1] * phases)
    inside = bits(every // given.phases) - 1
    top = max(given.place) + 1
    if source.uniform:
        shift, width = given.bits, top
    elif one.flat:
        shift, width = bits(given.length - 1), given.length
    else:
        shift = given.bits + inside
        width = min((((1 << inside) - 1) << given.bits) + top, given.length)
    return Reader(
        source=source,
        given=given,
        local=local,
        step=step,
        skipped=max(0, step - source.kernel[0]),
        shift=shift,
        more=bits(every // (source.stride[1] * phases)) - 1 + one.unit_bits,
        first=0
        if one.flat
        else min(e for _, _, _, e in ways(source, given, phases)) << one.unit_bits,
        width=width,
    )


def ways(source: Source, given: Map, phases: int) -> list[tuple[int, int, int, int]]:
    """kx, p, x' and e, wherever e is an integer."""
    step = source.stride[1] * phases
    return [
        (kx, p, x, (x + source.pad[1] - kx - source.stride[1] * p) // step)
        for kx in range(source.kernel[1])
        for p in range(phases)
        for x in range(min(max(given.phases, step), given.shape[2]))
        if (x + source.pad[1] - kx - source.stride[1] * p) % step == 0
    ]


def _entries(
    config: EngineConfig,
    one: Slow,
    reader: Reader,
    columns: range,
    rows: list[dict[int, dict[int, int]]],
) -> None:
    """Put a source's weights at their places: PE -> column -> local row -> code."""
    source, given, layer = reader.source, reader.given, one.layer
    channels, phases = given.shape[0], layer.maps.phases if layer.maps else 1
    where = [place(config, int(p)) for p in layer.position]
    ring = bits(config.maps.rows - 1)

    def put(unit: int, from_unit: int, at: int, phase: int, n: int, code: int) -> None:
        pe, group = where[unit][0], given.group[from_unit]
        column = reader.column(phase, at, group, config.groups)
        rows[pe].setdefault(column, {})[n] = code

    for column in columns:
        channel, inner = divmod(column - columns[0], source.places)
        ky, kx = divmod(inner, source.kernel[1])
        for nth in range(int(layer.indptr[column]), int(layer.indptr[column + 1])):
            output, code = int(layer.rows[nth]), int(layer.codes[nth])
            c = output // (layer.n_out // channels) if source.depthwise else channel
            if one.flat:
                for x in range(given.phases) if source.uniform else [kx]:
                    unit = x % given.phases * channels + c
                    at = given.place[unit]
                    at += 0 if source.uniform else x // given.phases << given.bits
                    put(output, unit, at, ky, where[output][1], code)
                continue
            q = (source.kernel[0] - 1 - ky) % reader.step
            j = (source.kernel[0] - 1 - ky) // reader.step
            for kx_, p, x, e in ways(source, given, phases):
                if kx_ != kx:
                    continue
                unit = x % given.phases * channels + c
                at = (x // given.phases << given.bits) + given.place[unit]
                to = p * layer.n_out + output
                n = (((e << one.unit_bits) - reader.first + where[to][1]) << ring) + j
                put(to, unit, at, reader.step - 1 - q - reader.skipped, n, code)
