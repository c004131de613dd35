"""Fill an engine's memories over its load port, as a host does."""

from collections.abc import Iterator
from typing import Any, TypedDict

from golden.format.image import Image
from rtl.engine import Engine
from rtl.load import LoadTarget


class LoadWord(TypedDict):
    """A payload of the load port."""

    target: LoadTarget
    unit: int
    address: int
    data: int


def load_words(image: Image) -> Iterator[LoadWord]:
    """Every word of an image that is in use, as payloads of the load port."""
    for part in image.contents():
        memory = part.memory
        target = LoadTarget[str(memory.target).upper()]
        for address, word in enumerate(part.words, memory.target_base):
            yield {
                "target": target,
                "unit": part.unit or 0,
                "address": address,
                "data": int(word),
            }


async def load_image(ctx: Any, engine: Engine, image: Image) -> None:
    """Write all words, one a cycle; the engine must be idle."""
    await ctx.tick().until(engine.input.ready)
    ctx.set(engine.load.valid, 1)
    for payload in load_words(image):
        ctx.set(engine.load.payload, payload)
        await ctx.tick()
    ctx.set(engine.load.valid, 0)
    await ctx.tick()
