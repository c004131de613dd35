"""What the states of boards.gateware.executor share: the request that is worked on."""

from typing import NamedTuple

from amaranth.hdl import Array, Module, Signal, Value
from amaranth.lib import stream

from boards.link.protocol import Status
from golden.kinds import bits_for


class Request(NamedTuple):
    """The registers of a request."""

    number: Signal
    """Sequence number."""
    command: Signal
    """Command."""
    part: Signal
    """Of the answer."""
    resumed: Signal
    """It is not the first."""
    status: Signal
    """What the answer will end with."""
    ended: Signal
    """The payload was read to its end."""
    counted: Signal
    """Bytes, wherever they are counted; 0 between."""

    @classmethod
    def make(cls) -> "Request":
        """New registers."""
        return cls(
            number=Signal(8, name="number"),
            command=Signal(8, name="command"),
            part=Signal(8, name="part"),
            resumed=Signal(name="resumed"),
            status=Signal(Status, name="status"),
            ended=Signal(name="ended"),
            counted=Signal(8, name="counted"),
        )


def take_byte(m: Module, request: Request, payload: stream.Interface) -> Value:
    """In this state: take a byte of the payload; true in the cycle in which there is one."""
    m.d.comb += payload.ready.eq(1)
    with m.If(payload.valid):
        m.d.sync += [
            request.ended.eq(payload.payload.last),
            request.counted.eq(request.counted + 1),
        ]
    return payload.valid


def emit(
    m: Module, request: Request, tokens: stream.Interface, words: Value, *, after: str
) -> None:
    """In this state: send all bytes of a value, the lowest first, and go to state `after`."""
    size = len(words) // 8
    # Not word_select: that is a shifter, of many more LUTs.
    every = Array(words[8 * n : 8 * n + 8] for n in range(size))
    m.d.comb += [
        tokens.valid.eq(1),
        tokens.payload.data.eq(every[request.counted[: bits_for(size - 1)]]),
    ]
    with m.If(tokens.ready):
        m.d.sync += request.counted.eq(request.counted + 1)
        with m.If(request.counted == size - 1):
            m.d.sync += request.counted.eq(0)
            m.next = after
