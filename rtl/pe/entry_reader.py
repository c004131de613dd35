"""Entry read: runs a PE's jobs, one entry every cycle (EIE, "Sparse Matrix Read")."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import base_shape, job_layout, sent_shape, struct
from rtl.prim.adder import SelectAdder


class EntryReader(wiring.Component):
    """Takes the queue's oldest job as soon as the last entry of the previous one is being read.

    turn: a job may be taken in this cycle; always high if the PE has a memory of its own.
    steal: no entry is read in this cycle; only where operations come between entries.
    job_valid: the queue has a job.
    job: its oldest one.
    pop: it is taken.
    issuing: an entry is read in this cycle, the first one a cycle after the pop.
    address: its address.
    fetch: read this word of the entry memory, in the cycle of its first entry.
    fetch_address: the word's address.
    word: the word, one cycle later.
    valid: an entry was issued a cycle ago.
    first: it is its column's first.
    entry: the entry.
    value: the job's activation.
    busy: a job runs.
    running: the job; only where phases overlap.
    base: the job's; only with maps.
    free: no entry is left after this cycle; only with maps.
    """

    LATENCY = 2
    """From pop to the first entry."""

    turn: Signal
    steal: Signal
    job_valid: Signal
    job: data.View
    pop: Signal
    issuing: Signal
    address: Signal
    fetch: Signal
    fetch_address: Signal
    word: Signal
    valid: Signal
    first: Signal
    entry: data.View
    value: Signal
    busy: Signal
    running: data.View
    base: Signal
    free: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths and the entries in a word come from `config`."""
        self._config = config
        entry = struct(layout.entry(config))
        overlap = {"steal": In(1), "running": Out(job_layout(config))}
        maps = {"steal": In(1), "free": Out(1), "base": Out(base_shape(config))}
        super().__init__(
            {
                "turn": In(1),
                "job_valid": In(1),
                "job": In(job_layout(config)),
                "pop": Out(1),
                "issuing": Out(1),
                "address": Out(config.entry_address_width),
                "fetch": Out(1),
                "fetch_address": Out(config.start_width),
                "word": In(16 if config.entry_lanes > 1 else entry.size),
                "valid": Out(1),
                "first": Out(1),
                "entry": Out(entry),
                "value": Out(sent_shape(config)),
                "busy": Out(1),
                **(overlap if config.streams > 1 else {}),
                **(maps if config.maps.rows else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Address and remaining entries of the running job."""
        m = Module()
        config = self._config
        two = config.entry_lanes > 1
        starts = Signal()
        last = Signal(name="ends")
        busy, ends = self.busy, last
        if config.steals:
            ends = last & ~self.steal
            m.d.comb += self.issuing.eq(busy & ~self.steal)
        else:
            m.d.comb += self.issuing.eq(busy)
        remaining = Signal(config.count_width)
        value = Signal(sent_shape(config), reset_less=True)
        m.submodules.step = step = SelectAdder(width=len(self.address))
        m.submodules.count = count = SelectAdder(width=config.count_width)
        m.d.comb += [
            self.pop.eq(self.job_valid & (~busy | ends) & self.turn),
            # The job's first address, or the next one.
            step.addend.eq(~self.pop),
            step.base.eq(self.address),
            step.other.eq(self.job.start << int(two)),
            step.select.eq(self.pop),
            # Entries left after the one of the next cycle.
            count.addend.eq(-1),
            count.base.eq(remaining),
            count.other.eq(self.job.count),
            count.select.eq(self.pop),
        ]
        with m.If(self.pop | self.issuing):
            m.d.sync += [
                busy.eq(self.pop | ~last),
                starts.eq(self.pop),
                self.address.eq(step.sum),
                remaining.eq(count.sum),
                last.eq(count.sum == 0),
            ]
        with m.If(self.pop):
            m.d.sync += value.eq(self.job.value)
            if config.streams > 1:
                m.d.sync += self.running.eq(self.job)
        m.d.sync += [self.valid.eq(self.issuing), self.first.eq(starts), self.value.eq(value)]
        if config.maps.rows:
            self._base(m, ends)
        self._lanes(m) if two else self._whole(m)
        return m

    def _base(self, m: Module, ends: Value) -> None:
        """The job's base beside its activation, and whether a token may be taken."""
        base = Signal(base_shape(self._config), reset_less=True)
        with m.If(self.pop):
            m.d.sync += base.eq(self.job.base)
        m.d.sync += self.base.eq(base)
        m.d.comb += self.free.eq(~self.busy | ends)

    def _whole(self, m: Module) -> None:
        """A word is an entry."""
        m.d.comb += [
            self.fetch.eq(self.issuing),
            self.fetch_address.eq(self.address),
            self.entry.as_value().eq(self.word),
        ]

    def _lanes(self, m: Module) -> None:
        """A word is two entries; the upper one waits while the neighbour reads."""
        width = self.entry.shape().size
        upper = Signal(width, reset_less=True)
        odd = Signal()
        m.d.comb += [
            self.fetch.eq(self.issuing & ~self.address[0]),
            self.fetch_address.eq(self.address[1:]),
            self.entry.as_value().eq(Mux(odd, upper, self.word[:width])),
        ]
        m.d.sync += [odd.eq(self.address[0]), upper.eq(self.word[8:])]
