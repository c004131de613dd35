"""Where a network's activations and states are in an engine: lists, and cells."""

from dataclasses import dataclass

from golden.errors import ElsieError
from golden.format.lists import Lists, allocate
from golden.format.network import Layer, Network, locate
from golden.format.program import program_of
from golden.kinds import EntryMemory, LayerKind


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Lists and first cells of a network's layers."""

    network: Network
    lists: Lists
    cell_base: tuple[int, ...]
    """Number of each layer's first cell in every PE; 0 for dense layers."""

    def fields(self, number: int, *, column_base: int, columns: int) -> dict[str, int]:
        """Fields of layer `number`'s descriptor (layout.cell_descriptor), but for peephole.

        None without cells: then there are two lists, which layers use in turn. `columns` is how
        many its input takes.
        """
        if not self.network.config.cells:
            return {}
        layer, lists, head = self.network.layers[number], self.lists, self.network.head
        source, back, target = (
            lists.source[number],
            lists.recurrent[number],
            lists.target[number],
        )
        more: dict[str, int] = {}
        if self.network.config.delta:
            before = self.network if not number else self.network.layers[number - 1]
            more = {
                "threshold": layer.threshold,
                "source_threshold": before.threshold,
                "keep": int(head is None or number < head),
            }
        return {
            **more,
            "recurrent_base": column_base + columns if back else 0,
            "source": source.number,
            "source_alternates": int(source.alternates),
            "recurrent": back.number if back else 0,
            "fed_back": int(back is not None),
            "target": target.number,
            "target_alternates": int(target.alternates),
            "kind": int(program_of(layer.kind, peepholes=layer.peepholes)),
            "cell_base": self.cell_base[number],
            "head": int(head is not None and number >= head),
        }


def plan(network: Network) -> Plan:
    """Lists and states of a network. Raises ElsieError naming what has no room for them."""
    config, lists = network.config, allocate(network)
    if lists.per_stream > config.stream_lists:
        raise ElsieError(
            f"network {network.name}: it needs {lists.per_stream} lists of activations for each of "
            f"{config.streams} streams, but the engine has {config.act_lists}; raise act_lists"
        )
    base, bases = 0, []
    for layer in network.layers:
        bases.append(base)
        if layer.kind is LayerKind.DENSE:
            bases[-1] = 0
            continue
        base += _local(network, layer)
        if base > config.cells:
            raise ElsieError(
                f"layer {layer.name}: the cells up to here need {base} a PE, but the engine has "
                f"{config.cells}; raise cells"
            )
        if layer.peepholes and config.entry_memory is EntryMemory.SPRAM:
            raise ElsieError(f"layer {layer.name}: peepholes need entry_memory block, not spram")
    return Plan(network=network, lists=lists, cell_base=tuple(bases))


def _local(network: Network, layer: Layer) -> int:
    """Cells of a layer in the PE that has the most."""
    return int(locate(network.config, layer.position)[1].max()) + 1
