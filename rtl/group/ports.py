"""What a PE group shows to the engine."""

from amaranth.hdl import Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import (
    arriving_layout,
    begin_layout,
    broadcast_layout,
    element_layout,
    phase_layout,
)
from rtl.load import load_layout
from rtl.maps.layouts import row_layout, target_layout


class GroupPorts(wiring.Component):
    """The ports of rtl.group.group.Group; those that its engine needs.

    broadcast: an activation and its column.
    hold: it does not move on, nor what is granted; not with `stages.fifo`.
    layer: number of the layer that is broadcast.
    near_full: any PE's queue was nearly full a cycle ago; or, if there is one, the FIFO was.
    begin: the activations of the next phase are read from the next cycle on; with maps, the layer
        begins.
    phase: the phase whose operations run.
    closed: all its jobs have arrived.
    end: it ends with this cycle's write; not with maps, nor closed.
    pending: the activation memory has elements left.
    more: it has at least two; only with `stages.grant`.
    grant: take the next one; with `stages.grant` a cycle later.
    element: that one, a cycle after it is taken, or two; with maps another one, unless it is local.
    arriving: an input activation; only between inferences.
    over: the operations of all PEs have begun.
    starving: one bit for each PE: it has neither an entry nor an operation.
    load_valid: a word of the load port.
    load_word: the word.

    With cells:

    lists: the activations of the next phase.
    target: the list that is written.
    odd: of the phase that is broadcast, which of the PEs' sums it uses; where phases overlap.

    With delta:

    inputs: what was written two cycles ago was an input.
    input_threshold: of inputs.
    reset: forget everything.

    With maps:

    row: a row of a map begins to be read.
    written: the map that is written.
    """

    broadcast: data.View
    hold: Signal
    layer: Signal
    near_full: Signal
    begin: Signal
    phase: data.View
    closed: Signal
    end: Signal
    pending: Signal
    more: Signal
    grant: Signal
    element: data.View
    arriving: data.View
    over: Signal
    starving: Signal
    load_valid: Signal
    load_word: data.View
    lists: data.View
    target: Signal
    odd: Signal
    inputs: Signal
    input_threshold: Signal
    reset: Signal
    row: data.View
    written: data.View

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """Which there are, and their widths, come from `config`; `size` PEs."""
        cells = {"lists": In(begin_layout(config)), "target": In(config.list_width)}
        delta = {"inputs": In(1), "input_threshold": In(config.act_width - 1), "reset": In(1)}
        maps = {"row": In(row_layout(config)), "written": In(target_layout(config))}
        super().__init__(
            {
                "broadcast": In(broadcast_layout(config)),
                "hold": In(1),
                "layer": In(config.layer_width),
                "near_full": Out(1),
                "begin": In(1),
                "phase": In(phase_layout(config)),
                "closed": In(1),
                "end": In(1),
                "pending": Out(1),
                **({"more": Out(1)} if config.stages.grant else {}),
                "grant": In(1),
                "element": Out(element_layout(config)),
                "arriving": In(arriving_layout(config)),
                "over": Out(1),
                "starving": Out(size),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
                **(cells if config.cells else {}),
                **({"odd": In(1)} if config.streams > 1 else {}),
                **(delta if config.delta else {}),
                **(maps if config.maps.rows else {}),
            }
        )
