"""Interpreted simulation: the engine in Amaranth's own simulator; slow, with waveforms."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.sequences import Step
from golden.format.image import Image
from golden.kinds import EntryMemory
from golden.timing.trace import Trace
from golden.timing.unpack import Counters
from rtl.engine import Engine
from sim.harness import put, simulate
from sim.load import load_image, load_words
from sim.recorder import Recorder
from sim.stimuli import payloads
from sim.tracer import inferences
from sim.waves import traces


def run(
    image: Image,
    steps: Sequence[Step],
    *,
    max_cycles: int,
    vcd: str | Path | None,
    load: bool,
    progress: Callable[[int, int], None] | None,
    engine: Callable[..., Engine],
) -> tuple[list[Trace], list[Counters]]:
    """Simulate steps: each one's trace and counters.

    max_cycles: the watchdog's, loading not counted. The others: see sim.check.simulate_steps.
    """
    # The large RAMs cannot be initialised.
    load = load or image.config.entry_memory is EntryMemory.SPRAM
    dut = engine(config=image.config, image=None if load else image)
    words = payloads(image.config, steps)
    recording = _Recording(Recorder(dut), image if load else None, words, progress)
    simulate(
        recording.recorder,
        recording.drive,
        processes=[recording.record],
        max_cycles=max_cycles + recording.load_cycles,
        vcd=vcd,
        traces=lambda: traces(dut),
    )
    return inferences(image.config, recording.words), recording.counters


class _Recording:
    """Feeds an engine and writes down what it shows."""

    def __init__(
        self,
        recorder: Recorder,
        image: Image | None,
        inputs: NDArray[np.uint32],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.recorder, self._engine = recorder, recorder.engine
        self._image, self._inputs = image, inputs
        self._progress = progress
        self.words: list[int] = []
        self.counters: list[Counters] = []

    @property
    def load_cycles(self) -> int:
        """Loading takes at most so many cycles."""
        if self._image is None:
            return 0
        return sum(1 for _ in load_words(self._image)) + 8

    async def record(self, ctx: Any) -> None:
        """Every cycle's probe word."""
        append = self.words.append
        async for _, _, word in ctx.tick().sample(self.recorder.word):
            append(word)

    async def drive(self, ctx: Any) -> None:
        """Inputs in, results taken at once, counters read."""
        engine = self._engine
        if self._image is not None:
            await load_image(ctx, engine, self._image)
        ctx.set(engine.output.ready, 1)
        for number, row in enumerate(self._inputs):
            for word in row.tolist():
                await put(ctx, engine.input, engine.input.payload.shape().from_bits(word))
            await ctx.tick().until(engine.done)
            fields = ctx.get(engine.counters)
            self.counters.append(
                Counters(
                    cycles=fields.cycles,
                    macs=fields.macs,
                    stalls=fields.stalls,
                    starved=fields.starved,
                )
            )
            if self._progress is not None:
                self._progress(number + 1, len(self._inputs))
        await ctx.tick()  # the last word is recorded a cycle late
