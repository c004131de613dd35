"""The load port: how a host fills the engine's memories."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format.memories import MemoryMap, Space


class LoadTarget(enum.Enum, shape=2):
    """The memory that a load word is for."""

    PROGRAM = 0
    COLUMN = 1
    ENTRY = 2
    CODEBOOK = 3


def space_of(config: EngineConfig, target: LoadTarget) -> Space:
    """Depth and width of the memory of `target` in one unit."""
    return MemoryMap.of(config).space(target.name.lower())


def load_layout(config: EngineConfig) -> data.StructLayout:
    """One word for one memory.

    target: which kind of memory. unit: its PE (entry) or group (column); ignored for the layer
    program and the codebook, which is written in all PEs at once. address, data: the word.
    """
    spaces = [space_of(config, target) for target in LoadTarget]
    return data.StructLayout(
        {
            "target": LoadTarget,
            "unit": unsigned(max(1, (max(config.pes, config.groups) - 1).bit_length())),
            "address": unsigned(max(1, max((space.depth - 1).bit_length() for space in spaces))),
            "data": unsigned(max(space.width for space in spaces)),
        }
    )


class MemoryWrite(wiring.PureInterface):
    """The write side of one memory: en, addr and data, taken at the end of the cycle."""

    en: Signal
    addr: Signal
    data: Signal

    class Signature(wiring.Signature):
        """Widths of memory kind `target`."""

        def __init__(self, config: EngineConfig, target: LoadTarget) -> None:
            space = space_of(config, target)
            address = max(1, (space.depth - 1).bit_length())
            super().__init__({"en": Out(1), "addr": Out(address), "data": Out(space.width)})

        def create(self, *, path: Any = None, src_loc_at: int = 0) -> "MemoryWrite":
            """The interface object."""
            return MemoryWrite(self, path=path, src_loc_at=1 + src_loc_at)


class LoadSelect(wiring.Component):
    """Picks the words for one memory off the load port, in the same cycle.

    valid: a word of the load port.
    word: the word.
    write: the memory's write side.
    """

    valid: Signal
    word: data.View
    write: MemoryWrite

    def __init__(self, *, config: EngineConfig, target: LoadTarget, unit: int | None) -> None:
        """`unit` None takes the words of all units."""
        self._target, self._unit = target, unit
        super().__init__(
            {
                "valid": In(1),
                "word": In(load_layout(config)),
                "write": Out(MemoryWrite.Signature(config, target)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Compares target and unit."""
        m = Module()
        mine = self.word.target == self._target
        if self._unit is not None:
            mine = mine & (self.word.unit == self._unit)
        m.d.comb += [
            self.write.en.eq(self.valid & mine),
            self.write.addr.eq(self.word.address),
            self.write.data.eq(self.word.data),
        ]
        return m
