"""A PE group: PEs that share an activation memory and a drain unit."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect

from golden.config import EngineConfig
from golden.image import Image
from rtl.activation_memory import ActivationMemory
from rtl.drain_unit import DrainUnit
from rtl.layouts import broadcast_layout, drain_layout, element_layout, requantise_layout
from rtl.load import LoadSelect, LoadTarget, load_layout
from rtl.pe import ProcessingElement
from rtl.probe import Events


class Group(wiring.Component):
    """`config.group` PEs (the last group may have fewer), their activations and their drain.

    broadcast, layer: to the PEs. near_full, busy: of any PE, one cycle ago. swap, pending, grant,
    element: the activation memory's. input_valid, input_index, input_value: an input activation,
    only while nothing drains. step, settings: the drain. load_valid, load_word: the load port.
    probe, pe_probe: events. issuing, committing: one bit for each PE.
    """

    broadcast: data.View
    layer: Signal
    near_full: Signal
    busy: Signal
    swap: Signal
    pending: Signal
    grant: Signal
    element: data.View
    input_valid: Signal
    input_index: Signal
    input_value: Signal
    step: data.View
    settings: data.View
    load_valid: Signal
    load_word: data.View

    def __init__(self, *, config: EngineConfig, number: int, image: Image | None) -> None:
        """Group `number`, initialised from `image` if there is one."""
        self._config, self._number = config, number
        self._size = config.group_size(number)
        first = number * config.group
        self.pes = [
            ProcessingElement(config=config, number=first + slot, image=image)
            for slot in range(self._size)
        ]
        biases = [] if image is None else [int(word) for word in image.bias_words[number]]
        self.drain = DrainUnit(config=config, size=self._size, init=biases)
        super().__init__(
            {
                "broadcast": In(broadcast_layout(config)),
                "layer": In(config.layer_width),
                "near_full": Out(1),
                "busy": Out(1),
                "swap": In(1),
                "pending": Out(1),
                "grant": In(1),
                "element": Out(element_layout(config)),
                "input_valid": In(1),
                "input_index": In(config.index_width),
                "input_value": In(signed(config.act_width)),
                "step": In(drain_layout(config)),
                "settings": In(requantise_layout(config)),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """PEs, drain unit, activation memory."""
        m = Module()
        m.submodules.activations = memory = ActivationMemory(config=self._config)
        m.submodules.drain = drain = self.drain
        m.d.comb += [
            memory.write.eq(self.input_valid | drain.valid),
            memory.index.eq(Mux(drain.valid, drain.index, self.input_index)),
            memory.value.eq(Mux(drain.valid, drain.value, self.input_value)),
            memory.swap.eq(self.swap),
            memory.grant.eq(self.grant),
            self.pending.eq(memory.pending),
            self.element.eq(memory.element),
            drain.step.eq(self.step),
            drain.settings.eq(self.settings),
        ]
        self._load(m, drain)
        self._pes(m, drain)
        return m

    def events(self) -> Events:
        """Signals of the group's own events, for the trace."""
        drain = self.drain
        return {"drain": {"valid": drain.valid, "index": drain.index, "value": drain.value}}

    def _load(self, m: Module, drain: DrainUnit) -> None:
        """The bias memory's load select."""
        m.submodules.load_bias = select = LoadSelect(
            config=self._config, target=LoadTarget.BIAS, unit=self._number
        )
        m.d.comb += [select.valid.eq(self.load_valid), select.word.eq(self.load_word)]
        connect(m, select.write, drain.write)

    def _pes(self, m: Module, drain: DrainUnit) -> None:
        """The PEs and their status."""
        for slot, pe in enumerate(self.pes):
            m.submodules[f"pe{slot}"] = pe
            m.d.comb += [
                pe.broadcast.eq(self.broadcast),
                pe.layer.eq(self.layer),
                pe.clear.eq(self.step.valid & (self.step.slot == slot)),
                pe.clear_row.eq(self.step.row),
                pe.load_valid.eq(self.load_valid),
                pe.load_word.eq(self.load_word),
                drain.sums[slot].eq(pe.sum),
            ]
        m.d.comb += [
            self.near_full.eq(Cat(pe.near_full for pe in self.pes).any()),
            self.busy.eq(Cat(pe.busy for pe in self.pes).any()),
        ]
