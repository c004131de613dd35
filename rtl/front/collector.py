"""The collector: non-zero activations of all groups become one broadcast stream.

EIE's LNZD quadtree (section 4): the groups' activations are granted one a cycle, lowest group
first, and flow through a pipelined tree of four-input nodes.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.layouts import element_layout
from rtl.prim.tree import merged


def wide_broadcast_layout(config: EngineConfig) -> data.StructLayout:
    """A broadcast; its column is wide enough for an output's position too."""
    return data.StructLayout(
        {
            "valid": 1,
            "column": max(config.column_width, config.position_width),
            "value": signed(config.act_width),
        }
    )


class Collector(wiring.Component):
    """Grants one pending activation a cycle and broadcasts it 2 + levels cycles later.

    With `stages.activations` it takes a cycle more, and with `stages.grant` another one: then one
    grant is on its way while the next is decided.

    enable: grant if any group is pending.
    hold: nothing is granted in this cycle, and whatever is on its way stays where it is; but with
        `stages.fifo` it moves on.
    pending: of each group, it has elements left.
    more: of each group, it has at least two; only with `stages.grant`.
    grant: to at most one of them.
    elements: from each group, one cycle after its grant, or more.
    base: pointer address of the layer's column 0.
    back_base: that of the first column that is fed back; only with cells.
    broadcast: the activation and its column; it moves on in the next cycle without hold.
    any_pending: some group has elements that are not granted.
    """

    enable: Signal
    hold: Signal
    pending: Signal
    more: Signal
    grant: Signal
    elements: data.View
    base: Signal
    back_base: Signal
    broadcast: data.View
    any_pending: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Number of groups and widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "enable": In(1),
                "hold": In(1),
                "pending": In(config.groups),
                **({"more": In(config.groups)} if config.stages.grant else {}),
                "grant": Out(config.groups),
                "elements": In(data.ArrayLayout(element_layout(config), config.groups)),
                "base": In(config.column_width),
                **({"back_base": In(config.column_width)} if config.cells else {}),
                "broadcast": Out(wide_broadcast_layout(config)),
                "any_pending": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Lowest pending group first; then the tree; then the column's address."""
        m = Module()
        left = self._left(m) if self._config.stages.grant else self.pending
        m.d.comb += self.any_pending.eq(left.any())
        with m.If(self.enable & ~self.hold):
            m.d.comb += self.grant.eq(left & (~left + 1))
        node, group = self._tree(m)
        top = data.View(element_layout(self._config), node)
        # Position = index * groups + group, as a sum of shifted indices.
        scaled = sum(
            (
                top.index << bit
                for bit in range(self._config.groups.bit_length())
                if self._config.groups >> bit & 1
            ),
            start=group,
        )
        base = Mux(top.back, self.back_base, self.base) if self._config.cells else self.base
        with m.If(self._moves()):
            m.d.sync += [
                self.broadcast.valid.eq(top.valid),
                self.broadcast.column.eq(base + scaled),
                self.broadcast.value.eq(top.value),
            ]
        return m

    def _left(self, m: Module) -> Value:
        """The groups with elements besides the one that was just granted."""
        before = Signal.like(self.grant)
        with m.If(self._moves()):
            m.d.sync += before.eq(self.grant)
        return self.pending & (~before | self.more)

    def _moves(self) -> Value:
        """Whatever is on its way moves on."""
        return Value.cast(1) if self._config.stages.fifo else ~self.hold

    def _tree(self, m: Module) -> tuple[Value, Value]:
        """OR of all elements, of which at most one is not zero, and its group's number."""
        width = bits_for(self._config.groups - 1)
        nodes = []
        for number in range(self._config.groups):
            element = self.elements[number]
            label = element.valid.replicate(width) & number
            nodes.append(Cat(element, label))
        found = merged(m, nodes, levels=self._config.collector_levels, enable=self._moves())
        size = element_layout(self._config).size
        return found[:size], found[size:]
