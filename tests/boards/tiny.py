"""The smallest design a board can be built with: it sends back what it receives."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from boards.gateware.uart import UartReceiver, UartTransmitter
from boards.link.protocol import Loads
from golden.format.network import Network
from tests.boards.gateware.networks import CONFIG, network


class Echo(wiring.Component):
    """rx, tx, busy, network, config, loads: as boards.gateware.top.BoardTop."""

    rx: Signal
    tx: Signal
    busy: Signal

    network: Network | None = network()
    config = CONFIG
    loads = Loads.NOTHING

    def __init__(self, *, divisor: int = 16) -> None:
        self._divisor = divisor
        super().__init__({"rx": In(1), "tx": Out(1), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(divisor=self._divisor)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=self._divisor)
        connect(m, receiver.bytes, transmitter.bytes)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            self.busy.eq(receiver.bytes.valid),
        ]
        return m
