"""Serial port: receiver and transmitter of bytes, 8 data bits, no parity, 1 stop bit."""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Member, Out

from golden.errors import ElsieError

SHORTEST = 4
"""Smallest divisor: with fewer cycles per bit, the middle of a bit can no longer be sampled."""
DIVISOR_BITS = 12
"""Of a divisor, which is less than 4096."""


def check_divisor(divisor: int) -> None:
    """Raise ElsieError unless `divisor`, clock cycles per bit, is an integer that a UART takes."""
    top = (1 << DIVISOR_BITS) - 1
    if not isinstance(divisor, int) or isinstance(divisor, bool) or divisor < SHORTEST:
        raise ElsieError(
            f"UART: the divisor (clock / baud) must be an integer of at least {SHORTEST}, "
            f"not {divisor!r}; lower the baud rate"
        )
    if divisor > top:
        raise ElsieError(
            f"UART: the divisor (clock / baud) must be at most {top}, not {divisor}; raise the "
            f"baud rate"
        )


def countdown(cycles: int) -> tuple[Signal, Value]:
    """A counter for `cycles`, which starts at cycles - 2, and its end: it is -1.

    The end is a single flip-flop, where a comparison with 0 would be levels of LUTs.
    """
    width = max(2, (cycles - 1).bit_length() + 1)
    timer = Signal(signed(width), init=cycles - 2, name="timer")
    return timer, timer[-1]


def divisor_port(divisor: int) -> Member:
    """A port for a divisor, with its value at reset."""
    return In(DIVISOR_BITS, init=divisor)  # pyright: ignore[reportCallIssue]


class UartReceiver(wiring.Component):
    """Bytes from a serial line.

    rx: the line, asynchronous to the clock, idle high.
    divisor: clock cycles per bit, at least 4.
    bytes: received bytes; each is offered from the middle of its stop bit until it is taken.
    lost: high for one cycle after a byte was lost, because its stop bit is low (framing error) or
        because the previous byte is not yet taken.

    A low level shorter than half a bit is not a start bit. After a framing error the line must
    become high before the next start bit counts, so that a break loses one byte, not many.
    Sender and receiver may differ by 2 % in speed. Latency: 2 cycles of synchroniser, 9.5 bits.
    """

    rx: Signal
    divisor: Signal
    bytes: stream.Interface
    lost: Signal

    def __init__(self, *, divisor: int) -> None:
        """`divisor`: that of a port which nothing drives, and at reset."""
        check_divisor(divisor)
        rx = In(1, init=1)  # pyright: ignore[reportCallIssue]
        super().__init__(
            {
                "rx": rx,
                "divisor": divisor_port(divisor),
                "bytes": Out(stream.Signature(8)),
                "lost": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A timer that runs from sample to sample, and the frame's states."""
        m = Module()
        rx = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, rx, init=1)
        timer = Signal(signed(DIVISOR_BITS + 1))
        now = timer[-1]
        count = Signal(range(8))
        shift = Signal(8)
        m.d.sync += [timer.eq(Mux(now, self.divisor - 2, timer - 1)), self.lost.eq(0)]
        with m.If(self.bytes.ready):
            m.d.sync += self.bytes.valid.eq(0)
        with m.FSM(name="state"):
            with m.State("IDLE"):
                # From the first low sample, half a cycle late, to the middle of the start bit.
                m.d.sync += timer.eq((self.divisor - 5) >> 1)
                with m.If(~rx):
                    m.next = "START"
            with m.State("START"), m.If(now):
                m.next = "IDLE"
                with m.If(~rx):
                    m.next = "DATA"
            with m.State("DATA"), m.If(now):
                m.d.sync += [shift.eq(Cat(shift[1:], rx)), count.eq(count + 1)]
                with m.If(count == 7):
                    m.next = "STOP"
            with m.State("STOP"), m.If(now):
                self._finish(m, rx, shift)
            with m.State("BREAK"), m.If(rx):
                m.next = "IDLE"
        return m

    def _finish(self, m: Module, rx: Signal, shift: Signal) -> None:
        """In the middle of the stop bit: hand over the byte, or lose it."""
        with m.If(~rx):
            m.d.sync += self.lost.eq(1)
            m.next = "BREAK"
        with m.Else():
            # Half a bit early, so that the next start bit of a fast sender is seen.
            m.next = "IDLE"
            with m.If(self.bytes.valid & ~self.bytes.ready):
                m.d.sync += self.lost.eq(1)
            with m.Else():
                m.d.sync += [self.bytes.valid.eq(1), self.bytes.payload.eq(shift)]


class UartTransmitter(wiring.Component):
    """Bytes to a serial line.

    divisor: clock cycles per bit, at least 4.
    bytes: what to send; ready when no byte is being sent.
    tx: the line, idle high, from a register, so without glitches.

    A byte's start bit begins one cycle after the byte is taken; the next byte can be taken
    10 x divisor cycles after that, so that a stop bit is one cycle longer than a bit.
    """

    divisor: Signal
    bytes: stream.Interface
    tx: Signal

    def __init__(self, *, divisor: int) -> None:
        """`divisor`: that of a port which nothing drives, and at reset."""
        check_divisor(divisor)
        tx = Out(1, init=1)  # pyright: ignore[reportCallIssue]
        super().__init__(
            {"divisor": divisor_port(divisor), "bytes": In(stream.Signature(8)), "tx": tx}
        )

    def elaborate(self, platform: object) -> Module:
        """A frame of start bit, data and stop bit, shifted out from the low end."""
        m = Module()
        frame = Signal(10, init=-1)
        remaining = Signal(range(11))
        timer = Signal(signed(DIVISOR_BITS + 1))
        now = timer[-1]
        begin = self.divisor - 2
        m.d.comb += [self.tx.eq(frame[0]), self.bytes.ready.eq(remaining == 0)]
        with m.If(self.bytes.valid & self.bytes.ready):
            m.d.sync += [
                frame.eq(Cat(0, self.bytes.payload, 1)),
                remaining.eq(10),
                timer.eq(begin),
            ]
        with m.Elif(~now):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(remaining != 0):
            m.d.sync += [
                frame.eq(Cat(frame[1:], 1)),
                remaining.eq(remaining - 1),
                timer.eq(begin),
            ]
        m.d.sync += Assert((remaining != 0) | self.tx, "the line is low without a byte")
        return m
