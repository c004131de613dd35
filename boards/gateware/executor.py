"""Requests to answers: the commands of docs/protocol.md, one after the other."""

from amaranth.hdl import C, Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from boards.gateware.frame_receiver import BYTE
from boards.gateware.frame_sender import TOKEN
from boards.gateware.loading import Loading
from boards.gateware.requests import Request, emit, take_byte
from boards.gateware.short_commands import identify, speed
from boards.gateware.speed import Speed
from boards.gateware.steps import Steps, longest_item
from boards.gateware.uart import DIVISOR_BITS
from boards.link.identity import NETWORK_AT
from boards.link.protocol import ANSWER_HEAD, ANSWER_PAYLOAD, Command, Loads, Status
from golden.config import EngineConfig
from rtl.layouts import counters_layout, input_layout, output_layout
from rtl.load import load_layout

_PAYLOADS = (Command.IDENTIFY, Command.SPEED, Command.LOAD, Command.COMMIT, Command.RUN)
"""Commands with a payload."""


class Executor(wiring.Component):
    """Takes a request, does what it says, and answers.

    request: bytes of whole messages.
    whole: a frame was whole.
    damaged: one was dropped.
    lost: a byte was lost on the line.
    tokens: bytes of answers.
    record_en: write a byte of the record,
    record_addr: at this address,
    record_data: this one.
    quiet: no byte is being sent.
    divisor: of the line.
    loaded: there is a network.
    running: a request is being worked on.
    activations: to the engine's inputs.
    results: its outputs.
    done: it has finished a step.
    counters: of that step.
    load: words for its memories.
    """

    request: stream.Interface
    whole: Signal
    damaged: Signal
    lost: Signal
    tokens: stream.Interface
    record_en: Signal
    record_addr: Signal
    record_data: Signal
    quiet: Signal
    divisor: Signal
    loaded: Signal
    running: Signal
    activations: stream.Interface
    results: stream.Interface
    done: Signal
    counters: data.View
    load: stream.Interface

    def __init__(
        self,
        *,
        config: EngineConfig,
        loads: Loads,
        divisor: int,
        shape: tuple[int, int],
        record: bytes,
    ) -> None:
        """`shape`: rows and items of a row that the bitstream's network takes for a step.

        With Loads.EVERYTHING a host says how many. divisor: at first. record: of
        boards.link.identity.
        """
        self._loads, self._record, self._rows = loads, record, config.maps.rows
        self._room = ANSWER_PAYLOAD - longest_item(config)
        self.steps = Steps(config=config)
        network = record[NETWORK_AT : NETWORK_AT + 8]
        self.loading = Loading(config=config, loads=loads, shape=shape, network=network)
        self.speed = Speed(divisor=divisor)
        super().__init__(
            {
                "request": In(stream.Signature(BYTE)),
                **{name: In(1) for name in ("whole", "damaged", "lost", "quiet", "done")},
                "tokens": Out(stream.Signature(TOKEN)),
                "record_en": Out(1),
                "record_addr": Out(8),
                "record_data": Out(8),
                "divisor": Out(DIVISOR_BITS),
                "loaded": Out(1),
                "running": Out(1),
                "activations": Out(stream.Signature(input_layout(config))),
                "results": In(stream.Signature(output_layout(config))),
                "counters": In(counters_layout()),
                "load": Out(stream.Signature(load_layout(config), always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One state machine; its longer commands are components."""
        m = Module()
        request = Request.make()
        self._connect(m)
        told, damages = self._watch(m)
        m.d.comb += [self.running.eq(1), self.steps.room.eq(request.counted <= self._room)]
        with m.FSM(name="state"):
            self._take(m, request, told)
            self._dispatch(m, request)
            identify(m, request, self.request, self.tokens, self._flags(), len(self._record))
            speed(m, request, self.request, wanted=self.speed.wanted, fine=self.speed.fine)
            with m.State("COUNTERS"):
                emit(m, request, self.tokens, Cat(self.counters, damages), after="STATUS")
            self._delegate(m, request)
            self._finish(m, request)
        return m

    def _connect(self, m: Module) -> None:
        """The components to the ports."""
        m.submodules.steps, m.submodules.network = self.steps, self.loading
        m.submodules.speed = self.speed
        steps, loading, speed = self.steps, self.loading, self.speed
        connect(m, steps.activations, flipped(self.activations))
        connect(m, flipped(self.results), steps.results)
        connect(m, loading.load, flipped(self.load))
        for part in (steps, loading):
            m.d.comb += [
                part.request.payload.eq(self.request.payload),
                part.request.valid.eq(self.request.valid),
            ]
        m.d.comb += [
            self.request.ready.eq(steps.request.ready | loading.request.ready),
            steps.inputs.eq(loading.inputs),
            *([steps.row.eq(loading.row)] if self._rows else []),
            steps.done.eq(self.done),
            steps.cycles.eq(self.counters.cycles),
            *(getattr(speed, name).eq(getattr(self, name)) for name in ("lost", "whole")),
            self.divisor.eq(speed.divisor),
            self.loaded.eq(loading.loaded),
            self.record_en.eq(loading.record_en),
            self.record_addr.eq(loading.record_addr),
            self.record_data.eq(loading.record_data),
        ]

    def _flags(self) -> Value:
        """What IDENTIFY says of the board: its state, and the checksum of what was loaded."""
        loading = self.loading
        state = Cat(loading.loaded, loading.loading, self.steps.partly, C(0, 5))
        return Cat(state, loading.checksum)

    def _watch(self, m: Module) -> tuple[Signal, Signal]:
        """Whether a damaged frame is to be told of, and how many there were."""
        told = Signal()
        damages = Signal(16)
        with m.If(self.damaged):
            m.d.sync += [told.eq(1), damages.eq(damages + 1)]
        return told, damages

    def _take(self, m: Module, request: Request, told: Signal) -> None:
        """Number and command; or word of a damaged frame."""
        expected = Signal(8)
        byte = self.request.payload
        right = (request.number == expected) | (byte.data == Command.IDENTIFY)
        with m.State("IDLE"):
            m.d.comb += self.running.eq(0)
            m.d.sync += [request.status.eq(Status.OK), request.part.eq(0), request.resumed.eq(0)]
            with m.If(take_byte(m, request, self.request)):
                m.d.sync += request.number.eq(byte.data)
                m.next = "COMMAND"
            with m.Elif(told):
                m.d.sync += [
                    told.eq(self.damaged),
                    request.number.eq(expected),
                    request.command.eq(Command.NONE),
                    request.status.eq(Status.DAMAGED),
                    request.ended.eq(1),
                ]
                m.next = "HEAD"
        with m.State("COMMAND"), m.If(take_byte(m, request, self.request)):
            m.d.sync += [request.command.eq(byte.data), request.counted.eq(0)]
            with m.If(right):
                m.d.sync += expected.eq(request.number + 1)
            with m.Else():
                m.d.sync += request.status.eq(Status.SEQUENCE)
            m.next = "HEAD"

    def _dispatch(self, m: Module, request: Request) -> None:
        """The answer's head, then to the state of the command."""
        ended = request.ended
        # Registers, as the head takes longer than to compare.
        known = Signal(len(Command))
        fine = Signal()
        m.d.sync += known.eq(Cat(request.command == command for command in Command))
        m.d.sync += fine.eq(request.status == Status.OK)
        with m.State("HEAD"):
            head = Cat(request.number, request.command, request.part)
            assert len(head) == 8 * ANSWER_HEAD
            emit(m, request, self.tokens, head, after="DISPATCH")
        with m.State("DISPATCH"):
            m.next = "DRAIN"
            with m.If(request.resumed):
                m.next = "STEPS"
            with m.Elif(fine):
                with m.If(~known.any()):
                    m.d.sync += request.status.eq(Status.COMMAND)
                for number, command in enumerate(Command):
                    with m.If(known[number]):
                        with m.If(ended == (command in _PAYLOADS)):
                            m.d.sync += request.status.eq(Status.LENGTH)
                        with m.Else():
                            self._begin(m, request, command)

    def _begin(self, m: Module, request: Request, command: Command) -> None:
        """What a command with or without a payload, as it must be, begins with."""
        steps, loading = self.steps, self.loading
        status, loads = request.status, self._loads is not Loads.NOTHING
        if command is Command.NONE:
            m.d.sync += status.eq(Status.COMMAND)
        elif command in (Command.IDENTIFY, Command.SPEED, Command.COUNTERS):
            m.next = command.name
        elif command is Command.RESET:
            m.d.comb += steps.reset.eq(1)
            m.next = "STEPS"
        elif command is Command.RUN:
            with m.If(loading.loaded):
                m.d.comb += steps.run.eq(1)
                m.next = "STEPS"
            with m.Else():
                m.d.sync += status.eq(Status.NOT_LOADED)
        elif not loads:
            m.d.sync += status.eq(Status.REFUSED)
        elif command is Command.BEGIN:
            m.d.comb += loading.begin.eq(~steps.partly)
            with m.If(steps.partly):
                m.d.sync += status.eq(Status.REFUSED)
        else:
            start = loading.take if command is Command.LOAD else loading.commit
            with m.If(loading.loading):
                m.d.comb += start.eq(1)
                m.next = "LOADING"
            with m.Else():
                m.d.sync += status.eq(Status.REFUSED)

    def _delegate(self, m: Module, request: Request) -> None:
        """While another component works."""
        steps, loading = self.steps, self.loading
        with m.State("LOADING"), m.If(loading.finished):
            m.d.sync += [request.status.eq(loading.status), request.ended.eq(loading.ended)]
            m.next = "DRAIN"
        with m.State("STEPS"):
            m.d.comb += [
                self.tokens.valid.eq(steps.items.valid),
                self.tokens.payload.data.eq(steps.items.payload),
                steps.items.ready.eq(self.tokens.ready),
            ]
            with m.If(self.tokens.valid & self.tokens.ready):
                m.d.sync += request.counted.eq(request.counted + 1)
            with m.If(steps.split):
                m.d.sync += [request.status.eq(Status.MORE), request.counted.eq(0)]
                m.next = "STATUS"
            with m.If(steps.finished):
                m.d.sync += [
                    request.status.eq(steps.status),
                    request.ended.eq(request.ended | steps.ended),
                ]
                m.next = "DRAIN"

    def _finish(self, m: Module, request: Request) -> None:
        """The rest of the payload goes; the status; then the next part, or the next request."""
        with m.State("DRAIN"):
            with m.If(request.ended):
                m.d.sync += request.counted.eq(0)
                m.next = "STATUS"
            with m.Else():
                take_byte(m, request, self.request)
        with m.State("STATUS"):
            m.d.comb += [
                self.tokens.valid.eq(1),
                self.tokens.payload.data.eq(request.status),
                self.tokens.payload.last.eq(1),
            ]
            with m.If(self.tokens.ready):
                m.d.sync += request.counted.eq(0)
                m.next = "IDLE"
                with m.If(request.status == Status.MORE):
                    m.d.sync += [
                        request.status.eq(Status.OK),
                        request.part.eq(request.part + 1),
                        request.resumed.eq(1),
                    ]
                    m.next = "HEAD"
                speed = request.command == Command.SPEED
                with m.Elif(speed & (request.status == Status.OK)):
                    m.next = "SWITCH"
        with m.State("SWITCH"), m.If(self.tokens.ready & self.quiet):
            m.d.comb += self.speed.apply.eq(1)
            m.next = "IDLE"
