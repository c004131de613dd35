"""Output port: the network's non-zero results, as a stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.collector import wide_broadcast_layout
from rtl.layouts import output_layout
from rtl.queue import Queue


class OutputPort(wiring.Component):
    """Queues results that are already on their way when the taker stops.

    enable: results are handed over. broadcast: from the collector. hold: grant no more results.
    output: the stream; each result is offered one cycle after its broadcast. empty: nothing is
    waiting.
    """

    enable: Signal
    broadcast: data.View
    hold: Signal
    output: stream.Interface
    empty: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths and depth come from `config`."""
        self._config = config
        super().__init__(
            {
                "enable": In(1),
                "broadcast": In(wide_broadcast_layout(config)),
                "hold": Out(1),
                "output": Out(stream.Signature(output_layout(config))),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """As deep as twice what can be on its way, so that a taker that is ready never waits."""
        m = Module()
        on_its_way = 4 + self._config.collector_levels
        m.submodules.queue = queue = Queue(
            shape=output_layout(self._config), depth=2 * on_its_way, threshold=on_its_way
        )
        m.d.comb += [
            queue.push.eq(self.enable & self.broadcast.valid),
            queue.push_data.position.eq(self.broadcast.column),
            queue.push_data.value.eq(self.broadcast.value),
            queue.pop.eq(queue.valid & self.output.ready),
            self.output.valid.eq(queue.valid),
            self.output.payload.eq(queue.head),
            self.hold.eq(queue.near_full),
            self.empty.eq(~queue.valid),
        ]
        return m
