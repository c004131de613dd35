"""The timing model: every event of a step of all streams, with its cycle (docs/timing.md).

Written from the specification, not from the RTL. A network without a state takes one step for each
input, on one stream. The model runs an image's operations one by one on the contents of the
engine's memories; golden.arithmetic says what the results must be.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.config import EngineConfig
from golden.format.image import Image
from golden.maps.checks import as_shape
from golden.maps.grid import arrange
from golden.timing.machine import Machine
from golden.timing.maps.memory import MapMemory
from golden.timing.maps.step import MapStep
from golden.timing.maps.unpack import unpack_maps
from golden.timing.one_stream import OneStream
from golden.timing.phase import Timeline
from golden.timing.trace import Trace
from golden.timing.unpack import Counters, unpack
from golden.timing.vectors.state import State
from golden.timing.vectors.step import VectorStep

Ints = NDArray[np.int64]


class TimingModel:
    """Predicts traces for one image, step by step; unpacks it once."""

    def __init__(
        self, image: Image, *, timeline: Callable[[EngineConfig], Timeline] | None = None
    ) -> None:
        """`timeline` finds the cycles of a step; by default the fastest one that can."""
        self.config = image.config
        self._image = image
        # The phases of one stream do not overlap, so there is no need to step through the cycles.
        stepped = image.config.streams > 1 or image.config.maps.rows
        self._timeline = timeline or (Machine if stepped else OneStream)
        if image.config.maps.rows:
            self.maps, self._memory = unpack_maps(image), MapMemory(image.config)
        else:
            self.layers = unpack(image)
            self._state = State(image.config, self.layers)

    def run(
        self, x: ArrayLike, *, reset: Sequence[bool] | bool = False, answer: bool = True
    ) -> tuple[Trace, Counters]:
        """Trace and counters of one step; `x` is integer, shape (streams, n_in), or (n_in,) of one.

        reset: of each stream, its state is zero before this step. answer: the head runs, and
        outputs are handed over.
        """
        x = np.atleast_2d(np.asarray(x, dtype=np.int64))
        step = self._rows(x) if self.config.maps.rows else self._vectors(x, reset, answer)
        return step.trace, step.counters

    def _vectors(self, x: Ints, reset: Sequence[bool] | bool, answer: bool) -> VectorStep:
        """A step of a network of vectors."""
        if self.config.delta and np.any(reset):
            self._state.reset()
        step = VectorStep(
            config=self.config,
            layers=self.layers,
            state=self._state,
            timeline=self._timeline(self.config),
            x=x,
            fresh=np.broadcast_to(np.asarray(reset, dtype=bool), self.config.streams),
            answer=answer,
        )
        self._state.next_step()
        return step

    def _rows(self, x: Ints) -> MapStep:
        """An inference of a network with maps; its input is in the order of the network."""
        shape = as_shape(self._image.input_shape) or (x.shape[1], 1, 1)
        return MapStep(
            config=self.config,
            layers=self.maps,
            memory=self._memory,
            timeline=self._timeline(self.config),
            x=arrange(self.config, shape, x)[0],
        )
