"""The class with the largest output, from the engine's sparse results."""

from collections.abc import Sequence

from amaranth.hdl import Assert, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import bits_for
from rtl.layouts import output_layout
from rtl.prim.ram import LutRam

_SMALL_ROM = 1024
"""Up to this many bits the table is made of LUTs: small parts need block RAM for weights."""


def answer_layout(n_out: int) -> data.StructLayout:
    """The number of the winning class."""
    return data.StructLayout({"index": unsigned(bits_for(n_out - 1))})


class Argmax(wiring.Component):
    """numpy.argmax over the dense outputs: the largest, and of equal ones the lowest class.

    results: the engine's non-zero outputs, each position at most once, in any order; a class that
        is not mentioned has output 0. Always ready, except between `done` and the answer and for
        n_out cycles after reset.
    done: high for one cycle after the last result was taken.
    answer: the class, offered n_out + 2 or n_out + 3 cycles after `done`, until it is taken.

    The lowest class that was not mentioned matters only if no output is positive. Finding it takes
    one bit per class, which is read and cleared in n_out cycles after `done`.
    """

    results: stream.Interface
    done: Signal
    answer: stream.Interface

    def __init__(self, *, config: EngineConfig, positions: Sequence[int]) -> None:
        """`positions`: of class j, `golden.format.network.Layer.position[j]` of the last layer."""
        positions = [int(position) for position in positions]
        top = (1 << config.position_width) - 1
        if not positions or len(set(positions)) != len(positions):
            raise ElsieError("argmax: positions must be one for each class, all different")
        if min(positions) < 0 or max(positions) > top:
            raise ElsieError(f"argmax: positions must be 0..{top}")
        self._config, self._positions = config, positions
        super().__init__(
            {
                "results": In(stream.Signature(output_layout(config))),
                "done": In(1),
                "answer": Out(stream.Signature(answer_layout(len(positions)))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Look up the class, keep the best, then search the lowest class not mentioned."""
        m = Module()
        n_out = len(self._positions)
        width = bits_for(n_out - 1)
        collecting = Signal()
        mentioned_any = Signal()
        valid = Signal()
        value = Signal(signed(self._config.act_width))
        m.d.comb += self.results.ready.eq(collecting)
        m.d.sync += [
            valid.eq(self.results.valid & collecting),
            value.eq(self.results.payload.value),
        ]
        number = self._table(m, width)
        best, best_value = self._keep_best(m, valid, number, value, mentioned_any)
        # LUT RAM, not registers: a thousand classes cost 64 LUT RAMs instead of a thousand FFs.
        m.submodules.mentioned = mentioned = LutRam(width=1, depth=n_out)
        m.d.comb += [mentioned.w_addr.eq(number), mentioned.w_en.eq(valid), mentioned.w_data.eq(1)]
        missing, missing_any = self._states(m, mentioned, valid, collecting, mentioned_any)
        m.d.comb += self.answer.payload.index.eq(missing)
        with m.If((mentioned_any & (best_value > 0)) | ~missing_any):
            m.d.comb += self.answer.payload.index.eq(best)
        return m

    def _states(
        self, m: Module, mentioned: LutRam, valid: Signal, collecting: Signal, any_yet: Signal
    ) -> tuple[Signal, Signal]:
        """Clear the bits, then forever: collect, search, answer.

        Returns the lowest class that was not mentioned, and whether there is one.
        """
        last = len(self._positions) - 1
        scan = Signal(bits_for(last))
        missing = Signal(bits_for(last))
        missing_any = Signal()
        scanning = Signal()
        finish = Signal()
        m.d.comb += mentioned.r_addr.eq(scan)
        with m.If(scanning):
            m.d.comb += [mentioned.w_en.eq(1), mentioned.w_addr.eq(scan), mentioned.w_data.eq(0)]
            m.d.sync += scan.eq(Mux(scan == last, 0, scan + 1))
        # Kept, because `done` could come before the first scan, of CLEAR, has ended.
        with m.If(self.done):
            m.d.sync += finish.eq(1)
        with m.FSM(name="state"):
            with m.State("CLEAR"):
                m.d.comb += scanning.eq(1)
                with m.If(scan == last):
                    m.next = "COLLECT"
            with m.State("COLLECT"):
                m.d.comb += collecting.eq(~finish)
                m.d.sync += missing_any.eq(0)
                with m.If(finish & ~valid):
                    m.next = "SEARCH"
            with m.State("SEARCH"):
                m.d.comb += scanning.eq(1)
                with m.If(~mentioned.r_data & ~missing_any):
                    m.d.sync += [missing_any.eq(1), missing.eq(scan)]
                with m.If(scan == last):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.answer.valid.eq(1)
                with m.If(self.answer.ready):
                    m.d.sync += [any_yet.eq(0), finish.eq(0)]
                    m.next = "COLLECT"
        return missing, missing_any

    def _table(self, m: Module, width: int) -> Value:
        """Position to class, one cycle after the position."""
        words = [0] * max(2, max(self._positions) + 1)
        for number, position in enumerate(self._positions):
            words[position] = number
        small = len(words) * width <= _SMALL_ROM
        m.submodules.table = table = memory.Memory(
            shape=width,
            depth=len(words),
            init=words,
            attrs={"rom_style": "logic"} if small else {},
        )
        port = table.read_port()
        m.d.comb += port.addr.eq(self.results.payload.position)
        m.d.sync += [
            Assert(
                ~self.results.valid | (self.results.payload.position < len(words)),
                "a result has the position of no class",
            ),
            Assert(~self.results.valid | (self.results.payload.value != 0), "a result is zero"),
        ]
        return port.data

    def _keep_best(
        self, m: Module, valid: Signal, number: Value, value: Signal, any_yet: Signal
    ) -> tuple[Signal, Signal]:
        """The best class mentioned so far and its output."""
        best = Signal(len(number))
        best_value = Signal(value.shape())
        better = (value > best_value) | ((value == best_value) & (number < best))
        with m.If(valid & (~any_yet | better)):
            m.d.sync += [any_yet.eq(1), best.eq(number), best_value.eq(value)]
        return best, best_value
