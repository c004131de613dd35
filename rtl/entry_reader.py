"""Entry read: runs a PE's jobs, one entry every cycle (EIE, "Sparse Matrix Read")."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden import layout
from golden.config import EngineConfig
from rtl.layouts import job_layout, struct
from rtl.load import LoadTarget, MemoryWrite, drive
from rtl.prim.ram import BlockRam


class EntryReader(wiring.Component):
    """Takes the queue's oldest job as soon as the last entry of the one before is being read.

    job_valid, job: the queue's head. pop: taken. issuing, address: an entry is read in this cycle,
    the first one a cycle after the pop. valid, first, entry, value: the entry a cycle after it was
    read, whether it is its column's first, and the job's activation. write: load port of the entry
    memory.
    """

    LATENCY = 2
    """From pop to the first entry."""

    job_valid: Signal
    job: data.View
    pop: Signal
    issuing: Signal
    address: Signal
    valid: Signal
    first: Signal
    entry: data.View
    value: Signal
    write: MemoryWrite

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: entry words."""
        self._config, self._init = config, init
        super().__init__(
            {
                "job_valid": In(1),
                "job": In(job_layout(config)),
                "pop": Out(1),
                "issuing": Out(1),
                "address": Out(config.entry_address_width),
                "valid": Out(1),
                "first": Out(1),
                "entry": Out(struct(layout.entry(config))),
                "value": Out(signed(config.act_width)),
                "write": In(MemoryWrite.Signature(config, LoadTarget.ENTRY)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Address and remaining entries of the running job; the memory behind them."""
        m = Module()
        config = self._config
        remaining = Signal(config.count_width)
        starts, ends = Signal(), Signal()
        value = Signal(signed(config.act_width), reset_less=True)
        m.d.comb += self.pop.eq(self.job_valid & (~self.issuing | ends))
        with m.If(self.pop):
            m.d.sync += [
                self.issuing.eq(1),
                starts.eq(1),
                ends.eq(self.job.count == 1),
                self.address.eq(self.job.start),
                remaining.eq(self.job.count),
                value.eq(self.job.value),
            ]
        with m.Elif(self.issuing):
            m.d.sync += [
                self.issuing.eq(~ends),
                starts.eq(0),
                ends.eq(remaining == 2),
                self.address.eq(self.address + 1),
                remaining.eq(remaining - 1),
            ]
        m.submodules.ram = ram = BlockRam(
            width=self.entry.shape().size, depth=config.entry_depth, init=self._init
        )
        m.d.comb += [
            ram.r_en.eq(self.issuing),
            ram.r_addr.eq(self.address),
            self.entry.as_value().eq(ram.r_data),
        ]
        drive(m, self.write, ram)
        m.d.sync += [self.valid.eq(self.issuing), self.first.eq(starts), self.value.eq(value)]
        return m
