"""The back of the sequencer of an engine with cells: the phase whose operations run."""

from typing import TYPE_CHECKING

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data

from golden.config import EngineConfig
from rtl.front.delta import DeltaStage
from rtl.operations.cell_control import CellControl
from rtl.operations.cell_pipeline import CellPipeline

if TYPE_CHECKING:
    from rtl.sequence.cell_sequencer import CellSequencer


def run_back(
    m: Module,
    *,
    config: EngineConfig,
    now: "CellSequencer",
    front: data.View,
    handover: Signal,
    heads: Value,
) -> Signal:
    """Drive phase, closed and end of the sequencer `now`; returns whether the back has a phase.

    front: what it takes over at `handover`. heads: the phase is the last before the head, and that
    runs.
    """
    busy = Signal(name="back_busy")
    # From the last operation to its result's cycle, less the way of `over`.
    way = CellPipeline.result_latency(config) - (config.status_stages - 1)
    way -= CellControl.OVER_LATENCY
    if config.delta:
        way += DeltaStage.LATENCY
    late, ending = Signal(range(way + 1)), Signal()
    with m.If(now.over & busy & ~now.end):
        m.d.sync += late.eq(late + 1)
    with m.Else():
        m.d.sync += late.eq(0)
    m.d.sync += ending.eq(now.over & busy & (late == way - 1))
    m.d.comb += [now.end.eq(ending), now.closed.eq(busy | handover)]
    with m.If(handover):
        m.d.sync += [busy.eq(1), now.phase.eq(front.phase)]
        if config.delta:
            # The head takes its inputs as they are.
            m.d.sync += now.phase.plain.eq(~front.phase.keep | heads)
    with m.Elif(now.end):
        m.d.sync += busy.eq(0)
    return busy
