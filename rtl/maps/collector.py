"""The collector of an engine with maps: groups in turn, or all at once; and tokens."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.layouts import state_layout
from rtl.maps.layouts import cast_layout, item_layout
from rtl.prim.delay import delayed
from rtl.prim.tree import merged


class MapCollector(wiring.Component):
    """Grants one pending activation a cycle; broadcasts it 3 + levels cycles later.

    With `stages.activations` it takes a cycle more. All cycles are those without hold.

    enable: grant if any group is pending.
    restart: a row begins, so the first group is next.
    together: grant all groups at once; their items do not come here.
    hold: nothing is granted in this cycle, and whatever is on its way stays where it is.
    pending: of each group.
    grant: to at most one of them, or to all that are pending.
    items: from each group, 2 cycles after its grant, or 3.
    column: pointer address of the row's column 0, of what comes out of the tree.
    token: instead of a grant.
    state: what it carries.
    broadcast: the activation and its column, or the token; moves on in the next cycle without hold.
    any_pending: some group is pending.
    """

    enable: Signal
    restart: Signal
    together: Signal
    hold: Signal
    pending: Signal
    grant: Signal
    items: data.View
    column: Signal
    token: Signal
    state: data.View
    broadcast: data.View
    any_pending: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Number of groups and widths come from `config`."""
        self._config = config
        ins = ("enable", "restart", "together", "hold", "token")
        super().__init__(
            {
                **{name: In(1) for name in ins},
                "pending": In(config.groups),
                "grant": Out(config.groups),
                "items": In(data.ArrayLayout(item_layout(config), config.groups)),
                "column": In(config.column_width),
                "state": In(state_layout(config)),
                "broadcast": Out(cast_layout(config)),
                "any_pending": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The next pending group; then the tree; then the column's address."""
        m = Module()
        self._grant(m)
        node, group = self._tree(m)
        top = data.View(item_layout(self._config), node)
        cycles = 2 + self._config.stages.activations + self._config.collector_levels
        moves = ~self.hold
        token = delayed(m, self.token, cycles=cycles, name="token", reset_less=False, enable=moves)
        state = delayed(m, self.state, cycles=cycles, name="state", enable=moves)
        # Position = place * groups + group, as a sum of shifted places.
        scaled = sum(
            (
                top.place << bit
                for bit in range(self._config.groups.bit_length())
                if self._config.groups >> bit & 1
            ),
            start=group,
        )
        with m.If(moves):
            m.d.sync += [
                self.broadcast.valid.eq(top.valid),
                self.broadcast.token.eq(token),
                self.broadcast.column.eq(self.column + scaled),
                self.broadcast.base.eq(top.base),
                self.broadcast.value.eq(top.value),
                self.broadcast.state.eq(state),
            ]
        return m

    def _grant(self, m: Module) -> None:
        """In cyclic order, from the first group on in each row."""
        later = Signal(self._config.groups, init=-1)
        behind = self.pending & later
        candidates = Mux(behind.any(), behind, self.pending)
        chosen = candidates & (~candidates + 1)
        m.d.comb += self.any_pending.eq(self.pending.any())
        with m.If(self.enable & ~self.hold):
            m.d.comb += self.grant.eq(Mux(self.together, self.pending, chosen))
        with m.If(self.restart):
            m.d.sync += later.eq(-1)
        with m.Elif(self.grant.any()):
            m.d.sync += later.eq(~(chosen | (chosen - 1)))

    def _tree(self, m: Module) -> tuple[Value, Value]:
        """OR of all items, of which at most one is not zero, and its group's number."""
        width = bits_for(self._config.groups - 1)
        nodes = []
        for number in range(self._config.groups):
            item = self.items[number]
            nodes.append(Cat(item, item.valid.replicate(width) & number))
        found = merged(m, nodes, levels=self._config.collector_levels, enable=~self.hold)
        size = item_layout(self._config).size
        return found[:size], found[size:]
