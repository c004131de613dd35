"""Comments in the exported Verilog: what the integers on its ports stand for."""

import re
from typing import Any

from golden.format.layer import Layer
from golden.format.network import Network

_POSITIONS = 12
"""Positions in a line of the list."""


def annotate(text: str, network: Network, *, module: str) -> str:
    """The Verilog `text` with a head on the network, and fields on the ports of `module`."""
    before, found, rest = text.partition(f"module {module}(")
    inside, end, after = rest.partition("endmodule")
    for port, comment in _comments(network).items():
        inside = re.sub(
            rf"^( *(?:input|output) .*\b{port};)$",
            lambda match, comment=comment: f"{match[1]} // {comment}",
            inside,
            flags=re.MULTILINE,
        )
    head = "".join(f"// {line}\n" for line in _head(network))
    return f"{head}\n{before}{found}{inside}{end}{after}"


def _comments(network: Network) -> dict[str, str]:
    """A line for each port that has fields."""
    from rtl.layouts import counters_layout, input_layout, output_layout
    from rtl.load import load_layout

    config = network.config
    first, last = network.layers[0], network.layers[-1]
    reads = {
        "input__payload": (input_layout(config), {"value": _scale("in_frac", first.in_frac)}),
        "output__payload": (output_layout(config), {"value": _scale("out_frac", last.out_frac)}),
        "counters": (counters_layout(), {}),
        "load__payload": (load_layout(config), {}),
    }
    return {port: _fields(layout, notes) for port, (layout, notes) in reads.items()}


def _scale(name: str, frac: int) -> str:
    """What an integer stands for."""
    return f" signed, stands for value / 2**{frac} ({name} {frac})"


def _fields(layout: Any, notes: dict[str, str]) -> str:
    """Every field's bits, name, and note."""
    return "; ".join(
        f"[{_bits(field.offset, field.width)}] {name}{notes.get(name, '')}"
        for name, field in layout
    )


def _bits(offset: int, width: int) -> str:
    """As Verilog writes a part of a vector."""
    return f"{offset}" if width == 1 else f"{offset + width - 1}:{offset}"


def _head(network: Network) -> list[str]:
    """The network, its layers' scales, and where each output is."""
    position = [int(at) for at in network.layers[-1].position]
    pairs = [f"{number}:{at}" for number, at in enumerate(position)]
    lines = [pairs[start : start + _POSITIONS] for start in range(0, len(pairs), _POSITIONS)]
    return [
        f"Elsie's engine with network {network.name!a}: {network.n_in} inputs, in order, and "
        f"{network.n_out} outputs.",
        "Layers; an integer stands for itself / 2**frac:",
        *(_layer(layer) for layer in network.layers),
        *_answers(network),
        "Outputs that are 0 are not sent; the others come in any order, each with its position.",
        "output:position:",
        *("  " + " ".join(line) for line in lines),
    ]


def _layer(layer: Layer) -> str:
    """A layer's size and scales."""
    return (
        f"  {layer.name!a}: {layer.kind.value}, {layer.n_in} to {layer.n_out}, "
        f"{layer.activation}, in_frac {layer.in_frac}, weight_frac {layer.weight_frac}, "
        f"out_frac {layer.out_frac}"
    )


def _answers(network: Network) -> list[str]:
    """What is said only of some engines."""
    config, lines = network.config, []
    if config.streams > 1:
        lines.append(f"A step has the inputs of all {config.streams} streams, one after the other.")
    if config.delta and network.head is None:
        lines.append("Outputs are differences from those of the step before (delta).")
    return lines
