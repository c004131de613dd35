"""Output port: the network's non-zero results, as a stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.front.collector import wide_broadcast_layout
from rtl.layouts import output_layout
from rtl.prim.queue import Queue


class OutputPort(wiring.Component):
    """Queues the results that still arrive, when the taker stops, before a hold takes effect.

    enable: results are handed over.
    number: of this stream; only where there are several.
    broadcast: a result, from the collector.
    held: it does not move on, so it is not taken.
    hold: move no more results, a cycle later where the engine has 3 status stages, else at once;
        with `stages.fifo` grant no more, a cycle later.
    output: the results, each offered one cycle after it moved on.
    empty: nothing is waiting.
    """

    enable: Signal
    number: Signal
    broadcast: data.View
    held: Signal
    hold: Signal
    output: stream.Interface
    empty: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths and depth come from `config`."""
        self._config = config
        super().__init__(
            {
                "enable": In(1),
                **({"number": In(range(config.streams))} if config.streams > 1 else {}),
                "broadcast": In(wide_broadcast_layout(config)),
                "held": In(1),
                "hold": Out(1),
                "output": Out(stream.Signature(output_layout(config))),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Two slots before the margin, so that a taker that is ready never waits."""
        m = Module()
        # What moves on until the hold takes effect.
        margin = 2 if self._config.status_stages < 3 else 3
        if self._config.stages.fifo:
            margin = 2 + self._config.collect_stages
        m.submodules.queue = queue = Queue(
            shape=output_layout(self._config), depth=2 + margin, threshold=2
        )
        m.d.comb += [
            queue.push.eq(self.enable & self.broadcast.valid & ~self.held),
            queue.push_data.position.eq(self.broadcast.column),
            queue.push_data.value.eq(self.broadcast.value),
            queue.pop.eq(queue.valid & self.output.ready),
            self.output.valid.eq(queue.valid),
            self.output.payload.eq(queue.head),
            self.hold.eq(queue.near_full),
            self.empty.eq(~queue.valid),
        ]
        if self._config.streams > 1:
            m.d.comb += queue.push_data.stream.eq(self.number)
        return m
