"""Interpreted simulation: the engine in Amaranth's own simulator; slow, with waveforms."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.sequences import Step
from golden.format.image import Image
from golden.kinds import EntryMemory
from golden.timing.trace import Trace
from golden.timing.unpack import Counters
from rtl.engine import Engine
from sim.harness import CLOCK_PERIOD, put, simulate
from sim.load import load_image, load_words
from sim.recorder import Recorder
from sim.stimuli import payloads
from sim.tracer import inferences
from sim.waves.record import Waveforms
from sim.waves.window import Window


def run(
    image: Image,
    steps: Sequence[Step],
    *,
    max_cycles: int,
    waveforms: Waveforms | None,
    load: bool,
    progress: Callable[[int, int], None] | None,
    engine: Callable[..., Engine],
) -> tuple[list[Trace], list[Counters]]:
    """Simulate steps; returns the trace and the counters of each.

    max_cycles: of the watchdog, without loading. For the others see sim.check.simulate_steps.
    """
    # The large RAMs cannot be initialised.
    load = load or image.config.entry_memory is EntryMemory.SPRAM
    dut = engine(config=image.config, image=None if load else image)
    words = payloads(image.config, steps, image.input_shape)
    run, recording = _Run(Recorder(dut), image if load else None, words, progress), None
    if waveforms:
        assert isinstance(dut, Engine)
        recording = partial(waveforms.record, engine=dut, window=run.window)
    simulate(
        run.recorder,
        run.drive,
        processes=[run.record],
        max_cycles=max_cycles + run.load_cycles,
        period=waveforms.wave.period if waveforms else CLOCK_PERIOD,
        recording=recording,
    )
    return inferences(image.config, run.words), run.counters


class _Run:
    """Feeds an engine and records what it shows."""

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
        self._marks: list[int] = []  # cycles of the first inference: its inputs, then done

    def window(self, period: int) -> Window:
        """When the first inference ran, at `period` ps a cycle; everything if it failed."""
        begin, *_, start, done = self._marks if len(self._marks) > 2 else (0, 0, len(self.words))
        margin = max(2, (done - begin) // 50)
        return Window(
            begin=max(0, begin - margin) * period,
            start=start * period + period // 2,
            done=done * period + period // 2,
            end=(done + margin) * period,
        )

    @property
    def load_cycles(self) -> int:
        """Loading takes at most this many cycles."""
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
                self._mark(number)
            await ctx.tick().until(engine.done)
            self._mark(number)
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

    def _mark(self, inference: int) -> None:
        """An event that the waveforms mark happened in the cycle that has just ended."""
        if inference == 0:
            self._marks.append(len(self.words) - 1)
