"""The design on a board: serial line in, engine, argmax, serial line out (docs/boards.md)."""

from typing import NamedTuple, Protocol

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from boards.gateware.answer_output import AnswerOutput
from boards.gateware.argmax import Argmax
from boards.gateware.loader import Frame, Loader, load_frame
from boards.gateware.row_marks import RowMarks
from boards.gateware.uart import UartReceiver, UartTransmitter, check_divisor
from boards.gateware.vector_input import VectorInput, check_timeout
from golden.format import image
from golden.format.network import Network
from golden.kinds import EntryMemory
from golden.maps.checks import as_shape
from golden.maps.grid import sent_shape
from golden.presets import check_answers
from rtl.engine import engine_of

TIMEOUT = 1 << 20
"""Cycles of silence after which an unfinished vector or load frame is dropped."""


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


class _Line(NamedTuple):
    """The serial line, as bytes."""

    received: stream.Interface
    """From the host."""
    lost: Value
    """A byte was lost."""
    sent: stream.Interface
    """To the host."""
    busy: Value
    """For the LED."""


class BoardTop(wiring.Component):
    """Classifies vectors from a serial line, with the network in the memories.

    rx: serial line from the host, asynchronous, idle high.
    tx: serial line to the host.
    busy: a vector is being received or processed, or entries must be loaded first; for an LED.

    The host sends n_in activations (with maps, in the order of golden.maps.grid.as_sent), after a
    byte of flags for a recurrent network, and then waits for the answer; both are 8N1 with
    `divisor` cycles per bit. With entries in SPRAM it first sends `load_frame`, and waits for the
    byte boards.gateware.loader.LOADED. docs/boards.md has the protocol, and what happens when bytes
    are lost.
    """

    rx: Signal
    tx: Signal
    busy: Signal
    load_frame: bytes | None
    """What the host sends before the first vector; None if the bitstream fills all memories."""

    def __init__(
        self,
        *,
        network: Network,
        divisor: int,
        timeout: int = TIMEOUT,
        engine: EnginePorts | None = None,
    ) -> None:
        """`engine` takes the place of rtl.engine.Engine in tests; nothing is loaded into it."""
        check_answers(network)
        check_divisor(divisor)
        check_timeout(timeout, divisor=divisor)
        self.network, self.config = network, network.config
        self._divisor, self._timeout, self._engine = divisor, timeout, engine
        self._image, self.load_frame = None, None
        if engine is None:
            # Here, not in elaborate(), so that a network that does not fit is refused at once.
            self._image = image.encode(network)
            if self.config.entry_memory is EntryMemory.SPRAM:
                self.load_frame = load_frame(self._image)
        rx = In(1, init=1)  # pyright: ignore[reportCallIssue]
        tx = Out(1, init=1)  # pyright: ignore[reportCallIssue]
        super().__init__({"rx": rx, "tx": tx, "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """The chain, from line to line."""
        m = Module()
        network, config, divisor = self.network, self.config, self._divisor
        positions = network.layers[-1].position.tolist()
        engine: EnginePorts = self._engine or engine_of(config=config, image=self._image)
        m.submodules.receiver = receiver = UartReceiver(divisor=divisor)
        rows, items = sent_shape(config, as_shape(network.input_shape), network.n_in)
        m.submodules.inputs = inputs = VectorInput(
            config=config, n_in=rows * items, divisor=divisor, timeout=self._timeout
        )
        m.submodules.engine = engine
        m.submodules.argmax = argmax = Argmax(config=config, positions=positions)
        m.submodules.answers = answers = AnswerOutput(n_out=network.n_out)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=divisor)
        line = _Line(
            received=receiver.bytes, lost=receiver.lost, sent=transmitter.bytes, busy=inputs.busy
        )
        if self.load_frame is not None:
            line = self._load_first(m, line, self.load_frame, engine)
        connect(m, producer=line.received, consumer=inputs.bytes)
        activations = inputs.activations
        if config.maps.rows:
            m.submodules.marks = marks = RowMarks(config=config, items=items)
            connect(m, producer=activations, consumer=marks.given)
            activations = marks.marked
        connect(m, producer=activations, consumer=engine.input)
        connect(m, producer=engine.output, consumer=argmax.results)
        connect(m, producer=answers.bytes, consumer=line.sent)
        m.d.comb += [receiver.rx.eq(self.rx), inputs.lost.eq(line.lost)]
        if self.load_frame is None:
            m.d.comb += engine.load.valid.eq(0)
        self._answer(m, engine, inputs, argmax, answers)
        m.d.comb += [self.tx.eq(transmitter.tx), self.busy.eq(line.busy)]
        return m

    def _load_first(self, m: Module, line: _Line, frame: Frame, engine: EnginePorts) -> _Line:
        """The loader on the line. Returns the line after it."""
        m.submodules.loader = loader = Loader(
            config=self.config, frame=frame, divisor=self._divisor, timeout=self._timeout
        )
        connect(m, producer=line.received, consumer=loader.bytes)
        connect(m, producer=loader.transmit, consumer=line.sent)
        connect(m, producer=loader.load, consumer=engine.load)
        return _Line(
            received=loader.forward,
            # A byte lost before or in the frame is not part of a vector.
            lost=line.lost & loader.loaded,
            sent=loader.replies,
            busy=line.busy | ~loader.loaded,
        )

    def _answer(
        self,
        m: Module,
        engine: EnginePorts,
        inputs: VectorInput,
        argmax: Argmax,
        answers: AnswerOutput,
    ) -> None:
        """Whether an answer is sent, and what is in it."""
        m.d.comb += [
            argmax.done.eq(engine.done),
            answers.answer.valid.eq(argmax.answer.valid & ~inputs.discard),
            answers.answer.payload.index.eq(argmax.answer.payload.index),
            # Steady: the next inference starts only after this answer is taken.
            answers.answer.payload.cycles.eq(engine.counters.cycles),
            argmax.answer.ready.eq(answers.answer.ready | inputs.discard),
            inputs.finished.eq(argmax.answer.valid & argmax.answer.ready),
        ]
