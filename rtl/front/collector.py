"""The collector: non-zero activations of all groups become one broadcast stream.

EIE's LNZD quadtree (section 4): the groups' activations are granted one a cycle, lowest group
first, and flow through a pipelined tree of four-input nodes.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.layouts import beside_layout, element_layout, state_layout
from rtl.maps.layouts import row_layout
from rtl.maps.turns import Turns
from rtl.prim.delay import delayed
from rtl.prim.tree import merged


def wide_broadcast_layout(config: EngineConfig) -> data.StructLayout:
    """A broadcast; its column is wide enough for an output's position too."""
    return data.StructLayout(
        {
            "valid": 1,
            "column": max(config.column_width, config.position_width),
            "value": signed(config.act_width),
            **({"beside": beside_layout(config)} if config.maps.rows else {}),
        }
    )


class Collector(wiring.Component):
    """Grants one pending activation a cycle and broadcasts it 2 + levels cycles later.

    With `stages.activations` it takes a cycle more, with maps too, and with `stages.grant` another
    one: then one grant is on its way while the next is decided.

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

    With maps, where groups are granted in turn, or together if their items do not come here:

    row: a row begins to be read; its first column takes the place of `base`.
    token: instead of a grant.
    state: what it carries.
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
    row: data.View
    token: Signal
    state: data.View

    def __init__(self, *, config: EngineConfig) -> None:
        """Number of groups and widths come from `config`."""
        self._config = config
        maps = {"row": In(row_layout(config)), "token": In(1), "state": In(state_layout(config))}
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
                **(maps if config.maps.rows else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Lowest pending group first; then the tree; then the column's address."""
        m = Module()
        left = self._left(m) if self._config.stages.grant else self.pending
        m.d.comb += self.any_pending.eq(left.any())
        if self._config.maps.rows:
            self._turns(m)
        else:
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
        base: Value = self.base
        if self._config.cells:
            base = Mux(top.back, self.back_base, self.base)
        elif self._config.maps.rows:
            base = self._beside(m, top)
        with m.If(self._moves()):
            m.d.sync += [
                self.broadcast.valid.eq(top.valid),
                self.broadcast.column.eq(base + scaled),
                self.broadcast.value.eq(top.value),
            ]
        return m

    def _turns(self, m: Module) -> None:
        """Grants where rows of maps are read."""
        m.submodules.turns = turns = Turns(config=self._config)
        m.d.comb += [
            turns.restart.eq(self.row.valid),
            turns.enable.eq(self.enable & ~self.hold),
            turns.together.eq(self.row.reading.local),
            turns.pending.eq(self.pending),
            self.grant.eq(turns.grant),
        ]

    def _beside(self, m: Module, top: data.View) -> Value:
        """Tokens on the way of broadcasts, and bases; returns the first column of the row."""
        config, moves = self._config, self._moves()
        # A row's items come after its length, with which the groups take its reading too.
        cycles = 1 + config.stages.activations
        starts = delayed(
            m, self.row.valid, cycles=cycles, name="starts", reset_less=False, enable=moves
        )
        column = Signal.like(self.row.reading.column)
        with m.If(starts & moves):
            m.d.sync += column.eq(self.row.reading.column)
        cycles += 1 + config.collector_levels
        token = delayed(m, self.token, cycles=cycles, name="token", reset_less=False, enable=moves)
        state = delayed(m, self.state, cycles=cycles, name="state", enable=moves)
        with m.If(moves):
            m.d.sync += [
                self.broadcast.beside.token.eq(token),
                self.broadcast.beside.base.eq(top.base),
                self.broadcast.beside.state.eq(state),
            ]
        return delayed(m, column, cycles=config.collector_levels, name="column", enable=moves)

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
