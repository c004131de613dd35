"""Compiled simulation: the engine as C++ (Yosys' CXXRTL), run as a program of its own.

It takes the same stimuli and gives the same probe words as the interpreted simulation, some hundred
times faster. The program depends only on the configuration, not on the network, and is cached by
content.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.sequences import Step
from golden.config import EngineConfig, EntryMemory
from golden.errors import ElsieError
from golden.format.image import Image
from golden.format.memories import MemoryMap, Store
from golden.timing.unpack import Counters
from rtl.prim.spram import Spram
from sim.compiled.program import member, program
from sim.stimuli import payloads
from sim.tracer import bit_of, record_bytes
from toolchain import process
from toolchain.scratch import scratch


def run(
    image: Image, steps: Sequence[Step], *, max_cycles: int
) -> tuple[list[NDArray[np.uint8]], list[Counters]]:
    """Simulate steps; returns the probe records and the counters of each.

    Records have shape (cycles, bytes). Raises AssertionError when an assertion in the RTL fails.
    """
    binary = program(image.config)
    with scratch(Path(tempfile.gettempdir())) as folder:
        source, target = folder / "in", folder / "out"
        source.write_bytes(_stimuli(image, steps, max_cycles))
        done = process.run([str(binary), str(source), str(target)], cwd=folder)
        if done.code == 3:
            raise AssertionError(f"Assertion violated: {done.err.strip()}")
        if done.code == 6:
            raise ElsieError(
                f"{folder.parent}: compiled simulation cannot write there; make "
                f"room, or set TMPDIR to another folder"
            )
        if done.code:
            raise RuntimeError(f"compiled simulation ended with {done.code}: {done.reason}")
        return _results(image.config, target.read_bytes(), len(steps))


def _stimuli(image: Image, steps: Sequence[Step], max_cycles: int) -> bytes:
    """The driver's input."""
    memories = list(_memories(image))
    parts = [np.array([len(memories)], "<u4").tobytes()]
    for name, words, width in memories:
        chunks = -(-width // 32)
        split = _chunks(words, chunks)
        raw = member(f"{name} memory memory").encode()
        parts.append(np.array([len(raw)], "<u4").tobytes())
        parts.append(raw.ljust(-(-len(raw) // 4) * 4, b"\0"))
        parts.append(np.array([len(split), chunks], "<u4").tobytes())
        parts.append(split.tobytes())
    config = image.config
    words = payloads(config, steps, image.input_shape)
    header = [bit_of(config, "start"), bit_of(config, "done"), max_cycles]
    parts.append(np.array([*header, *words.shape], "<u4").tobytes())
    parts.append(words.astype("<u4").tobytes())
    return b"".join(parts)


def _chunks(words: Sequence[int] | NDArray[Any], count: int) -> NDArray[np.uint32]:
    """Words of any width as `count` little-endian 32-bit parts each, shape (words, count)."""
    if isinstance(words, np.ndarray) and words.dtype != object:
        return words.astype("<u8").view("<u4").reshape(-1, 2)[:, :count]
    raw = b"".join(int(word).to_bytes(4 * count, "little") for word in words)
    return np.frombuffer(raw, "<u4").reshape(-1, count)


def _memories(
    image: Image,
) -> Iterator[tuple[str, Sequence[int] | NDArray[np.uint64], int]]:
    """Path, words and width of every memory that the image fills."""
    config = image.config
    for part in image.contents():
        memory = part.memory
        if memory.store is not Store.SPRAM:
            for path in _paths(config, memory.name, part.unit):
                yield path, part.words, memory.width
    if config.entry_memory is EntryMemory.SPRAM:
        yield from _sprams(image)


def _paths(config: EngineConfig, name: str, unit: int | None) -> list[str]:
    """Where a memory's copies are in the engine: all of them, or one PE's or group's."""
    if name == "program":
        return ["engine sequencer program ram" if config.maps.rows else "engine sequencer program"]
    if name in ("column", "bias"):
        return [f"engine group{unit} columns {'ram' if name == 'column' else 'biases'}"]
    within = {"entry": "entries", "codebook": "decoder codebook"}[name]
    pes = range(config.pes) if unit is None else [unit]
    return [f"engine group{pe // config.group} pe{pe % config.group} {within}" for pe in pes]


def _sprams(image: Image) -> Iterator[tuple[str, NDArray[np.uint64], int]]:
    """The same for SPRAMs, which hold one PE's words from 0, and the other's from the middle."""
    config, width = image.config, MemoryMap.of(image.config)["entry"].width
    for group in range(config.groups):
        for slot in range(0, config.group_size(group), 2):
            pe = group * config.group + slot
            both = np.zeros((2, Spram.DEPTH // 2), dtype=np.uint64)
            halves = image.entry_words[pe : pe + min(2, config.group_size(group) - slot)]
            both[: len(halves), : halves.shape[1]] = halves
            yield f"engine group{group} entries pair{slot // 2} ram", both.reshape(-1), width


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
