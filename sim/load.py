"""Fill an engine's memories over its load port, as a host does."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from golden.image import Image
from rtl.engine import Engine
from rtl.load import LoadTarget


def load_words(image: Image) -> Iterator[dict[str, Any]]:
    """Every word of an image that is used, as payloads of the load port."""
    used = image.used
    parts = (
        (LoadTarget.PROGRAM, image.program[None, :]),
        (LoadTarget.POINTER, image.pointers[:, : used["pointers"]]),
        (LoadTarget.ENTRY, image.entries[:, : used["entries"]]),
        (LoadTarget.CODEBOOK, image.codebook_words[None, :]),
        (LoadTarget.BIAS, image.bias_words[:, : used["biases"]]),
    )
    for target, words in parts:
        for (unit, address), word in np.ndenumerate(words):
            yield {"target": target, "unit": unit, "address": address, "data": int(word)}


async def load_image(ctx: Any, engine: Engine, image: Image) -> None:
    """Write all words, one a cycle; the engine must be idle."""
    await ctx.tick().until(engine.input.ready)
    ctx.set(engine.load.valid, 1)
    for payload in load_words(image):
        ctx.set(engine.load.payload, payload)
        await ctx.tick()
    ctx.set(engine.load.valid, 0)
    await ctx.tick()
