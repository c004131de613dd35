"""Steps of drains on their way through a group: sum, bias, activation, the largest of a window."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import bits_for
from rtl.layouts import struct, total_layout
from rtl.maps.layouts import step_layout
from rtl.operations.drain_unit import DrainUnit
from rtl.pe.accumulator import Accumulator
from rtl.pe.decoder import Decoder
from rtl.prim.delay import delayed


class MapPipeline(wiring.Component):
    """Delays a step's parts, and sends results where they belong.

    step: from the control.
    layer: the layer's word; steady while any of its steps is on its way.
    wipe: all PEs clear a sum instead.
    wipe_address: its address.
    to_add: one bit for each PE: its accumulator takes part; with `stages.clear` a cycle later.
    totals: what the accumulator does.
    bias_read: a bias is due.
    bias_address: its address, as in the layer's word.
    bias: the bias, a cycle later, or two with `stages.drain`.
    results: of the PEs' accumulators.
    output: an activation leaves.
    index: its index within the row.
    activation: its value.
    close: a cycle after the drain's last activation.
    """

    step: data.View
    layer: data.View
    wipe: Signal
    wipe_address: Signal
    to_add: Signal
    totals: data.View
    bias_read: Signal
    bias_address: Signal
    bias: Signal
    results: data.View
    output: Signal
    index: Signal
    activation: Signal
    close: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        super().__init__(
            {
                "step": In(step_layout(config)),
                "layer": In(struct(layout.map_descriptor(config))),
                "wipe": In(1),
                "wipe_address": In(config.row_width),
                "to_add": Out(size),
                "totals": Out(total_layout(config)),
                "bias_read": Out(1),
                "bias_address": Out(config.column_width),
                "bias": In(signed(config.acc_width)),
                "results": In(data.ArrayLayout(signed(config.acc_width), size)),
                "output": Out(1),
                "index": Out(config.index_width),
                "activation": Out(signed(config.act_width)),
                "close": Out(1),
            }
        )

    @staticmethod
    def _total(config: EngineConfig) -> int:
        """From a step to its turn in the accumulator."""
        return config.entry_stages + Decoder.LATENCY + config.multiplier_stages - 2

    @classmethod
    def result_latency(cls, config: EngineConfig) -> int:
        """From a step to its activation."""
        return cls._total(config) + Accumulator.result_latency(config) + DrainUnit.latency(config)

    def elaborate(self, platform: object) -> Module:
        """The step's fields, each as late as it is needed."""
        m = Module()
        config, chains = self._config, {}
        begin, end = self._total(config), self.result_latency(config)
        result = begin + Accumulator.result_latency(config)

        def at(name: str, cycles: int) -> Any:
            chain = chains.setdefault(name, [Value.cast(self.step[name])])
            while len(chain) <= cycles:
                late = delayed(
                    m,
                    chain[-1],
                    cycles=1,
                    name=f"{name}_{len(chain)}",
                    reset_less=name != "valid",
                )
                chain.append(late)
            return chain[cycles]

        self._totals(m, at, begin - config.stages.clear)
        self._bias(m, at, result - 1)
        m.submodules.drain = drain = DrainUnit(config=config, size=self._size)
        m.d.comb += [
            *(drain.results[number].eq(self.results[number]) for number in range(self._size)),
            drain.slot.eq(at("slot", result)),
            drain.bias.eq(self.bias),
            drain.settings.shift.eq(self.layer.shift),
            drain.settings.relu.eq(self.layer.relu),
        ]
        best = Signal(signed(config.act_width))
        value = Signal(signed(config.act_width))
        better = at("opens", end) | (drain.value > best)
        m.d.comb += [
            value.eq(Mux(better, drain.value, best)),
            self.output.eq(at("valid", end) & at("closes", end)),
            self.index.eq(self._numbered(at("output", end), at("slot", end))),
            self.activation.eq(value),
        ]
        m.d.sync += [best.eq(value), self.close.eq(at("valid", end) & at("ends", end))]
        return m

    def _totals(self, m: Module, at: Any, begin: int) -> None:
        """The accumulator's part."""
        wipe = delayed(m, self.wipe, cycles=begin, name="wipe", reset_less=False)
        wiped = delayed(m, self.wipe_address, cycles=begin, name="wiped")
        valid, slot = at("valid", begin), at("slot", begin)
        mine = Cat(valid & (slot == number) for number in range(self._size))
        m.d.comb += [
            self.to_add.eq(mine | wipe.replicate(self._size)),
            self.totals.row.eq(Mux(wipe, wiped, at("address", begin))),
        ]

    def _bias(self, m: Module, at: Any, read: int) -> None:
        """The bias of the unit whose sum is taken."""
        number = self._numbered(at("unit", read - 1), at("slot", read - 1))
        m.d.sync += self.bias_address.eq(self.layer.bias_base + number)
        m.d.comb += self.bias_read.eq(at("valid", read))

    def _numbered(self, row: Value, slot: Value) -> Value:
        """Number within the group: row x group + slot."""
        bits = bits_for(self._config.group - 1)
        return Cat(slot[:bits], row) if self._config.group > 1 else row
