"""What a board says of itself."""

from dataclasses import replace

import numpy as np
import pytest

from boards.link.identity import NETWORK_AT, Identity, OtherVersion, network_hash
from boards.link.pieces import pieces, word_bytes
from boards.link.protocol import REQUEST_PAYLOAD, Loads
from boards.registry import BOARDS
from golden.config import EngineConfig
from golden.format.image import encode
from rtl.load import LoadTarget
from tests.boards.gateware.networks import network

IDENTITY = Identity(
    loads=Loads.ENTRIES,
    clock_hz=36_000_000,
    divisor=313,
    buffer=512,
    config=EngineConfig(),
    network=b"12345678",
)


@pytest.mark.parametrize("board", BOARDS)
def test_it_comes_back(board: str) -> None:
    identity = replace(IDENTITY, config=BOARDS[board].engine)
    raw = identity.pack()
    assert Identity.unpack(raw) == identity
    assert raw[NETWORK_AT : NETWORK_AT + 8] == b"12345678"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: b"\x02" + raw[1:], "speaks version 2 of the host link, this Elsie 1"),
        (lambda raw: b"", "speaks version no"),
        (lambda raw: raw[:-1], "cannot be read"),
        (lambda raw: raw[:10] + b"\0" + raw[11:], "the hash differs"),
        (lambda raw: raw[:1] + b"\x09" + raw[2:], "cannot be read"),
    ],
)
def test_another_version(change, message: str) -> None:
    with pytest.raises(OtherVersion, match=message):
        Identity.unpack(change(IDENTITY.pack()))


def test_the_hash_is_of_what_the_engine_holds() -> None:
    net = network()
    image, positions = encode(net), net.layers[-1].position.tolist()
    mine = network_hash(image, positions)
    assert mine == network_hash(encode(network()), positions)
    assert mine != network_hash(image, positions[::-1])
    entries = image.entries.copy()
    entries[0, 0] ^= np.uint64(1)
    assert mine != network_hash(replace(image, entries=entries), positions)


def test_pieces_hold_every_word_in_use() -> None:
    image = encode(network())
    found: dict[tuple[int, int, int], int] = {}
    for piece in pieces(image, Loads.EVERYTHING):
        assert len(piece) <= REQUEST_PAYLOAD
        target, unit = LoadTarget(piece[0]), int.from_bytes(piece[1:3], "little")
        first, size = int.from_bytes(piece[3:6], "little"), word_bytes(image.config, target)
        words = [piece[at : at + size] for at in range(6, len(piece), size)]
        for nth, word in enumerate(words):
            found[target.value, unit, first + nth] = int.from_bytes(word, "little")
    wanted = {
        (LoadTarget[str(part.memory.target).upper()].value, part.unit or 0, at): int(word)
        for part in image.contents()
        for at, word in enumerate(part.words, part.memory.target_base)
    }
    assert found == wanted
    assert not pieces(image, Loads.NOTHING)
    assert not pieces(image, Loads.ENTRIES)  # they are in block RAM
