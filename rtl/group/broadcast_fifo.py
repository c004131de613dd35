"""Broadcasts of a group, which wait until its PEs have room: other groups need not wait, too."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import broadcast_layout, sent_shape
from rtl.prim.delay import marked
from rtl.prim.kept import kept
from rtl.prim.queue import Queue


class BroadcastFifo(wiring.Component):
    """First-in first-out queue of `stages.fifo` broadcasts, and the mark of their end behind them.

    arriving: a broadcast; if there are broadcast stages, the last one is in here.
    near_full: it was nearly full a cycle ago.
    room: all PEs' queues have room, so one is taken.
    taken: that one, a cycle later.
    ended: all broadcasts of the phase have arrived.
    clear: forget that.
    passed: they are also taken, and their jobs are pushed by the end of this cycle.
    """

    arriving: data.View
    near_full: Signal
    room: Signal
    taken: data.View
    ended: Signal
    clear: Signal
    passed: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Depth and widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "arriving": In(broadcast_layout(config)),
                "near_full": Out(1),
                "room": In(1),
                "taken": Out(broadcast_layout(config)),
                "ended": In(1),
                "clear": In(1),
                "passed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The queue, a register behind it, and the mark's way."""
        m = Module()
        config = self._config
        layout = data.StructLayout({"column": config.column_width, "value": sent_shape(config)})
        m.submodules.queue = queue = Queue(
            shape=layout, depth=config.stages.fifo, threshold=config.fifo_threshold
        )
        sent = self.arriving
        if config.broadcast_stages:
            shape = sent.shape()
            sent = data.View(shape, kept(m, sent, shape=shape.size, name="arriving_here"))
        m.d.comb += [
            queue.push.eq(sent.valid),
            queue.push_data.column.eq(sent.column),
            queue.push_data.value.eq(sent.value),
            queue.pop.eq(queue.valid & self.room),
            self.near_full.eq(queue.near_full),
        ]
        m.d.sync += [
            self.taken.valid.eq(queue.pop),
            self.taken.column.eq(queue.head.column),
            self.taken.value.eq(queue.head.value),
        ]
        ended = self.ended & ~queue.valid
        # As many registers as from a broadcast that is taken to its jobs' push, less the last.
        cycles = config.take_stages - 1
        passed = marked(m, ended, cycles=cycles, name="passed", clear=self.clear)
        m.d.comb += self.passed.eq(passed)
        return m
