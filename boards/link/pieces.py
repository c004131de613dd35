"""A network in pieces: the payloads of LOAD."""

from collections.abc import Iterator

from boards.link.protocol import LOAD_HEAD, REQUEST_PAYLOAD, Loads
from golden.config import EngineConfig
from golden.format.image import Contents, Image
from golden.format.memories import Store
from rtl.load import LoadTarget, space_of


def word_bytes(config: EngineConfig, target: LoadTarget) -> int:
    """Bytes of a word of a memory on the line."""
    return -(-space_of(config, target).width // 8)


def pieces(image: Image, loads: Loads) -> list[bytes]:
    """Payloads of LOAD for all words in use that a board loads, in order."""
    if loads is Loads.NOTHING:
        return []
    return [
        piece
        for part in image.contents()
        if loads is Loads.EVERYTHING or part.memory.store is Store.SPRAM
        for piece in _pieces(image.config, part)
    ]


def _pieces(config: EngineConfig, part: Contents) -> Iterator[bytes]:
    target = LoadTarget[str(part.memory.target).upper()]
    size = word_bytes(config, target)
    most = (REQUEST_PAYLOAD - LOAD_HEAD) // size
    for first in range(0, len(part.words), most):
        words = part.words[first : first + most]
        head = bytes([target.value]) + (part.unit or 0).to_bytes(2, "little")
        head += (part.memory.target_base + first).to_bytes(3, "little")
        yield head + b"".join(int(word).to_bytes(size, "little") for word in words)
