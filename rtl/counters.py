"""Counters of an inference, readable by the host."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import counters_layout


class Counters(wiring.Component):
    """Counts from `start` on; steady from the engine's `done` to the next start.

    start: clear. running: a layer runs. stalled: a broadcast waits for a queue. computing: layers
    broadcast. issuing, committing: one bit for each PE. counters: see golden.timing.Counters.
    """

    start: Signal
    running: Signal
    stalled: Signal
    computing: Signal
    issuing: Signal
    committing: Signal
    counters: data.View

    def __init__(self, *, config: EngineConfig) -> None:
        """Number of PEs comes from `config`."""
        self._pes = config.pes
        super().__init__(
            {
                **{name: In(1) for name in ("start", "running", "stalled", "computing")},
                "issuing": In(config.pes),
                "committing": In(config.pes),
                "counters": Out(counters_layout()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Bits are counted in one cycle and added in the next."""
        m = Module()
        macs, starved = Signal(range(self._pes + 1)), Signal(range(self._pes + 1))
        idle = ~self.issuing & self.computing.replicate(self._pes)
        m.d.sync += [macs.eq(_popcount(self.committing)), starved.eq(_popcount(idle))]
        steps = {
            "cycles": self.running,
            "macs": macs,
            "stalls": self.stalled,
            "starved": starved,
        }
        for name, step in steps.items():
            counter = getattr(self.counters, name)
            with m.If(self.start):
                m.d.sync += counter.eq(0)
            with m.Else():
                m.d.sync += counter.eq(counter + step)
        return m


def _popcount(bits: Value) -> Value:
    """Number of ones, as a balanced tree."""
    if len(bits) == 1:
        return bits[0]
    half = len(bits) // 2
    return _popcount(bits[:half]) + _popcount(bits[half:])
