"""How the sequencer knows that the last broadcast has reached the column memories."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig


class Trail(wiring.Component):
    """A mark that nothing more comes; it travels like a broadcast, after the last one.

    passed: nothing more will come.
    clear: forget it.
    hold: nothing on its way moves in this cycle.
    quiet: `passed` has come as far as the last broadcast.
    """

    passed: Signal
    clear: Signal
    hold: Signal
    quiet: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Length comes from `config`."""
        self._stages = config.arrival_stages
        super().__init__({"passed": In(1), "clear": In(1), "hold": In(1), "quiet": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """As many registers as on a broadcast's path."""
        m = Module()
        passed = self.passed
        for stage in range(self._stages):
            register = Signal(name=f"passed_{stage}")
            with m.If(self.clear):
                m.d.sync += register.eq(0)
            with m.Elif(~self.hold):
                m.d.sync += register.eq(passed)
            passed = register
        m.d.comb += self.quiet.eq(passed)
        return m
