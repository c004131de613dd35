"""A top level with few pins, for measuring an engine's area and timing."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from boards.families.reset import Reset
from golden.format.image import Image
from rtl.engine import Engine
from rtl.load import LoadTarget


class Harness(wiring.Component):
    """The engine between shift registers and XORs, so that nothing of it is optimised away.

    clk: the clock.
    rst: a reset; it goes through a register, so that the way to the engine counts in its clock.
    feed: bits of the inputs, and of the load words where `load` is set, one a cycle.
    offer: an input is offered.
    write: a load word for an entry memory is offered.
    check: parity of the engine's outputs in this cycle, all of it registered.
    ready: the engine takes inputs.
    """

    clk: Signal
    rst: Signal
    feed: Signal
    offer: Signal
    write: Signal
    check: Signal
    ready: Signal

    def __init__(self, *, image: Image, reset: Reset, load: bool) -> None:
        """`load`: entries come over the load port; everything else starts with `image`."""
        self.config = image.config
        self._load, self._reset = load, reset
        self._image = image
        inputs = ("clk", "rst", "feed", "offer", "write")
        super().__init__(dict.fromkeys(inputs, In(1)) | dict.fromkeys(("check", "ready"), Out(1)))

    def elaborate(self, platform: object) -> Module:
        """Registers on every pin."""
        m = Module()
        self._domains(m)
        m.submodules.engine = engine = Engine(config=self.config, image=self._image)
        feed = Signal()
        payload = Value.cast(engine.input.payload)
        word = Signal(engine.load.payload.shape())
        bits = Signal(len(payload) + (len(Value.cast(word)) if self._load else 0))
        offer = Signal()
        write = Signal()
        m.d.sync += [
            feed.eq(self.feed),
            offer.eq(self.offer),
            write.eq(self.write),
            bits.eq(Cat(feed, bits)),
        ]
        m.d.comb += [
            payload.eq(bits),
            engine.input.valid.eq(offer),
            engine.output.ready.eq(1),
            engine.load.valid.eq(write if self._load else 0),
        ]
        if self._load:
            m.d.comb += [
                word.eq(bits[len(payload) :]),
                engine.load.payload.eq(word),
                engine.load.payload.target.eq(LoadTarget.ENTRY),
            ]
        said = Cat(engine.output.valid, engine.output.payload, engine.done, engine.counters)
        seen = Signal(len(said))
        # Two registers: the parity of so many bits takes more than one cycle of logic.
        part = 12
        parts = Signal(-(-len(said) // part))
        m.d.sync += [
            seen.eq(said),
            parts.eq(Cat(seen[n : n + part].xor() for n in range(0, len(said), part))),
            self.check.eq(parts.xor()),
            self.ready.eq(engine.input.ready),
        ]
        return m

    def _domains(self, m: Module) -> None:
        """The clock, and a reset as a board has it (boards.clock)."""
        m.domains.por = ClockDomain("por", reset_less=True)
        m.d.comb += ClockSignal("por").eq(self.clk)
        running = Signal()
        self._reset.hold(m, clk=self.clk, register=running, following=~self.rst)
        self._reset.domain(m, clk=self.clk, running=running)
