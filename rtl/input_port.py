"""Input port: activations in column order go to the groups' activation memories in turn."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import input_layout


class InputPort(wiring.Component):
    """Column j goes to group j mod groups, at index j div groups.

    input: the stream. idle: inputs may be taken. valid: one bit for each group; index, value: what
    it stores. start: the last input is being taken.
    """

    input: stream.Interface
    idle: Signal
    valid: Signal
    index: Signal
    value: Signal
    start: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Number of groups and widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "input": In(stream.Signature(input_layout(config))),
                "idle": In(1),
                "valid": Out(config.groups),
                "index": Out(config.index_width),
                "value": Out(signed(config.act_width)),
                "start": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A rotating group select and an index; both start anew after the last input."""
        m = Module()
        groups = self._config.groups
        select = Signal(groups, init=1)
        taken = Signal()
        m.d.comb += [
            self.input.ready.eq(self.idle),
            taken.eq(self.input.valid & self.idle),
            self.start.eq(taken & self.input.payload.last),
            self.value.eq(self.input.payload.value),
            self.valid.eq(select & taken.replicate(groups)),
        ]
        with m.If(self.start):
            m.d.sync += [select.eq(1), self.index.eq(0)]
        with m.Elif(taken):
            m.d.sync += [
                select.eq(select.rotate_left(1)),
                self.index.eq(self.index + select[-1]),
            ]
        return m
