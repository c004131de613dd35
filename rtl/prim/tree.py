"""One value from many that are far apart."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, Value, ValueLike

from rtl.prim.delay import delayed


def gathered(
    m: Module, bits: Sequence[Value], *, every: bool, name: str, clear: ValueLike = 0
) -> Value:
    """Whether every bit is set, or any, later: a 4-ary tree with a register behind each node.

    It has at least one level, even for one bit. clear: all registers become 0.
    """
    level, nodes = 0, list(bits)
    while len(nodes) > 1 or level == 0:
        parents: list[Value] = []
        for first in range(0, len(nodes), 4):
            children = Cat(nodes[first : first + 4])
            node = Signal(name=f"{name}_{level}_{first // 4}")
            m.d.sync += node.eq((children.all() if every else children.any()) & ~Value.cast(clear))
            parents.append(node)
        level, nodes = level + 1, parents
    return nodes[0]


def merged(m: Module, nodes: Sequence[Value], *, levels: int, enable: ValueLike) -> Value:
    """OR of all, a 4-ary tree with a register behind each of the nodes of `levels` levels.

    A single one without levels passes as it is. Registers hold without `enable`.
    """
    for level in range(levels):
        parents: list[Value] = []
        for first in range(0, len(nodes), 4):
            node = nodes[first]
            for other in nodes[first + 1 : first + 4]:
                node = node | other
            name = f"level{level}_{first // 4}"
            parents.append(delayed(m, node, cycles=1, name=name, reset_less=False, enable=enable))
        nodes = parents
    return nodes[0]
