"""A board's design as a C++ program: Amaranth, Yosys' CXXRTL, a C++ compiler."""

from pathlib import Path

from boards.gateware.top import BUFFER, TIMEOUT, BoardTop
from golden.config import EngineConfig
from sim.compiled.program import HEADERS, ROOMS, key_of, translate
from toolchain import cache
from toolchain.compiler import compile_cpp, compiler

DRIVER = Path(__file__).with_name("board.cc")


def program(
    config: EngineConfig,
    *,
    clock_hz: int,
    divisor: int,
    buffer: int = BUFFER,
    timeout: int = TIMEOUT,
) -> Path:
    """The compiled board with an engine that is loaded whole, from the cache or made now.

    For the arguments see boards.gateware.top.BoardTop. It takes seconds to minutes. Raises
    ElsieError when there is no compiler, a tool fails, or the cache is of no use.
    """
    cxx = compiler()
    settings = (clock_hz, divisor, buffer, timeout)

    def make(work: Path) -> Path:
        top = BoardTop(
            config=config, clock_hz=clock_hz, divisor=divisor, buffer=buffer, timeout=timeout
        )
        names = ("rx", "tx", "running", "divisor")
        translate(top, {name: getattr(top, name) for name in names}, work)
        sources = [DRIVER, *sorted(work.glob("part*.cc"))]
        return compile_cpp(cxx, sources, work, flags=("-I", str(HEADERS), "-I", "."))

    rooms = (*ROOMS, "boards", "elsie/host/simulated")
    return cache.program("boards", key_of(config, cxx, rooms=rooms, more=settings), make)
