"""What the memories of an engine hold, in plain Python: for the slow timing model."""

from dataclasses import dataclass

from golden.config import EngineConfig
from golden.format.layer import Layer
from golden.format.network import Network
from golden.format.program import Kind, program_of

Entry = tuple[int, int]
"""code, run"""
Work = list[tuple[int, int] | None]
"""(row, weight) of each entry of a column; None for padding."""


def slow_encode(run_width: int, column: dict[int, int]) -> list[Entry]:
    """Entries of one column of one PE: {row: code} -> [(code, run)].

    As the docstring of golden.format.csc says: a run counts the rows to skip since the last entry;
    all ones is padding, which skips that many rows and carries nothing.
    """
    longest = (1 << run_width) - 1
    entries, row = [], 0
    for target in sorted(column):
        while target - row >= longest:
            entries.append((0, longest))
            row += longest
        entries.append((column[target], target - row))
        row = target + 1
    return entries


@dataclass
class Memories:
    """What all PEs store of one layer."""

    layer: Layer
    rows: int
    """Outputs of a PE."""
    base: int
    """Address of the pointers of column 0."""
    back: int
    """First of the columns that are fed back."""
    first_cell: int
    kind: Kind
    columns: list[dict[int, tuple[int, Work]]]
    """Of each PE: column -> first address, and its work."""


def place(config: EngineConfig, position: int) -> tuple[int, int]:
    """PE and local row of a position (golden.format.network.Layer.position)."""
    group, index = position % config.groups, position // config.groups
    return group * config.group + index % config.group, index // config.group


def _rows(config: EngineConfig, layer: Layer) -> int:
    return max(place(config, int(p))[1] for p in layer.position) + 1


def memories(network: Network) -> list[Memories]:
    """Of all layers."""
    c, found = network.config, []
    entry, base, cells = [0] * c.pes, 0, 0
    columns, inputs = -(-network.n_in // c.groups) * c.groups, list(range(network.n_in))
    for number, layer in enumerate(network.layers):
        rows, back = _rows(c, layer), columns
        if layer.n_back:
            fed = network.layers[number + layer.projected]
            inputs = inputs + [columns + int(p) for p in fed.position]
            columns += _rows(c, fed) * c.group * c.groups
        if layer.peepholes:  # before the entries, at one address in all PEs
            entry = [max(entry) + 3 * rows] * c.pes
        found.append(
            Memories(
                layer=layer,
                rows=rows,
                base=base,
                back=back,
                first_cell=cells,
                kind=program_of(layer.kind, peepholes=layer.peepholes),
                columns=_columns(c, layer, inputs, entry),
            )
        )
        cells += rows if layer.kind.gates > 1 else 0
        base += columns
        columns, inputs = rows * c.group * c.groups, [int(p) for p in layer.position]
    return found


def _columns(
    config: EngineConfig, layer: Layer, inputs: list[int], entry: list[int]
) -> list[dict[int, tuple[int, Work]]]:
    """Every PE's columns of a layer; `entry`, each PE's next free address, moves on."""
    slices: list[dict[int, dict[int, int]]] = [{} for _ in range(config.pes)]
    for nth, weight in enumerate(layer.weights(config)):
        gate, output = divmod(int(layer.rows[nth]), layer.n_out)
        pe, local = place(config, int(layer.position[output]))
        row = local if layer.kind.gates == 1 else 4 * local + gate
        slices[pe].setdefault(inputs[int(layer.columns[nth])], {})[row] = int(weight)
    lanes = 2 if config.entry_memory == "spram" else 1
    found = []
    for pe, columns in enumerate(slices):
        stored: dict[int, tuple[int, Work]] = {}
        for column in sorted(columns):
            work = _work(config, columns[column])
            stored[column] = (entry[pe], work)
            entry[pe] += len(work) + len(work) % lanes
        found.append(stored)
    return found


def _work(config: EngineConfig, rows: dict[int, int]) -> Work:
    """Entries of a PE's column, {row: weight}, with padding."""
    work, row = [], 0
    for _, run in slow_encode(config.run_width, dict.fromkeys(rows, 0)):
        row += run
        if run == (1 << config.run_width) - 1:
            work.append(None)
            continue
        work.append((row, rows[row]))
        row += 1
    return work
