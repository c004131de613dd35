"""What runs on a board: serial line in, engine, argmax, serial line out (docs/boards.md)."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from boards.answer_output import AnswerOutput
from boards.argmax import Argmax
from boards.uart import UartReceiver, UartTransmitter, check_divisor
from boards.vector_input import VectorInput, check_timeout
from golden import image
from golden.errors import ElsieError
from golden.kinds import EntryMemory
from golden.network import Network
from rtl.engine import Engine

TIMEOUT = 1 << 20
"""Cycles of silence after which an unfinished vector is dropped."""


def check_network(network: Network) -> None:
    """Refuse what no bitstream can hold, or whose answer a board cannot send."""
    if network.config.entry_memory is EntryMemory.SPRAM:
        raise ElsieError(
            f"network {network.name} has its entries in SPRAM, which no bitstream can fill; "
            f"compile it with entry_memory block to build it, or simulate it"
        )
    if network.n_out > 1 << 16:
        raise ElsieError(
            f"network {network.name} has {network.n_out} outputs; a board answers with the "
            f"number of the largest, and can count to 65536"
        )


class BoardTop(wiring.Component):
    """Classifies the vectors that come over a serial line, with the network in the memories.

    rx: serial line from the host, asynchronous, idle high. tx: serial line to the host. busy: a
    vector is being received or worked on, for an LED.

    The host sends n_in activations and then waits for the answer; both are 8N1 with `divisor`
    cycles per bit. docs/boards.md has the bytes, and what happens when some are lost.
    """

    rx: Signal
    tx: Signal
    busy: Signal

    def __init__(
        self,
        *,
        network: Network,
        divisor: int,
        timeout: int = TIMEOUT,
        engine: wiring.Component | None = None,
    ) -> None:
        """`engine` replaces rtl.engine.Engine in tests; it must have the same ports."""
        check_network(network)
        check_divisor(divisor)
        check_timeout(timeout, divisor=divisor)
        self.network, self.config = network, network.config
        self._divisor, self._timeout, self._engine = divisor, timeout, engine
        # Encoded here, not in elaborate(), so that a network that does not fit is refused at once.
        self._image = image.encode(network) if engine is None else None
        idle_high: Any = {"init": 1}
        super().__init__({"rx": In(1, **idle_high), "tx": Out(1, **idle_high), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """The chain, and the decision whether an answer is sent."""
        m = Module()
        network, config, divisor = self.network, self.config, self._divisor
        positions = network.layers[-1].position.tolist()
        engine: Any = self._engine or Engine(config=config, image=self._image)
        m.submodules.receiver = receiver = UartReceiver(divisor=divisor)
        m.submodules.inputs = inputs = VectorInput(
            config=config, n_in=network.n_in, divisor=divisor, timeout=self._timeout
        )
        m.submodules.engine = engine
        m.submodules.argmax = argmax = Argmax(config=config, positions=positions)
        m.submodules.answers = answers = AnswerOutput(n_out=network.n_out)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=divisor)
        connect(m, producer=receiver.bytes, consumer=inputs.bytes)
        connect(m, producer=inputs.activations, consumer=engine.input)
        connect(m, producer=engine.output, consumer=argmax.results)
        connect(m, producer=answers.bytes, consumer=transmitter.bytes)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            inputs.lost.eq(receiver.lost),
            engine.load.valid.eq(0),
            argmax.done.eq(engine.done),
            answers.answer.valid.eq(argmax.answer.valid & ~inputs.discard),
            answers.answer.payload.index.eq(argmax.answer.payload.index),
            # Steady: the next inference starts only after this answer is taken.
            answers.answer.payload.cycles.eq(engine.counters.cycles),
            argmax.answer.ready.eq(answers.answer.ready | inputs.discard),
            inputs.finished.eq(argmax.answer.valid & argmax.answer.ready),
            self.tx.eq(transmitter.tx),
            self.busy.eq(inputs.busy),
        ]
        return m
