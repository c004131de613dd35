"""Status: what the groups tell, combined: all are over, and nothing may be granted."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.prim.tree import gathered


class Status(wiring.Component):
    """From the groups and the output port to the sequencer and back to all of them.

    near_full: one bit for each group: it takes few broadcasts more.
    finished: one bit for each group: the operations of all its PEs have begun.
    end: the phase that they are of ends; `over` becomes 0.
    unready: the output port takes few results more.
    over: all groups have finished.
    hold: nothing is granted, and without `stages.fifo` nothing moves.
    holds: the same for each group, a register of its own from 3 status stages on; not with
        `stages.fifo`, where what was granted moves on.

    Latency of `over`: `over_stages`. Of `hold`: `status_stages` - 1 from `near_full` and, with 3
    stages, 1 from `unready`; with `stages.fifo` `tree_stages` and 1.
    """

    near_full: Signal
    finished: Signal
    end: Signal
    unready: Signal
    over: Signal
    hold: Signal
    holds: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """The number of groups and of stages come from `config`."""
        self._config = config
        super().__init__(
            {
                "near_full": In(config.groups),
                "finished": In(config.groups),
                "end": In(1),
                "unready": In(1),
                "over": Out(1),
                "hold": Out(1),
                **({} if config.stages.fifo else {"holds": Out(config.groups)}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Trees of registers where groups have FIFOs, else as many stages as the PEs need."""
        m = Module()
        if self._config.stages.fifo:
            self._behind_trees(m)
        else:
            self._over(m)
            self._holds(m)
        return m

    def _behind_trees(self, m: Module) -> None:
        full = gathered(m, list(self.near_full), every=False, name="full")
        over = gathered(m, list(self.finished), every=True, name="over", clear=self.end)
        unready = Signal(name="unready_late")
        m.d.sync += unready.eq(self.unready)
        m.d.comb += [self.hold.eq(full | unready), self.over.eq(over)]

    def _over(self, m: Module) -> None:
        """A register for each status stage but the first, which the operations' control has."""
        over: Value = self.finished.all()
        for stage in range(self._config.status_stages - 1):
            late = Signal(name=f"over_{stage}")
            m.d.sync += late.eq(over & ~self.end)
            over = late
        m.d.comb += self.over.eq(over)

    def _holds(self, m: Module) -> None:
        """The second stage is a register behind `near_full`, the third one behind everything."""
        near_full: Value = self.near_full.any()
        if self._config.status_stages > 1:
            near_full_late = Signal()
            m.d.sync += near_full_late.eq(near_full)
            near_full = near_full_late
        early = near_full | self.unready
        if self._config.status_stages > 2:
            self._spread(m, early)
        else:
            m.d.comb += [self.hold.eq(early), self.holds.eq(self.hold.replicate(len(self.holds)))]

    def _spread(self, m: Module, early: Value) -> None:
        """A register of the hold for each group: a single one would have to reach the whole chip.

        Each takes its own group's part twice. That changes nothing, but without it Yosys would see
        equal registers and keep one.
        """
        hold = Signal(name="hold_here")
        m.d.sync += hold.eq(early)
        m.d.comb += self.hold.eq(hold)
        for group, near_full in enumerate(self.near_full):
            own, here = Signal(name=f"own_{group}"), Signal(name=f"hold_{group}")
            m.d.sync += [own.eq(near_full), here.eq(early | own)]
            m.d.comb += self.holds[group].eq(here)
