"""The design on a board: the host link and the engine (docs/protocol.md)."""

from typing import Protocol

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from boards.gateware.executor import Executor
from boards.gateware.frame_receiver import FrameReceiver, check_buffer
from boards.gateware.frame_sender import FrameSender
from boards.gateware.uart import (
    DIVISOR_BITS,
    UartReceiver,
    UartTransmitter,
    check_divisor,
)
from boards.link.identity import Identity, network_hash
from boards.link.protocol import Loads
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format import image
from golden.format.network import Network
from golden.kinds import EntryMemory
from golden.maps.checks import as_shape
from golden.maps.grid import sent_shape
from golden.presets import check_answers
from rtl.engine import Engine

TIMEOUT = 1 << 22
"""Cycles of silence after which a frame that was cut is dropped."""
BUFFER = 512
"""Bytes of requests that wait."""


class EnginePorts(Protocol):
    """What the top level uses of rtl.engine.Engine."""

    input: stream.Interface
    output: stream.Interface
    done: Signal
    counters: data.View
    load: stream.Interface

    def elaborate(self, platform: object) -> Module:
        """The hardware."""
        ...


class BoardTop(wiring.Component):
    """An engine that a host loads and runs over a serial line.

    rx: serial line from the host, asynchronous, idle high.
    tx: serial line to the host.
    busy: a request is being worked on, or no network is there yet; for an LED.
    running: a request is being worked on; for simulators.
    divisor: clock cycles per bit now; for simulators.

    The line is 8N1 with `divisor` cycles per bit at first.
    """

    rx: Signal
    tx: Signal
    busy: Signal
    running: Signal
    divisor: Signal

    def __init__(
        self,
        *,
        network: Network | None = None,
        config: EngineConfig | None = None,
        clock_hz: int,
        divisor: int,
        buffer: int = BUFFER,
        timeout: int = TIMEOUT,
        engine: EnginePorts | None = None,
    ) -> None:
        """`network`: what the bitstream holds; without one, the engine of `config` is loaded whole.

        Entries in SPRAM are always loaded. clock_hz: what a host is told. engine: takes the place
        of rtl.engine.Engine in tests.
        """
        given = network.config if network is not None else config
        if given is None:
            raise ElsieError("board: give a network or an engine's configuration")
        check_divisor(divisor)
        check_buffer(buffer)
        self.network, self.config = network, given
        self.loads = Loads.EVERYTHING
        self._divisor, self._buffer, self._timeout = divisor, buffer, timeout
        self._image, self._shape, hashed = None, (1, 1), bytes(8)
        if network is not None:
            check_answers(network)
            # Here, not in elaborate(), so that a network that does not fit is refused at once.
            self._image = image.encode(network)
            self._shape = sent_shape(given, as_shape(network.input_shape), network.n_in)
            hashed = network_hash(self._image, network.layers[-1].position.tolist())
            spram = given.entry_memory is EntryMemory.SPRAM
            self.loads = Loads.ENTRIES if spram else Loads.NOTHING
        self.identity = Identity(
            loads=self.loads,
            clock_hz=clock_hz,
            divisor=divisor,
            buffer=buffer,
            config=given,
            network=hashed,
        )
        self.engine = engine
        rx = In(1, init=1)  # pyright: ignore[reportCallIssue]
        tx = Out(1, init=1)  # pyright: ignore[reportCallIssue]
        more = {"busy": Out(1), "running": Out(1), "divisor": Out(DIVISOR_BITS)}
        super().__init__({"rx": rx, "tx": tx, **more})

    def elaborate(self, platform: object) -> Module:
        """The chain, from line to line."""
        m = Module()
        record = self.identity.pack()
        m.submodules.receiver = receiver = UartReceiver(divisor=self._divisor)
        m.submodules.frames = frames = FrameReceiver(buffer=self._buffer, timeout=self._timeout)
        m.submodules.executor = executor = Executor(
            config=self.config,
            loads=self.loads,
            divisor=self._divisor,
            shape=self._shape,
            record=record,
        )
        m.submodules.sender = sender = FrameSender(record=list(record))
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=self._divisor)
        connect(m, receiver.bytes, frames.bytes)
        connect(m, frames.request, executor.request)
        connect(m, executor.tokens, sender.tokens)
        connect(m, sender.bytes, transmitter.bytes)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            self.busy.eq(executor.running | ~executor.loaded),
            self.running.eq(executor.running),
            self.divisor.eq(executor.divisor),
            receiver.divisor.eq(executor.divisor),
            transmitter.divisor.eq(executor.divisor),
            frames.lost.eq(receiver.lost),
            executor.lost.eq(receiver.lost),
            executor.whole.eq(frames.whole),
            executor.damaged.eq(frames.damaged),
            executor.quiet.eq(transmitter.bytes.ready),
            sender.record_en.eq(executor.record_en),
            sender.record_addr.eq(executor.record_addr),
            sender.record_data.eq(executor.record_data),
        ]
        self._run(m, executor)
        return m

    def _run(self, m: Module, executor: Executor) -> None:
        """The engine."""
        engine = self.engine or Engine(config=self.config, image=self._image)
        m.submodules.engine = engine
        connect(m, executor.activations, engine.input)
        connect(m, engine.output, executor.results)
        connect(m, executor.load, engine.load)
        m.d.comb += [executor.done.eq(engine.done), executor.counters.eq(engine.counters)]
