"""Counters of an inference, readable by the host."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import counters_layout
from rtl.prim.delay import delayed


class Counters(wiring.Component):
    """Counts from `start` on; steady from the engine's `done` to the next start.

    The PEs' bits are counted `counter_stages` + 1 cycles late; none may be set in that many cycles
    before start and done.

    start: clear.
    running: a layer runs.
    stalled: broadcasts wait for a queue.
    starving: one bit for each PE: it has neither an entry nor an operation.
    committing: one bit for each PE: it adds a product.
    counters: see golden.timing.unpack.Counters.
    """

    start: Signal
    running: Signal
    stalled: Signal
    starving: Signal
    committing: Signal
    counters: data.View

    def __init__(self, *, config: EngineConfig) -> None:
        """Number of PEs comes from `config`."""
        self._config, self._pes = config, config.pes
        super().__init__(
            {
                **{name: In(1) for name in ("start", "running", "stalled")},
                "starving": In(config.pes),
                "committing": In(config.pes),
                "counters": Out(counters_layout()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Bits are counted, and added to the counter `counter_stages` cycles later."""
        m = Module()
        starving = self.starving & self.running.replicate(self._pes)
        macs = self._count(m, self.committing, "committing")
        starved = self._count(m, starving, "starving")
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

    def _count(self, m: Module, bits: Value, name: str) -> Value:
        """Number of ones: of every 16 bits, then sums of four of those, with registers between."""
        late = self._config.stages.count
        bits = delayed(m, bits, cycles=late, name=f"{name}_late", reset_less=False)
        counts = [
            _popcount(m, bits[first : first + 16], f"{name}_{first}")
            for first in range(0, len(bits), 16)
        ]
        for stage in range(self._config.counter_stages - late):
            if stage:
                counts = [sum(counts[n + 1 : n + 4], counts[n]) for n in range(0, len(counts), 4)]
            registers = [
                Signal(range(self._pes + 1), name=f"{name}_sum_{stage}_{number}")
                for number in range(len(counts))
            ]
            m.d.sync += [
                register.eq(count) for register, count in zip(registers, counts, strict=True)
            ]
            counts = registers
        return counts[0]


def _popcount(m: Module, bits: Value, name: str) -> Value:
    """Number of ones: three bits of a weight become one of it and one of twice it, repeatedly.

    Each is a signal, because Amaranth repeats an expression wherever it is used.
    """
    columns = [[bits[n] for n in range(len(bits))]]
    for weight, column in enumerate(columns):
        for nth in range(len(column) // 2):
            a, b, *rest = column
            c = rest.pop(0) if rest else Const(0, 1)
            one, two = Signal(name=f"{name}_{weight}_{nth}"), Signal(name=f"{name}_{weight}_{nth}c")
            m.d.comb += [one.eq(a ^ b ^ c), two.eq((a & b) | (a & c) | (b & c))]
            column[:] = [*rest, one]
            if weight + 1 == len(columns):
                columns.append([])
            columns[weight + 1].append(two)
    return Cat(column[0] for column in columns)
