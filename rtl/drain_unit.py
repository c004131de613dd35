"""Drain of a PE group: sum, bias, requantise; the result is the group's next activation."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.delay import delayed
from rtl.layouts import drain_layout, requantise_layout
from rtl.load import LoadTarget, MemoryWrite, drive
from rtl.prim.ram import BlockRam
from rtl.requantiser import Requantiser


class DrainUnit(wiring.Component):
    """One output activation a cycle, from the group's PEs in turn.

    step: the drain step; its accumulator is read in this cycle. sums: each PE's accumulator output,
    one cycle later. settings: of the layer. valid, index, value: the activation, `LATENCY` cycles
    after its step; not valid for PEs that the last group does not have. write: load port of the
    biases.
    """

    LATENCY = 3 + Requantiser.LATENCY

    step: data.View
    sums: data.View
    settings: data.View
    valid: Signal
    index: Signal
    value: Signal
    write: MemoryWrite

    def __init__(self, *, config: EngineConfig, size: int, init: list[int]) -> None:
        """`size` PEs in this group; `init`: bias words."""
        self._config, self._size, self._init = config, size, init
        super().__init__(
            {
                "step": In(drain_layout(config)),
                "sums": In(data.ArrayLayout(signed(config.acc_width), size)),
                "settings": In(requantise_layout(config)),
                "valid": Out(1),
                "index": Out(config.index_width),
                "value": Out(signed(config.act_width)),
                "write": In(MemoryWrite.Signature(config, LoadTarget.BIAS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Cycle 1: select the PE's sum, read the bias. 2: add. 3 to 5: requantise."""
        m = Module()
        config = self._config
        m.submodules.bias = bias = BlockRam(
            width=config.acc_width, depth=config.bias_depth, init=self._init
        )
        m.submodules.requantiser = requantiser = Requantiser(config=config)
        selected = Signal(signed(config.acc_width), reset_less=True)
        total = Signal.like(selected, reset_less=True)
        step = delayed(m, self.step, cycles=1, name="step", reset_less=False)
        present = Signal()
        m.d.comb += [
            present.eq(self.step.valid & ~self.step.discard & (self.step.slot < self._size)),
            bias.r_en.eq(step.valid),
            bias.r_addr.eq(step.bias),
            requantiser.total.eq(total),
            requantiser.settings.eq(self.settings),
            self.value.eq(requantiser.activation),
            self.valid.eq(delayed(m, present, cycles=self.LATENCY, name="valid", reset_less=False)),
            self.index.eq(delayed(m, self.step.index, cycles=self.LATENCY, name="index")),
        ]
        drive(m, self.write, bias)
        m.d.sync += selected.eq(self.sums[step.slot])
        m.d.sync += total.eq(selected + bias.r_data.as_signed())
        return m
