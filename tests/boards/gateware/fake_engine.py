"""An engine's ports with an arithmetic that a test can see through: output j is input j."""

from amaranth.hdl import Array, Const, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.format.network import Network
from rtl.layouts import counters_layout, input_layout, output_layout


class FakeEngine(wiring.Component):
    """Ports of rtl.engine.Engine. Of n_in inputs the first n_out come back, the non-zero ones.

    inferences: how many have started. counters.cycles is 0x01020300 + that number.
    """

    input: stream.Interface
    output: stream.Interface
    done: Signal
    counters: data.View
    load: stream.Interface

    def __init__(self, *, network: Network, delay: int = 0) -> None:
        """n_in >= n_out. delay: cycles from the last input to the first output."""
        self._network, self._delay = network, delay
        self.inferences = Signal(8)
        config = network.config
        super().__init__(
            {
                "input": In(stream.Signature(input_layout(config))),
                "output": Out(stream.Signature(output_layout(config))),
                "done": Out(1),
                "counters": Out(counters_layout()),
                "load": In(stream.Signature(8, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Store the inputs; then offer them, the last first."""
        m = Module()
        network = self._network
        values = Array(
            Signal(signed(network.config.act_width), name=f"value_{i}") for i in range(network.n_in)
        )
        positions = Array(Const(int(p), 16) for p in network.layers[-1].position)
        index = Signal(range(network.n_in + 1))
        wait = Signal(range(self._delay + 1))
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.input.ready.eq(1)
                with m.If(self.input.valid):
                    m.d.sync += [values[index].eq(self.input.payload.value), index.eq(index + 1)]
                    with m.If(self.input.payload.last):
                        m.d.sync += [
                            index.eq(network.n_out - 1),
                            self.inferences.eq(self.inferences + 1),
                            self.counters.cycles.eq(0x01020301 + self.inferences),
                        ]
                        m.d.sync += wait.eq(self._delay)
                        m.next = "WAIT"
            with m.State("WAIT"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.next = "OUTPUT"
            with m.State("OUTPUT"):
                m.d.comb += [
                    self.output.valid.eq(values[index] != 0),
                    self.output.payload.value.eq(values[index]),
                    self.output.payload.position.eq(positions[index]),
                ]
                with m.If(~self.output.valid | self.output.ready):
                    m.d.sync += index.eq(index - 1)
                    with m.If(index == 0):
                        m.d.sync += index.eq(0)
                        m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
        return m
