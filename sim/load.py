"""Fill an engine's memories over its load port, as a host does."""

from collections.abc import Iterable, Iterator
from typing import Any

from golden.format.image import Image
from rtl.engine import Engine
from rtl.load import LoadTarget


def load_words(image: Image) -> Iterator[dict[str, Any]]:
    """Every word of an image that is used, as payloads of the load port."""
    config, entries = image.config, -(-image.used["entries"] // image.config.entry_lanes)
    parts: list[tuple[LoadTarget, Iterable[Iterable[int]]]] = [
        (LoadTarget.PROGRAM, [image.program.tolist()]),
        (LoadTarget.COLUMN, [image.column_words(group) for group in range(config.groups)]),
        (LoadTarget.ENTRY, image.entry_words[:, :entries].tolist()),
        (LoadTarget.CODEBOOK, [image.codebook_words.tolist()]),
    ]
    for target, units in parts:
        for unit, words in enumerate(units):
            for address, word in enumerate(words):
                yield {"target": target, "unit": unit, "address": address, "data": word}


async def load_image(ctx: Any, engine: Engine, image: Image) -> None:
    """Write all words, one a cycle; the engine must be idle."""
    await ctx.tick().until(engine.input.ready)
    ctx.set(engine.load.valid, 1)
    for payload in load_words(image):
        ctx.set(engine.load.payload, payload)
        await ctx.tick()
    ctx.set(engine.load.valid, 0)
    await ctx.tick()
