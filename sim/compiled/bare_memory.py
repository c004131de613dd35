"""Memories without initial contents, for compiled simulation.

Amaranth writes out every initial word, even zeros; for megabits of weights that alone takes minutes
to convert and compile. So the simulator starts memories at zero and fills them itself. Tables that
are the same for all networks keep their contents.
"""

from amaranth.hdl import ClockSignal, Const, Instance, Module, Mux
from amaranth.lib import memory


class BareMemories:
    """A platform, for Amaranth, whose memories have two ports, read and write, and no zeros."""

    def get_memory(self, source: memory.Memory) -> Module:
        """The memory as one Yosys cell."""
        m = Module()
        (read,) = source.read_ports
        (write,) = source.write_ports
        width, address = len(read.data), len(read.addr)
        clocked = read.domain != "comb"
        m.submodules.cell = Instance(
            "$mem_v2",
            p_MEMID="\\memory",
            p_SIZE=source.data.depth,
            p_OFFSET=0,
            p_ABITS=address,
            p_WIDTH=width,
            p_INIT=_contents(source, width),
            **_read_parameters(width, clocked),
            p_WR_PORTS=1,
            p_WR_CLK_ENABLE=Const(1, 1),
            p_WR_CLK_POLARITY=Const(1, 1),
            p_WR_PRIORITY_MASK=Const(0, 1),
            p_WR_WIDE_CONTINUATION=Const(0, 1),
            i_RD_CLK=ClockSignal() if clocked else Const(0, 1),
            i_RD_EN=read.en if clocked else Const(1, 1),
            i_RD_ARST=Const(0, 1),
            i_RD_SRST=Const(0, 1),
            i_RD_ADDR=read.addr,
            o_RD_DATA=read.data,
            i_WR_CLK=ClockSignal(),
            i_WR_EN=write.en.replicate(width),
            # CXXRTL takes an address beyond the memory for an error even where nothing is written,
            # as when a word is loaded into a deeper one.
            i_WR_ADDR=Mux(write.en, write.addr, 0),
            i_WR_DATA=write.data,
        )
        return m


def _contents(source: memory.Memory, width: int) -> Const:
    """All words in one constant; a single 0 stands for all zeros."""
    words = [int(Const.cast(word).value) for word in source.data.init]
    if not any(words):
        return Const(0, 1)
    return Const(sum(word << (width * n) for n, word in enumerate(words)), width * len(words))


def _read_parameters(width: int, clocked: bool) -> dict[str, object]:
    """Parameters of the read port; a clocked one reads the old word."""
    return {
        "p_RD_PORTS": 1,
        "p_RD_CLK_ENABLE": Const(int(clocked), 1),
        "p_RD_CLK_POLARITY": Const(1, 1),
        "p_RD_TRANSPARENCY_MASK": Const(0, 1),
        "p_RD_COLLISION_X_MASK": Const(0, 1),
        "p_RD_WIDE_CONTINUATION": Const(0, 1),
        "p_RD_CE_OVER_SRST": Const(0, 1),
        "p_RD_ARST_VALUE": Const(0, width),
        "p_RD_SRST_VALUE": Const(0, width),
        "p_RD_INIT_VALUE": Const(0, width),
    }
