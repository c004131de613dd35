"""The driver and a simulated board."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import elsie
from boards.link.identity import Identity, network_hash
from boards.link.protocol import Command, Loads, State
from elsie.host import Board, BoardError, NoAnswer, NoPort, WrongNetwork
from elsie.host.fitting import engine_for, fitted
from elsie.host.link import FIRST, Found, Refused
from elsie.host.simulated.board import SimulatedBoard
from golden.arithmetic.run import forward, predict
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from golden.timing.model import TimingModel
from tests.boards.gateware.networks import CONFIG, network
from tests.boards.link.script import TINY
from tests.elsie.host.proxy import BadCable

CLOCK_HZ, DIVISOR = 3_686_400, 32  # 115200 baud, and a tenth of a real board's cycles
NETS = [network(config=TINY, seed=seed) for seed in (1, 2)]
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """A simulated board that all tests here share, as they would a real one."""
    simulated = SimulatedBoard(TINY, clock_hz=CLOCK_HZ, divisor=DIVISOR, buffer=512)
    with simulated:
        yield simulated.port
    assert simulated.cycles > 10_000
    assert simulated.seconds > 0


def vectors(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (count, NETS[0].n_in))


def test_two_networks_one_after_the_other(port: str) -> None:
    x = vectors(70)
    said: list[tuple[int, int]] = []
    with Board.open(port) as board:
        assert board.baud == 921_600
        assert board.identity.config == TINY
        assert board.identity.loads is Loads.EVERYTHING
        for net in (*NETS, NETS[0]):
            assert board.load(net, progress=lambda *now: said.append(now))
            assert said[-1][0] == said[-1][1] > 0
            assert not board.load(net)
            assert (board.run(x, raw=True) == forward(net, x)).all()
            measured = board.measured
            assert measured is not None
            model = TimingModel(encode(net))
            cycles = sum(model.run(row[None])[1].cycles for row in x)
            assert (measured.cycles, measured.inferences, measured.steps) == (cycles, 70, 70)
            assert measured.recovered == 0
            assert measured.line_seconds > 0
            assert board.counters() == model.run(x[-1:])[1]
        assert board.damaged() == 0


def test_real_values(port: str) -> None:
    x = np.random.default_rng(3).normal(0, 4, (9, NETS[1].n_in))
    done: list[tuple[int, int]] = []
    with Board.open(port) as board:
        board.load(NETS[1], again=True)
        y = board.run(x, progress=lambda *now: done.append(now))
        assert y.dtype == np.float64
        assert (y == predict(NETS[1], x)).all()
        assert done[-1] == (9, 9)
        with pytest.raises(ElsieError, match="takes"):
            board.run(x[:, :3])
        with pytest.raises(ElsieError, match="raw inputs of network test are integers of 2 axes"):
            board.run(x, raw=True)
        with pytest.raises(ElsieError, match="raw inputs must be from -128 to 127"):
            board.run(np.full((1, NETS[1].n_in), 128), raw=True)


def test_a_slow_line_and_a_host_that_comes_later(port: str) -> None:
    """The board is left at its fastest speed; the next host begins at the first one."""
    with Board.open(port, speed=400_000) as board:
        assert board.baud == 230_400
        board.load(NETS[0])
        board.reset()
        assert (board.run(vectors(3), raw=True) == forward(NETS[0], vectors(3))).all()
    with Board.open(port, speed=FIRST) as board:
        assert board.baud == FIRST
        assert not board.load(NETS[0])
        assert (board.run(vectors(2), raw=True) == forward(NETS[0], vectors(2))).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_cable(port: str, seed: int) -> None:
    """Bytes are damaged, lost and added both ways, and every output is right."""
    x = vectors(400, seed)
    with BadCable(port, seed=seed, damage=0.0005) as cable:
        with Board.open(cable.port, patience=30) as board:
            board.load(NETS[seed % 2], again=True)
            assert (board.run(x, raw=True) == forward(NETS[seed % 2], x)).all()
            assert board.measured is not None
        assert cable.count > 3


def test_a_cable_that_is_useless(port: str) -> None:
    with (
        BadCable(port, seed=1, damage=0.5) as cable,
        pytest.raises(BoardError, match=r"nothing answers|is bad"),
    ):
        Board.open(cable.port, patience=0.05).load(NETS[0])


def test_what_does_not_fit_is_refused(port: str) -> None:
    other = network(config=CONFIG)
    wide = network(
        config=TINY.replace(row_depth=64, act_depth=128, bias_depth=128), n_out=80, n_in=6
    )
    with Board.open(port) as board:
        with pytest.raises(WrongNetwork, match="no network is loaded"):
            board.run(vectors(1), raw=True)
        with pytest.raises(WrongNetwork, match="compiled for pes 4, and the engine has 2"):
            board.load(other)
        with pytest.raises(WrongNetwork, match="row"):
            board.load(wide)
        board.load(NETS[0])
        with pytest.raises(Refused, match="answered SPEED with REFUSED"):
            board._link.ask(Command.SPEED, b"\x03\x00")


def test_nothing_answers() -> None:
    import os
    import pty

    master, slave = pty.openpty()
    try:
        with pytest.raises(NoAnswer, match=r"nothing answers on port .* at 115200 baud"):
            Board.open(os.ttyname(slave), patience=0.01)
    finally:
        os.close(master)
        os.close(slave)


def test_no_such_port(tmp_path: Path) -> None:
    with pytest.raises(NoPort, match="there is no port"):
        Board.open(str(tmp_path / "tty"))


def test_an_engine_for_several() -> None:
    small = network(config=TINY.replace(row_depth=8, entry_depth=32, layers=3))
    config = engine_for([*NETS, small])
    assert (config.row_depth, config.layers) == (TINY.row_depth, 3)
    x = vectors(5)
    placed = fitted(small, config)
    assert placed.config == config
    assert (forward(placed, x) == forward(small, x)).all()
    with pytest.raises(WrongNetwork, match="pes is 2 and 4"):
        engine_for([NETS[0], network(config=CONFIG)])


def test_the_example_of_the_page(
    port: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys
) -> None:
    """docs/boards.md, with the simulated board as the only one there is."""
    page = (Path(__file__).parents[3] / "docs" / "boards.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    elsie.save(NETS[0], tmp_path / "model.elsie")
    x = np.random.default_rng(4).normal(0, 3, (8, NETS[0].n_in))
    np.savez(tmp_path / "test.npz", x=x)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("elsie.host.ports.choose", lambda: port)
    scope: dict[str, object] = {}
    exec(code, scope)
    y = scope["y"]
    assert isinstance(y, np.ndarray)
    assert (y == predict(NETS[0], x)).all()
    assert "Counters(cycles=" in capsys.readouterr().out


class Baked:
    """A link to a board with a network in its bitstream."""

    def __init__(self, held: Network, loads: Loads) -> None:
        self.asked: list[Command] = []
        positions = held.layers[-1].position.tolist()
        self.found = Found(
            state=State.LOADED if loads is Loads.NOTHING else State(0),
            checksum=0,
            identity=Identity(
                loads=loads,
                clock_hz=CLOCK_HZ,
                divisor=DIVISOR,
                buffer=512,
                config=held.config,
                network=network_hash(encode(held), positions),
            ),
        )

    def identify(self) -> Found:
        return self.found

    def speed_up(self, identity: Identity, *, most: int | None) -> None:
        assert identity == self.found.identity

    def ask(self, command: Command, payload: bytes = b"") -> bytes:
        self.asked.append(command)
        return b""

    def stream(self, requests: list[tuple[Command, bytes]]) -> Iterator[bytes]:
        for command, payload in requests:
            yield self.ask(command, payload)


def test_a_bitstream_with_its_own_network() -> None:
    link = Baked(NETS[0], Loads.NOTHING)
    board = Board(link)  # pyright: ignore[reportArgumentType]
    with pytest.raises(WrongNetwork, match="made for another network than test; run 'elsie build'"):
        board.load(NETS[1])
    assert not board.load(NETS[0])
    assert not board.load(NETS[0], again=True)
    assert link.asked == []


def test_a_bitstream_whose_entries_are_loaded() -> None:
    config = TINY.replace(entry_memory="spram", run_width=4)
    mine, other = (network(config=config, seed=seed) for seed in (1, 2))
    link = Baked(mine, Loads.ENTRIES)
    board = Board(link)  # pyright: ignore[reportArgumentType]
    with pytest.raises(WrongNetwork, match="made for another network"):
        board.load(other)
    assert board.load(mine)
    assert link.asked[:2] == [Command.RESET, Command.BEGIN]
    assert link.asked[-1] == Command.COMMIT
    assert link.asked.count(Command.LOAD) == config.pes
