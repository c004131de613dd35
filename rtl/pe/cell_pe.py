"""The processing element of an engine with cells: cell operations between its entries."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from golden.kinds import CELL_WIDTH, GATE_FRAC
from rtl.layouts import operand_layout, total_layout
from rtl.pe.cell_accumulator import CellAccumulator
from rtl.pe.cell_memory import CellMemory
from rtl.pe.cell_product import CellProduct
from rtl.pe.pe import ProcessingElement
from rtl.prim.delay import delayed


class CellElement(ProcessingElement):
    """As ProcessingElement; in a cycle with `steal` it runs an operation instead of an entry.

    layer, odd: of the phase that is broadcast: its number, and which of the PE's sums it uses.
    back_layer, back_odd: of the phase whose operations run. closed: all jobs of that phase have
    arrived. ready: all their entries are issued. steal, look, look_address: an operation begins; it
    takes the entry at this address. read, address: of the cell memory; multiply, operands: a cycle
    later; add, totals: see rtl.operations.cell_pipeline. sum: the total, see
    rtl.pe.cell_accumulator. write, write_address, write_value: of the cell memory.
    """

    odd: Signal
    back_layer: Signal
    back_odd: Signal
    steal: Signal
    look: Signal
    look_address: Signal
    read: Signal
    address: Signal
    multiply: Signal
    operands: data.View
    add: Signal
    totals: data.View
    write: Signal
    write_address: Signal
    write_value: Signal

    def _arithmetic(self) -> tuple[Any, Any]:
        """What multiplies, and what adds."""
        return CellProduct(config=self._config), CellAccumulator(config=self._config)

    def _ports(self) -> dict[str, wiring.Member]:
        """The ports."""
        config = self._config
        ports = super()._ports()
        for name in ("clear", "clear_row"):
            del ports[name]
        return {
            **ports,
            "odd": In(1),
            "back_layer": In(config.layer_width),
            "back_odd": In(1),
            "steal": In(1),
            "look": In(1),
            "look_address": In(config.entry_address_width),
            "read": In(1),
            "address": In(config.cell_width),
            "multiply": In(1),
            "operands": In(operand_layout(config)),
            "add": In(1),
            "totals": In(total_layout(config)),
            "write": In(2),
            "write_address": In(config.cell_width),
            "write_value": In(signed(CELL_WIDTH)),
        }

    def elaborate(self, platform: object) -> Module:
        """The stages, and the cell memory beside them."""
        m = super().elaborate(platform)
        m.d.comb += self.entry.steal.eq(self.steal)
        if self._config.streams > 1:
            m.d.comb += [
                self.queue.push_data.odd.eq(self.odd),
                self.queue.push_data.layer.eq(self.layer),
            ]
        return m

    def _fetch(self, m: Module) -> None:
        """An entry, or a peephole."""
        entry, config = self.entry, self._config
        m.d.comb += [
            self.fetch.eq(entry.fetch | self.look),
            self.fetch_address.eq(entry.fetch_address),
        ]
        if not self._shared:
            with m.If(self.look):
                m.d.comb += self.fetch_address.eq(self.look_address)
        looks = delayed(m, self.look, cycles=config.entry_stages, name="look", reset_less=False)
        m.d.comb += self.decoder.look.eq(looks)
        # The layer of what is decoded: the running job's, or that of the operation.
        if config.streams > 1:
            late = delayed(m, self.entry.running.layer, cycles=config.entry_stages, name="layer")
            m.d.comb += self.decoder.layer.eq(Mux(looks, self.back_layer, late))

    def _sum(self, m: Module) -> None:
        """Entries' and operations' products, sums and totals."""
        decoder, product, sums = self.decoder, self.product, self.sums
        config, operands = self._config, self.operands
        wait = config.multiplier_stages - 2
        m.submodules.cells = cells = CellMemory(config=config)
        row = delayed(m, decoder.row, cycles=wait, name="row")
        totals_row = self.totals.row
        if config.streams > 1:
            late = config.entry_stages + config.multiplier_stages - 1
            odd = delayed(m, self.entry.running.odd, cycles=late, name="odd")
            row, totals_row = Cat(row, odd), Cat(totals_row, self.totals.set)
        elif config.delta:
            row, totals_row = Cat(row, self.layer), Cat(totals_row, self.totals.set)
        left = Mux(operands.one, 1 << GATE_FRAC, cells.left)
        m.d.comb += [
            cells.read.eq(self.read),
            cells.address.eq(self.address),
            cells.write.eq(self.write),
            cells.write_address.eq(self.write_address),
            cells.value.eq(self.write_value),
            product.weight.eq(decoder.weight),
            product.activation.eq(decoder.activation),
            product.use_left.eq(self.multiply & operands.use_left),
            product.use_right.eq(self.multiply & operands.use_right),
            product.left.eq(left),
            product.right.eq(Mux(operands.mask, 0, cells.right)),
            sums.real.eq(delayed(m, decoder.real, cycles=wait, name="real", reset_less=False)),
            sums.row.eq(Mux(self.add, totals_row, row)),
            sums.product.eq(product.product),
            sums.operate.eq(self.add),
            *(getattr(sums, name).eq(self.totals[name]) for name in ("sums", "clear", "join")),
            self.sum.eq(sums.result),
        ]

    def _finish(self, m: Module) -> None:
        """When all entries of the phase whose operations come next are issued."""
        waits, runs = self.queue.valid, self.entry.busy
        if self._config.streams > 1:
            waits = waits & (self.queue.head.odd == self.back_odd)
            runs = runs & (self.entry.running.odd == self.back_odd)
        m.d.comb += [
            self.finished.eq(self.closed & ~waits & ~runs),
            self.ready.eq(self.finished),
        ]

    def _drained(self) -> Signal:
        """An operation runs."""
        return self.steal
