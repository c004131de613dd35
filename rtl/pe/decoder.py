"""Weight decode: an entry becomes a local row and a weight (EIE, "Arithmetic Unit", stage 1)."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import base_shape, local_shape, sent_shape, struct
from rtl.load import LoadTarget, MemoryWrite
from rtl.prim.ram import BlockRam


class RowCounter(wiring.Component):
    """Local row of each entry from the zero runs, one cycle later.

    A run of all ones is padding: it skips that many rows and carries no weight.

    valid: an entry arrives.
    first: it is its column's first.
    run: its zero run.
    base: what a column's rows are counted from; only with maps.
    real: one cycle later, the entry carries a weight.
    row: that weight's row.
    """

    LATENCY = 1

    valid: Signal
    first: Signal
    run: Signal
    base: Signal
    real: Signal
    row: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "run": In(config.run_width),
                **({"base": In(base_shape(config))} if config.maps.rows else {}),
                "real": Out(1),
                "row": Out(local_shape(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The next entry's row is one past a real entry's; padding does not take a row."""
        m = Module()
        padding = self.run.all()
        step = Signal()
        start = self.base << self._config.maps.row_bits if self._config.maps.rows else 0
        base = Mux(self.first, start, self.row)
        with m.If(self.valid):
            m.d.sync += [
                self.row.eq(base + self.run + (step & ~self.first)),
                step.eq(~padding),
            ]
        m.d.sync += self.real.eq(self.valid & ~padding)
        return m


class Decoder(wiring.Component):
    """Entry to row, weight and activation, one cycle later.

    valid: an entry arrives.
    first: it is its column's first.
    entry: the entry.
    value: its activation.
    look: the entry is a peephole, and only its weight counts; only with cells.
    base: what its column's rows are counted from; only with maps.
    layer: number of the entry's layer.
    real: one cycle later, the entry carries a weight.
    row: that weight's row.
    weight: signed weight, or the raw code where no multiplier takes it (log, ternary).
    activation: the entry's activation; 0 without an entry, so that the product is 0.
    write: load port of the codebook.
    """

    LATENCY = RowCounter.LATENCY

    valid: Signal
    first: Signal
    entry: data.View
    value: Signal
    look: Signal
    base: Signal
    layer: Signal
    real: Signal
    row: Signal
    weight: Signal
    activation: Signal
    write: MemoryWrite

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: codebook words, one codebook after the other; unused without codebooks."""
        self._config, self._init = config, init
        multiplied = config.alphabet.multiplied
        weight = signed(config.weight_width) if multiplied else config.code_width
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "entry": In(struct(layout.entry(config))),
                "value": In(sent_shape(config)),
                **({"look": In(1)} if config.cells else {}),
                **({"base": In(base_shape(config))} if config.maps.rows else {}),
                "layer": In(config.layer_width),
                "real": Out(1),
                "row": Out(local_shape(config)),
                "weight": Out(weight),
                "activation": Out(sent_shape(config)),
                "write": In(MemoryWrite.Signature(config, LoadTarget.CODEBOOK)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The codebook memory holds all layers' codebooks; other codes just wait a cycle."""
        m = Module()
        m.submodules.row_counter = rows = RowCounter(config=self._config)
        m.d.comb += [
            rows.valid.eq(self.valid),
            rows.first.eq(self.first),
            rows.run.eq(self.entry.run),
            self.real.eq(rows.real),
            self.row.eq(rows.row),
        ]
        if self._config.maps.rows:
            m.d.comb += rows.base.eq(self.base)
        m.d.sync += self.activation.eq(self.value)
        with m.If(~self.valid):
            m.d.sync += self.activation.eq(0)
        if self._config.alphabet.codebook:
            m.submodules.codebook = ram = BlockRam(
                width=self._config.weight_width,
                depth=self._config.layers << self._config.code_width,
                init=self._init,
            )
            m.d.comb += [
                ram.r_en.eq(self.valid | self.look if self._config.cells else self.valid),
                ram.r_addr.eq(Cat(self.entry.code, self.layer)),
                self.weight.eq(ram.r_data),
                ram.w_en.eq(self.write.en),
                ram.w_addr.eq(self.write.addr),
                ram.w_data.eq(self.write.data),
            ]
        else:
            m.d.sync += self.weight.eq(self.entry.code)
        return m
