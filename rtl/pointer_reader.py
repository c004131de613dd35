"""Pointer read, before the queue: a column that is empty in this PE costs it nothing."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden import layout
from golden.config import EngineConfig
from rtl.layouts import broadcast_layout, job_layout, struct
from rtl.load import LoadTarget, MemoryWrite, drive
from rtl.prim.ram import BlockRam


class PointerReader(wiring.Component):
    """Turns every broadcast into a job for this PE, one cycle later, unless the column is empty.

    broadcast: an activation and its column's pointer address. push, job: the job, one cycle later.
    write: load port of the pointer memory; not while a network runs.
    """

    LATENCY = 1

    broadcast: data.View
    push: Signal
    job: data.View
    write: MemoryWrite

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: pointer words."""
        self._config, self._init = config, init
        super().__init__(
            {
                "broadcast": In(broadcast_layout(config)),
                "push": Out(1),
                "job": Out(job_layout(config)),
                "write": In(MemoryWrite.Signature(config, LoadTarget.POINTER)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The pointer memory; the activation waits for it in a register."""
        m = Module()
        fields = struct(layout.pointer(self._config))
        m.submodules.ram = ram = BlockRam(
            width=fields.size, depth=self._config.column_depth, init=self._init
        )
        pointer = data.View(fields, ram.r_data)
        valid = Signal()
        m.d.comb += [
            ram.r_en.eq(self.broadcast.valid),
            ram.r_addr.eq(self.broadcast.column),
            self.push.eq(valid & (pointer.count != 0)),
            self.job.start.eq(pointer.start),
            self.job.count.eq(pointer.count),
        ]
        drive(m, self.write, ram)
        m.d.sync += valid.eq(self.broadcast.valid)
        m.d.sync += self.job.value.eq(self.broadcast.value)
        return m
