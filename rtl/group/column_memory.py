"""Column memory of a PE group: pointers, read before the queue; and the biases behind them.

A column that is empty in a PE costs that PE nothing, because pointers are read at broadcast speed
and only jobs with entries are queued. All PEs read the pointer of one column in the same cycle, so
those of a group share a word. Biases are read when pointers are not: while a group drains.
"""

from amaranth.hdl import Assert, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import beside_layout, broadcast_layout, sent_shape, struct
from rtl.load import LoadTarget, MemoryWrite
from rtl.prim.delay import delayed
from rtl.prim.kept import kept
from rtl.prim.ram import BlockRam


class ColumnMemory(wiring.Component):
    """Turns a broadcast into each PE's pointer, one cycle later; gives the drain its bias.

    If there are broadcast stages, the last one is in here, after the memory, and an activation
    moves on twice. With a FIFO in the group it always does, and there is no hold.

    broadcast: an activation and its column's pointer address.
    hold: it does not move on in this cycle.
    valid: an activation has moved on, one cycle ago.
    value: the activation.
    pointers: its column's pointer in each PE.
    beside: what came with it; only with maps.
    bias_read: read a bias; never while broadcasts move (asserted), except where biases have a
        memory of their own (golden.fields.EngineFields.steals).
    bias_address: its address.
    bias: the bias, one cycle later; two with `stages.drain`.
    write: load port; not while a network runs.
    """

    LATENCY = 1
    """From the last move to the pointers."""

    broadcast: data.View
    hold: Signal
    valid: Signal
    value: Signal
    pointers: data.View
    beside: data.View
    bias_read: Signal
    bias_address: Signal
    bias: Signal
    write: MemoryWrite

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: words, pointers first."""
        self._config, self._init = config, init
        pointer = struct(layout.pointer(config))
        super().__init__(
            {
                "broadcast": In(broadcast_layout(config)),
                "hold": In(1),
                "valid": Out(1),
                "value": Out(sent_shape(config)),
                "pointers": Out(data.ArrayLayout(pointer, config.group)),
                "bias_read": In(1),
                "bias_address": In(config.column_width),
                "bias": Out(signed(config.acc_width)),
                "write": In(MemoryWrite.Signature(config, LoadTarget.COLUMN)),
                **({"beside": Out(beside_layout(config))} if config.maps.rows else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One memory; the activation waits for it in a register.

        The memory is slow, and its PEs may be far: with a register after it, a word has a cycle
        for each. The memory holds its word as the registers of other stages do.
        """
        m = Module()
        config = self._config
        moves = Signal()
        m.d.comb += moves.eq(self.broadcast.valid & ~self.hold)
        ram = self._two(m, moves) if config.steals else self._one(m, moves)
        waiting, value = moves, self.broadcast.value
        if config.broadcast_stages or config.stages.fifo:
            read = Signal()
            read_value = Signal.like(value)
            waiting = Signal()
            with m.If(~self.hold):
                m.d.sync += [read.eq(moves), read_value.eq(value)]
            m.d.comb += waiting.eq(read & ~self.hold)
            value = read_value
            m.d.sync += self.pointers.as_value().eq(ram.r_data)
            if not config.steals:
                m.d.sync += Assert(~(read & self.bias_read), "a bias is read over a pointer")
        else:
            m.d.comb += self.pointers.as_value().eq(ram.r_data)
        m.d.comb += [
            self.valid.eq(kept(m, waiting, shape=1, name="valid_here")),
            self.value.eq(kept(m, value, shape=self.value.shape(), name="value_here")),
        ]
        if config.maps.rows:
            self._beside(m, self.broadcast.beside)
        return m

    def _beside(self, m: Module, beside: data.View) -> None:
        """On the activation's way."""
        read = min(1, self._config.broadcast_stages)
        late = delayed(m, beside, cycles=read, name="read_beside", enable=~self.hold)
        m.d.comb += self.beside.eq(delayed(m, late, cycles=1, name="beside_here"))

    def _one(self, m: Module, moves: Signal) -> BlockRam:
        """Pointers and biases in one memory, which is returned."""
        config = self._config
        m.submodules.ram = ram = BlockRam(
            width=layout.column_word_width(config),
            depth=config.column_depth + config.bias_depth,
            init=self._init,
        )
        m.d.comb += [
            ram.r_en.eq(moves | self.bias_read),
            ram.r_addr.eq(Mux(self.bias_read, self.bias_address, self.broadcast.column)),
            ram.w_en.eq(self.write.en),
            ram.w_addr.eq(self.write.addr),
            ram.w_data.eq(self.write.data),
        ]
        self._bias(m, ram)
        m.d.sync += Assert(~(moves & self.bias_read), "a group is drained while broadcasts move")
        return ram

    def _bias(self, m: Module, ram: BlockRam) -> None:
        """The bias, perhaps behind a register, which may be that of the pointers."""
        domain = m.d.sync if self._config.stages.drain else m.d.comb
        domain += self.bias.eq(ram.r_data)

    def _two(self, m: Module, moves: Signal) -> BlockRam:
        """Biases in a second memory; returns that of the pointers."""
        config, write = self._config, self.write
        depth = config.column_depth
        m.submodules.ram = ram = BlockRam(
            width=layout.column_word_width(config), depth=depth, init=self._init[:depth]
        )
        m.submodules.biases = biases = BlockRam(
            width=config.acc_width, depth=config.bias_depth, init=self._init[depth:]
        )
        m.d.comb += [
            ram.r_en.eq(moves),
            ram.r_addr.eq(self.broadcast.column),
            biases.r_en.eq(self.bias_read),
            biases.r_addr.eq(self.bias_address - depth),
            ram.w_en.eq(write.en & (write.addr < depth)),
            ram.w_addr.eq(Mux(ram.w_en, write.addr, 0)),
            ram.w_data.eq(write.data),
            biases.w_en.eq(write.en & (write.addr >= depth)),
            biases.w_addr.eq(Mux(biases.w_en, write.addr - depth, 0)),
            biases.w_data.eq(write.data),
        ]
        self._bias(m, biases)
        return ram
