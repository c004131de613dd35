"""The nearest power to a number, as the word that is sent of it (docs/format.md)."""

from itertools import pairwise

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig


class PowerCoder(wiring.Component):
    """The word of the nearest level to a number x, in the same cycle.

    magnitude: floor(2 x), all bits inverted if it is negative.
    negative: it is.
    beyond: x is beyond the last level, whatever the magnitude.
    word: the code of the level, above it the sign; 0 if x is nearest to 0.
    """

    magnitude: Signal
    negative: Signal
    beyond: Signal
    word: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Levels come from `config`, which has some."""
        self._config = config
        super().__init__(
            {
                "magnitude": In(config.act_width),
                "negative": In(1),
                "beyond": In(1),
                "word": Out(config.sent_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Which borders are passed; the last of them is the code."""
        m = Module()
        levels, width = self._config.act_levels, self._config.sent_width - 1
        passed = Signal(len(levels))
        code = Signal(width)
        found: Value = Value.cast(0)
        for nth, (below, level) in enumerate(pairwise((0, *levels))):
            # Between two levels, doubled.
            m.d.comb += passed[nth].eq((self.magnitude >= below + level) | self.beyond)
            last = passed[nth] & ~passed[nth + 1] if nth + 1 < len(levels) else passed[nth]
            found = found | Mux(last, nth + 1, 0)
        m.d.comb += [code.eq(found), self.word[:width].eq(code)]
        m.d.comb += self.word[width].eq(self.negative & passed[0])
        return m
