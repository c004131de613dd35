"""Which group's item is broadcast next, where rows of maps are read."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig


class Turns(wiring.Component):
    """The pending groups in turn, from the first one on in each row; or all at once.

    restart: a row begins.
    enable: grant in this cycle.
    together: to all groups that are pending.
    pending: of each group.
    grant: to one of them, or to all.
    """

    restart: Signal
    enable: Signal
    together: Signal
    pending: Signal
    grant: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """The number of groups comes from `config`."""
        self._groups = config.groups
        super().__init__(
            {
                **{name: In(1) for name in ("restart", "enable", "together")},
                "pending": In(config.groups),
                "grant": Out(config.groups),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The lowest pending group behind the one before, or else the lowest."""
        m = Module()
        later = Signal(self._groups, init=-1)
        behind = self.pending & later
        candidates = Mux(behind.any(), behind, self.pending)
        chosen = candidates & (~candidates + 1)
        with m.If(self.enable):
            m.d.comb += self.grant.eq(Mux(self.together, self.pending, chosen))
        with m.If(self.restart):
            m.d.sync += later.eq(-1)
        with m.Elif(self.grant.any()):
            m.d.sync += later.eq(~(chosen | (chosen - 1)))
        return m
