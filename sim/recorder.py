"""An engine with a register on its probe, so that a simulator has one signal to record."""

from amaranth.hdl import Cat, Elaboratable, Module, Signal

from rtl.engine import Engine


class Recorder(Elaboratable):
    """Holds `engine`; `word` is its probe word of one cycle ago.

    A register, because simulators evaluate it once a cycle, while wires follow every change.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` must not be part of another design."""
        self.engine = engine
        self.word = Signal(len(Cat(engine.probe)), reset_less=True)

    def elaborate(self, platform: object) -> Module:
        """The engine and the register."""
        m = Module()
        m.submodules.engine = self.engine
        m.d.sync += self.word.eq(Cat(self.engine.probe))
        return m
