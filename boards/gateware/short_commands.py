"""States of boards.gateware.executor: IDENTIFY and SPEED."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream

from boards.gateware.requests import Request, emit, take_byte
from boards.link.protocol import Status

_NONCE = 4


def identify(
    m: Module,
    request: Request,
    payload: stream.Interface,
    tokens: stream.Interface,
    flags: Value,
    record: int,
) -> None:
    """The nonce as it comes, what the board says, and `record` bytes of the record."""
    byte, last = payload.payload.data, payload.payload.last
    with m.State("IDENTIFY"):
        m.d.comb += [
            payload.ready.eq(tokens.ready),
            tokens.valid.eq(payload.valid),
            tokens.payload.data.eq(byte),
        ]
        with m.If(payload.valid & tokens.ready):
            m.d.sync += [request.ended.eq(last), request.counted.eq(request.counted + 1)]
            with m.If(last | (request.counted == _NONCE - 1)):
                m.d.sync += [request.counted.eq(0), request.status.eq(Status.LENGTH)]
                m.next = "DRAIN"
                with m.If(last & (request.counted == _NONCE - 1)):
                    m.d.sync += request.status.eq(Status.OK)
                    m.next = "BOARD"
    with m.State("BOARD"):
        emit(m, request, tokens, flags, after="RECORD")
    with m.State("RECORD"):
        m.d.comb += [
            tokens.valid.eq(1),
            tokens.payload.copy.eq(1),
            tokens.payload.data.eq(request.counted),
        ]
        with m.If(tokens.ready):
            m.d.sync += request.counted.eq(request.counted + 1)
            with m.If(request.counted == record - 1):
                m.next = "STATUS"


def speed(
    m: Module, request: Request, payload: stream.Interface, *, wanted: Signal, fine: Signal
) -> None:
    """Two bytes, judged; they count when the answer is out.

    wanted: of the divisor, driven here. fine: it is acceptable.
    """
    divisor = Signal(16)
    last = payload.payload.last
    m.d.comb += wanted.eq(divisor)
    with m.State("SPEED"), m.If(take_byte(m, request, payload)):
        m.d.sync += divisor.eq(Cat(divisor[8:], payload.payload.data))
        with m.If(last | (request.counted == 1)):
            m.next = "FINE"
            with m.If(~last | (request.counted != 1)):
                m.d.sync += request.status.eq(Status.LENGTH)
                m.next = "DRAIN"
    with m.State("FINE"):
        m.next = "STATUS"
        with m.If(~fine):
            m.d.sync += request.status.eq(Status.REFUSED)
