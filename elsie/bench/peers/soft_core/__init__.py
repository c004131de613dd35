"""The same layers as C on small RISC-V cores: compiled, simulated as C++, checked against golden.

The cores' Verilog and the cross compiler (clang, in the ziglang package) come from PyPI, so cycles
are the same everywhere; Yosys makes C++ of a core, as for the engine. Nothing here is needed for
the other peers.
"""

import hashlib
import importlib.util
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elsie.bench.peers.networks import Workload
from golden.errors import ElsieError
from sim.compiled.program import HEADERS
from toolchain import cache, process
from toolchain.compiler import compile_cpp, compiler
from toolchain.programs import TOOLS
from toolchain.scratch import scratch

FOLDER = Path(__file__).parent
_ZIG = (sys.executable, "-m", "ziglang")
_FLAGS = ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m", "-mabi=ilp32")
_OPTIMISED = ("-O3", "-funroll-loops", "-fno-sanitize=all")
_LINK = ("-ffreestanding", "-nostdlib")


@dataclass(frozen=True, kw_only=True)
class Core:
    """One soft core."""

    name: str
    """Name in the tables."""
    package: str
    """Python package that brings the Verilog."""
    source: str
    """The Verilog file in it."""
    top: str
    """The module."""
    parameters: str
    """Parameters, set with Yosys' chparam."""
    features: str
    """The choice, in words."""


CORES = (
    Core(
        name="VexRiscv standard",
        package="pythondata_cpu_vexriscv",
        source="VexRiscv.v",
        top="VexRiscv",
        parameters="",
        features="caches of 4 KiB + 4 KiB, warm",
    ),
    Core(
        name="picorv32, fast multiplier",
        package="pythondata_cpu_picorv32",
        source="picorv32.v",
        top="picorv32",
        parameters="-set ENABLE_FAST_MUL 1 -set BARREL_SHIFTER 1",
        features="with a barrel shifter, no caches",
    ),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftCoreRun:
    """One network on one core."""

    core: Core
    cycles: int
    """Cycles of the second inference, with warm caches."""
    first: int
    """Cycles of the first inference."""
    outputs: NDArray[np.int64]
    """What the program computed, shape (n_out,)."""


def missing() -> str | None:
    """What has to be installed before `run` works, in one sentence; None if nothing is missing."""
    packages = ("ziglang", *(core.package for core in CORES))
    if any(importlib.util.find_spec(name) is None for name in packages):
        return (
            "the soft-core rows need the cores' Verilog and a RISC-V compiler; run: "
            "pip install elsie-fpga[peers], or say --skip-soft-core"
        )
    try:
        compiler()
    except ElsieError as error:
        return str(error)
    return None


def run(core: Core, work: Workload) -> SoftCoreRun:
    """Compile the network for a core and simulate it. ElsieError when a step fails.

    The core's simulator is kept in the cache (a minute to make), the program is not.
    """
    board = simulator(core)
    with scratch(Path(tempfile.gettempdir())) as folder:
        program = build_program(work, folder)
        done = process.run([str(board), str(program)], cwd=folder)
    if done.code:
        raise ElsieError(f"{core.name}: the simulated program ended with {done.code}")
    first, second = (int(c) for c in re.findall(r"^cycles (\d+)$", done.out, re.M))
    outputs = [int(v) for v in re.findall(r"^output (-?\d+)$", done.out, re.M)]
    return SoftCoreRun(core=core, cycles=second, first=first, outputs=np.array(outputs))


def build_program(work: Workload, folder: Path) -> Path:
    """Compile the C program with `work`'s weights into a memory image in `folder`."""
    (folder / "network.h").write_text(header(work))
    sources = [str(FOLDER / name) for name in ("start.S", "sparse.c")]
    elf, image = folder / "program.elf", folder / "program.bin"
    link = [*_LINK, "-I", str(folder), "-T", str(FOLDER / "memory.ld")]
    _system([*_ZIG, "cc", *_FLAGS, *_OPTIMISED, *link, *sources, "-o", str(elf)], folder)
    _system([*_ZIG, "objcopy", "-O", "binary", str(elf), str(image)], folder)
    return image


def header(work: Workload) -> str:
    """The network as C arrays: column starts, and row and weight of each non-zero."""
    parts, layers = [], []
    for n, (matrix, shift) in enumerate(zip(work.weights, work.shifts, strict=True)):
        column, row = np.nonzero(matrix.T)
        start = np.concatenate(([0], np.cumsum(np.count_nonzero(matrix, axis=0))))
        parts += [
            _array("uint16_t", f"start{n}", start),
            _array("uint8_t", f"row{n}", row),
            _array("int8_t", f"weight{n}", matrix[row, column]),
        ]
        relu = int(n < len(work.weights) - 1)
        sizes = f"{matrix.shape[1]}, {matrix.shape[0]}, {shift}, {relu}"
        layers.append(f"    {{{sizes}, start{n}, row{n}, weight{n}}},\n")
    return (
        f"#define LAYERS {len(layers)}\n#define WIDEST {max(work.sizes)}\n"
        + "".join(parts)
        + _array("int8_t", "input", work.x)
        + f"static const struct layer layers[LAYERS] = {{\n{''.join(layers)}}};\n"
    )


def simulator(core: Core) -> Path:
    """The board with this core as a program, from the cache (see sim.compiled.run) or made now."""
    found = importlib.util.find_spec(core.package)
    if found is None or found.origin is None:
        raise ElsieError(missing() or "")
    verilog = Path(found.origin).parent / "verilog" / core.source
    cxx = compiler()
    digest = hashlib.sha256(repr((core, cxx)).encode())
    for path in (verilog, FOLDER / "board.cc"):
        digest.update(path.read_bytes())

    def make(work: Path) -> Path:
        shutil.copy(verilog, work / "core.v")
        choose = f"chparam {core.parameters} {core.top}; " if core.parameters else ""
        script = f"read_verilog core.v; {choose}hierarchy -top {core.top}; write_cxxrtl -g0 core.cc"
        TOOLS["yosys"].run(["-q", "-p", script], cwd=work, makes=["core.cc"])
        flags = [f"-D{core.top.upper()}", "-I", str(HEADERS), "-I", "."]
        return compile_cpp(cxx, [FOLDER / "board.cc"], work, flags=flags)

    return cache.program("soft-core", digest.hexdigest()[:32], make)


def _array(kind: str, name: str, values: NDArray) -> str:
    """One constant array in C."""
    return f"static const {kind} {name}[] = {{{', '.join(map(str, values.tolist()))}}};\n"


def _system(command: list[str], cwd: Path) -> None:
    """Run a program of the system; ElsieError with what it said when it fails."""
    done = process.run(command, cwd=cwd)
    if done.code:
        raise ElsieError(f"{command[0]} failed: {done.reason}")
