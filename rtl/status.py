"""What the groups tell, combined: all are over, and nothing may be granted."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, Value

from golden.config import EngineConfig
from rtl.front.output_port import OutputPort
from rtl.group.group import Group
from rtl.prim.tree import gathered
from rtl.sequence.sequencer import Sequencer


def status(
    m: Module,
    config: EngineConfig,
    sequencer: Sequencer,
    outputs: OutputPort,
    groups: Sequence[Group],
) -> Signal:
    """Tells the sequencer that all groups are over, `over_stages` cycles late; returns the hold.

    With FIFOs in the groups a hold is for grants only, and what was granted moves on. Without them
    nothing moves.
    """
    if config.stages.fifo:
        return _behind_trees(m, sequencer, outputs, groups)
    return _at_once(m, config, sequencer, outputs, groups)


def _behind_trees(
    m: Module, sequencer: Sequencer, outputs: OutputPort, groups: Sequence[Group]
) -> Signal:
    """Both through trees of registers."""
    full = gathered(m, [group.near_full for group in groups], every=False, name="full")
    over = gathered(
        m, [group.over for group in groups], every=True, name="over", clear=sequencer.end
    )
    unready = Signal()
    hold = Signal()
    m.d.sync += unready.eq(outputs.hold)
    m.d.comb += [hold.eq(full | unready), sequencer.over.eq(over)]
    return hold


def _at_once(
    m: Module,
    config: EngineConfig,
    sequencer: Sequencer,
    outputs: OutputPort,
    groups: Sequence[Group],
) -> Signal:
    """Both `status_stages` cycles late, of which the queues and drains have one."""
    stages = config.status_stages
    near_full = Signal()
    over = Signal()
    m.d.comb += [
        near_full.eq(Cat(group.near_full for group in groups).any()),
        over.eq(Cat(group.over for group in groups).all()),
    ]
    for stage in range(stages - 1):
        over_late = Signal(name=f"over_{stage}")
        m.d.sync += over_late.eq(over & ~sequencer.end)
        over = over_late
    hold = Signal()
    if stages > 1:
        near_full_late = Signal()
        m.d.sync += near_full_late.eq(near_full)
        near_full = near_full_late
    if stages > 2:
        _spread(m, near_full | outputs.hold, hold, groups)
    else:
        m.d.comb += [hold.eq(near_full | outputs.hold), *(g.hold.eq(hold) for g in groups)]
    m.d.comb += [outputs.held.eq(hold), sequencer.hold.eq(hold), sequencer.over.eq(over)]
    return hold


def _spread(m: Module, early: Value, hold: Signal, groups: Sequence[Group]) -> None:
    """A register of the hold for each group: a single one would have to reach the whole chip.

    Each takes its own group's part twice. That changes nothing, but without it Yosys would see
    equal registers and keep one.
    """
    m.d.sync += hold.eq(early)
    for number, group in enumerate(groups):
        own, here = Signal(name=f"own_{number}"), Signal(name=f"hold_{number}")
        m.d.sync += [own.eq(group.near_full), here.eq(early | own)]
        m.d.comb += group.hold.eq(here)
