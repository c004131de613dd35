"""A board: load a network, run it."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from boards.link.identity import Identity, network_hash
from boards.link.pieces import pieces
from boards.link.protocol import Command, Loads, State
from elsie.host import ports
from elsie.host.errors import BoardError, Interrupted, WrongNetwork
from elsie.host.fitting import fitted
from elsie.host.line import Line
from elsie.host.link import FIRST, Link
from elsie.host.loading import RETRIES, load_words
from elsie.host.measured import Measured
from elsie.host.packing import sent_inputs
from elsie.host.running import run_steps
from golden.arithmetic.sequences import Sequences, quantise_input
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from golden.maps.checks import as_shape
from golden.maps.grid import sent_shape
from golden.presets import check_answers
from golden.timing.unpack import Counters

_PATIENCE = 1.0
_SIMULATED = 120.0
Progress = Callable[[int, int], None]


class Board:
    """A board on a serial port.

    One thread at a time; a call sends, waits and returns. Errors are elsie.ElsieError with a
    sentence that says what to do.
    """

    def __init__(self, link: Link, *, speed: int | None = None) -> None:
        """Use `open`."""
        self._link = link
        found = link.identify()
        self._identity, self._state = found.identity, found.state
        link.speed_up(found.identity, most=speed)
        self._network: Network | None = None
        self.measured: Measured | None = None
        """The last run; None before there was one."""

    @classmethod
    def open(
        cls, port: str | None = None, *, speed: int | None = None, patience: float | None = None
    ) -> "Board":
        """The board on a port, by default on the only one that may be a board's.

        speed: at most so many baud; by default the fastest that works, up to 3 million. patience:
        seconds without an answer that are too long. Raises NoPort or NoAnswer.
        """
        device = ports.choose() if port is None else port
        if patience is None:
            patience = _SIMULATED if ports.is_simulated(device) else _PATIENCE
        line = Line(ports.open_port(device, baud=FIRST))
        try:
            return cls(Link(line, patience=patience), speed=speed)
        except BaseException:
            line.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; the network stays on the board."""
        self._link.line.close()

    @property
    def identity(self) -> Identity:
        """What the board said of itself when it was opened."""
        return self._identity

    @property
    def port(self) -> str:
        """The serial port."""
        return self._link.line.name

    @property
    def baud(self) -> int:
        """The line's speed."""
        return self._link.line.baud

    @property
    def network(self) -> Network:
        """What was loaded, for the board's engine. Raises WrongNetwork before `load`."""
        if self._network is None:
            raise WrongNetwork("no network is loaded; call load(network) first")
        return self._network

    def load(
        self, network: Network, *, again: bool = False, progress: Progress | None = None
    ) -> bool:
        """Make `network` the board's; false if it was already.

        again: load it even so. progress: called with (bytes loaded, all). Raises WrongNetwork when
        the bitstream holds another one, or the engine has no room for it.
        """
        check_answers(network)
        placed = fitted(network, self._identity.config)
        image = encode(placed)
        mine = network_hash(image, placed.layers[-1].position.tolist())
        found = self._link.identify()
        same = found.identity.network == mine
        loads = found.identity.loads
        if loads is not Loads.EVERYTHING and not same:
            raise WrongNetwork(
                f"the board's bitstream was made for another network than {network.name}; run "
                f"'elsie build' and 'elsie flash' for this one"
            )
        self._network = placed
        if same and State.LOADED in found.state and (not again or loads is Loads.NOTHING):
            return False
        self._network = None
        _, row = sent_shape(placed.config, as_shape(placed.input_shape), placed.n_in)
        commit = (sent_inputs(placed) - 1).to_bytes(2, "little")
        commit += (row - 1).to_bytes(2, "little") + mine
        load_words(self._link, pieces(image, loads), commit, progress)
        self._network = placed
        return True

    def run(
        self,
        x: ArrayLike,
        lengths: ArrayLike | None = None,
        *,
        raw: bool = False,
        progress: Progress | None = None,
    ) -> NDArray[Any]:
        """Outputs for real inputs `x` (samples, n_in), shape (samples, n_out).

        A recurrent network takes sequences (samples, steps, n_in), of which `lengths` (samples,)
        steps count, and gives (samples, n_out), or without a head (samples, steps, n_out). raw:
        inputs and outputs are the engine's integers. progress: called with (samples done, all).
        `measured` says what it took.
        """
        network = self.network
        values = _integers(network, x) if raw else quantise_input(network, x)
        given = Sequences.of(network, values, lengths)
        line, began = self._link.line, time.monotonic()
        before = (line.sent, line.received, self._link.recovered)
        out, cycles = run_steps(self._link, network, given, progress)
        self._measure(given, cycles, time.monotonic() - began, before)
        if not network.recurrent or network.head is not None:
            out = out[np.arange(len(out)), given.lengths - 1]
        if raw:
            return out
        return np.ldexp(out.astype(np.float64), -network.layers[-1].out_frac)

    def _measure(
        self, given: Sequences, cycles: int, seconds: float, before: tuple[int, int, int]
    ) -> None:
        line, clock_hz = self._link.line, self._identity.clock_hz
        busier = max(line.sent - before[0], line.received - before[1])
        self.measured = Measured(
            inferences=len(given.x),
            steps=int(given.lengths.sum()),
            cycles=cycles,
            seconds=seconds,
            line_seconds=10 * busier / line.baud,
            engine_seconds=cycles / clock_hz,
            baud=line.baud,
            recovered=self._link.recovered - before[2],
        )

    def counters(self) -> Counters:
        """Of the last step."""
        raw = self._retried(Command.COUNTERS)
        names = ("cycles", "macs", "stalls", "starved")
        values = (int.from_bytes(raw[4 * n : 4 * n + 4], "little") for n in range(4))
        return Counters(**dict(zip(names, values, strict=True)))

    def damaged(self) -> int:
        """Frames that the board has dropped since it was configured, modulo 65536."""
        return int.from_bytes(self._retried(Command.COUNTERS)[16:18], "little")

    def reset(self) -> None:
        """Abandon a step that was sent in part."""
        self._retried(Command.RESET)

    def _retried(self, command: Command) -> bytes:
        """A request that may be made twice."""
        for _ in range(RETRIES):
            try:
                return self._link.ask(command)
            except Interrupted:
                self._link.recover()
        raise BoardError(f"no whole answer in {RETRIES} tries on port {self.port}")


def _integers(network: Network, x: ArrayLike) -> NDArray[np.int64]:
    """Raw inputs, checked."""
    values = np.asarray(x)
    axes = 3 if network.recurrent else 2
    if values.dtype.kind not in "iu" or values.ndim != axes or values.shape[-1] != network.n_in:
        raise ElsieError(
            f"raw inputs of network {network.name} are integers of {axes} axes, the last of "
            f"{network.n_in}; they have shape {values.shape} and type {values.dtype}"
        )
    top = 1 << (network.config.act_width - 1)
    if values.size and not (-top <= values.min() and values.max() < top):
        raise ElsieError(f"raw inputs must be from {-top} to {top - 1}")
    return values.astype(np.int64)
