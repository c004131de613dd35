"""Wires of an engine with cells between sequencer, ports and groups."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal

from golden.config import EngineConfig
from rtl.front.delta import DeltaStage
from rtl.front.input_port import InputPort
from rtl.front.output_port import OutputPort
from rtl.group.cell_group import CellGroup
from rtl.prim.delay import delayed
from rtl.sequence.cell_sequencer import CellSequencer


def distribute(
    m: Module,
    config: EngineConfig,
    sequencer: CellSequencer,
    inputs: InputPort,
    outputs: OutputPort,
    groups: Sequence[CellGroup],
) -> None:
    """Inputs, the front's and the back's settings to the groups; flags to the sequencer."""
    target = Signal(config.list_width, name="target")
    # With delta, inputs are late: what is written now came two cycles ago.
    cycles = DeltaStage.LATENCY if config.delta else 0
    filling = delayed(m, sequencer.idle, cycles=cycles, name="filling", reset_less=False)
    # From a register: no results come in the first cycles of a step, and no inputs after them.
    working = delayed(m, sequencer.running, cycles=cycles + 1, name="working", reset_less=False)
    m.d.comb += [
        sequencer.fresh.eq(inputs.fresh),
        sequencer.answer.eq(inputs.answer),
        *([outputs.number.eq(sequencer.out_stream)] if config.streams > 1 else []),
        # An input vector is the first list of its stream.
        target.eq(Mux(working, sequencer.phase.target, inputs.stream * config.stream_lists)),
    ]
    for number, group in enumerate(groups):
        m.d.comb += [
            group.layer.eq(sequencer.layer),
            group.odd.eq(sequencer.odd),
            group.begin.eq(sequencer.begin),
            group.lists.eq(sequencer.lists),
            group.phase.eq(sequencer.phase),
            group.closed.eq(sequencer.closed),
            group.end.eq(sequencer.end),
            group.target.eq(target),
            group.input_valid.eq(inputs.valid[number]),
            group.input_index.eq(inputs.index),
            group.input_value.eq(inputs.value),
            group.input_close.eq(inputs.close),
        ]
        if config.delta:
            m.d.comb += [
                group.inputs.eq(filling),
                group.input_threshold.eq(sequencer.input_threshold),
                group.reset.eq(sequencer.reset),
            ]
    if config.delta:
        m.d.comb += sequencer.wants_reset.eq(inputs.wants_reset)
