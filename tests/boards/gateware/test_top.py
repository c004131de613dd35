# amaranth: UnusedElaboratable=no
"""The board's design at its two pins."""

import random

import numpy as np
import pytest

from boards.gateware.loader import LOADED
from boards.gateware.top import BoardTop
from golden.arithmetic.run import forward
from golden.errors import ElsieError
from golden.format import image
from golden.timing.model import TimingModel
from sim.harness import CLOCK_PERIOD, simulate
from tests.boards.gateware.fake_engine import FakeEngine
from tests.boards.gateware.networks import CONFIG, network
from tests.boards.gateware.serial_line import receive, send
from tests.cells import SMALL, cell_config, cell_network

DIVISOR, TIMEOUT = 4, 80
SILENCE = CLOCK_PERIOD * (TIMEOUT + 400)  # and the padded inference


def encode(vector, *, size: int = 1) -> bytes:
    return b"".join(int(value).to_bytes(size, "little", signed=True) for value in vector)


class Host:
    """Sends vectors and checks answers at the pins of a board with a fake engine."""

    def __init__(self, *, n_in: int = 6, n_out: int = 5, config=CONFIG, delay: int = 0) -> None:
        self.network = network(config=config, n_in=n_in, n_out=n_out)
        self.engine = FakeEngine(network=self.network, delay=delay)
        self.dut = BoardTop(
            network=self.network, divisor=DIVISOR, timeout=TIMEOUT, engine=self.engine
        )
        self.size = -(-config.act_width // 8)
        self.random = random.Random(n_in)

    def vector(self) -> list[int]:
        limit = 1 << (self.network.config.act_width - 1)
        return [self.random.randrange(-limit, limit) for _ in range(self.network.n_in)]

    async def send(self, ctx, data: bytes, **options) -> None:
        await send(ctx, self.dut.rx, data, divisor=DIVISOR, **options)

    async def expect(self, ctx, vector: list[int]) -> None:
        """The right answer to a vector."""
        front = 1 if self.network.n_out <= 256 else 2
        answer = await receive(ctx, self.dut.tx, front + 4, divisor=DIVISOR)
        dense = vector[: self.network.n_out]
        assert int.from_bytes(answer[:front], "little") == int(np.argmax(dense))
        cycles = 0x01020300 + ctx.get(self.engine.inferences)
        assert int.from_bytes(answer[front:], "little") == cycles

    async def classify(self, ctx, vector: list[int]) -> None:
        await self.send(ctx, encode(vector, size=self.size))
        await self.expect(ctx, vector)

    async def expect_nothing(self, ctx, *, inferences: int) -> None:
        """The board recovers without a word, after so many inferences in all."""
        for _ in range(10):
            assert ctx.get(self.dut.tx) == 1
            await ctx.delay(SILENCE / 10)
        assert not ctx.get(self.dut.busy)
        assert ctx.get(self.engine.inferences) == inferences

    def run(self, script, *, max_cycles: int = 20_000) -> None:
        simulate(self.dut, script, max_cycles=max_cycles)


def test_classifies_one_after_another() -> None:
    host = Host()

    async def script(ctx):
        for _ in range(4):
            await host.classify(ctx, host.vector())
        await host.classify(ctx, [-1, -2, 0, -3, -4, 9])
        await host.classify(ctx, [0] * 6)

    host.run(script)


def test_two_byte_activations_and_classes() -> None:
    config = CONFIG.replace(
        act_width=12, row_depth=128, act_depth=512, bias_depth=512, column_depth=512
    )
    host = Host(n_in=300, n_out=290, config=config)

    async def script(ctx):
        vector = [-1] * 300
        vector[280] = 5
        await host.classify(ctx, vector)

    host.run(script, max_cycles=60_000)


def test_single_input_and_output() -> None:
    host = Host(n_in=1, n_out=1)

    async def script(ctx):
        await host.classify(ctx, [-7])
        await host.classify(ctx, [0])

    host.run(script)


@pytest.mark.parametrize("sent", [1, 3, 5])
def test_half_a_vector_is_dropped(sent: int) -> None:
    host = Host()

    async def script(ctx):
        await host.send(ctx, encode(host.vector()[:sent]))
        await ctx.delay(CLOCK_PERIOD * DIVISOR)
        assert ctx.get(host.dut.busy)
        await host.expect_nothing(ctx, inferences=1)
        await host.classify(ctx, host.vector())

    host.run(script)


def test_half_an_activation_is_dropped() -> None:
    host = Host(config=CONFIG.replace(act_width=12))

    async def script(ctx):
        await host.send(ctx, b"\x12")
        await host.expect_nothing(ctx, inferences=0)
        await host.send(ctx, b"\x12\x01\x13")
        await host.expect_nothing(ctx, inferences=1)
        await host.classify(ctx, host.vector())

    host.run(script)


@pytest.mark.parametrize("at", [0, 2, 5])
def test_a_framing_error_spoils_the_vector(at: int) -> None:
    host = Host()

    async def script(ctx):
        data = encode(host.vector())
        await host.send(ctx, data[:at])
        await host.send(ctx, data[at : at + 1], stop_level=0, stop_bits=0.9)
        await ctx.delay(CLOCK_PERIOD * DIVISOR)
        # Even so many bytes more do not make it a vector.
        await host.send(ctx, data[at + 1 :] + data)
        await host.expect_nothing(ctx, inferences=1 if at else 0)
        await host.classify(ctx, host.vector())

    host.run(script)


def test_bytes_during_an_inference_do_not_disturb_its_answer() -> None:
    host = Host(delay=200)
    vector = host.vector()

    async def script(ctx):
        await host.send(ctx, encode(vector) + b"\x01\x02\x03")

    async def check(ctx):
        await host.expect(ctx, vector)
        await host.expect_nothing(ctx, inferences=1)
        await host.classify(ctx, host.vector())

    simulate(host.dut, script, check, max_cycles=20_000)


def test_a_host_that_tries_again_after_no_answer_gets_one() -> None:
    host = Host()

    async def script(ctx):
        for cut in (1, 4):
            vector = host.vector()
            await host.send(ctx, encode(vector)[cut:])
            await host.expect_nothing(ctx, inferences=host_count(ctx))
            await host.classify(ctx, vector)

    def host_count(ctx) -> int:
        return ctx.get(host.engine.inferences) + 1

    host.run(script)


@pytest.mark.parametrize("activation", ["identity", "relu"])
def test_the_real_engine_equals_the_golden_model(activation: str) -> None:
    net = network(n_in=9, n_out=7, activation=activation, seed=3)
    dut = BoardTop(network=net, divisor=DIVISOR, timeout=TIMEOUT)
    vectors = np.random.default_rng(5).integers(-128, 128, (4, 9))
    vectors[3] = 0
    expected = forward(net, vectors).argmax(axis=1)

    async def script(ctx):
        for vector, best in zip(vectors, expected, strict=True):
            await send(ctx, dut.rx, encode(vector), divisor=DIVISOR)
            answer = await receive(ctx, dut.tx, 5, divisor=DIVISOR)
            assert answer[0] == best
            assert 0 < int.from_bytes(answer[1:], "little") < 1000

    simulate(dut, script, max_cycles=10_000)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"divisor": 3}, "divisor"), ({"divisor": 8, "timeout": 127}, "timeout must be at least")],
)
def test_refuses(options, message: str) -> None:
    with pytest.raises(ElsieError, match=message):
        BoardTop(network=network(), **options)


class LoadingHost:
    """A board with the real engine and its entries in SPRAM, and the host that fills them."""

    def __init__(self, *, timeout: int = TIMEOUT) -> None:
        config = CONFIG.replace(entry_memory="spram", run_width=4)
        self.network = network(config=config, n_in=9, n_out=7, seed=3)
        self.dut = BoardTop(network=self.network, divisor=DIVISOR, timeout=timeout)
        assert self.dut.load_frame is not None
        self.frame = self.dut.load_frame
        self.vectors = np.random.default_rng(5).integers(-128, 128, (4, 9))
        self.classes = forward(self.network, self.vectors).argmax(axis=1)
        assert len(set(self.classes)) > 2
        model = TimingModel(image.encode(self.network))
        self.cycles = [model.run(vector)[1].cycles for vector in self.vectors]

    async def send(self, ctx, data: bytes, **options) -> None:
        await send(ctx, self.dut.rx, data, divisor=DIVISOR, **options)

    async def load(self, ctx) -> None:
        assert ctx.get(self.dut.busy)
        await self.send(ctx, self.frame)
        assert await receive(ctx, self.dut.tx, 1, divisor=DIVISOR) == bytes([LOADED])
        assert not ctx.get(self.dut.busy)

    async def classify_all(self, ctx) -> None:
        for vector, best, cycles in zip(self.vectors, self.classes, self.cycles, strict=True):
            await self.send(ctx, encode(vector))
            answer = await receive(ctx, self.dut.tx, 5, divisor=DIVISOR)
            assert answer == bytes([best]) + cycles.to_bytes(4, "little")

    async def expect_nothing(self, ctx) -> None:
        """The board says nothing until it has forgotten what came."""
        for _ in range(10):
            await ctx.delay(SILENCE / 10)
            assert ctx.get(self.dut.tx) == 1
            assert ctx.get(self.dut.busy)

    def run(self, script) -> None:
        simulate(self.dut, script, max_cycles=30_000)


def test_entries_in_spram_are_loaded_first() -> None:
    host = LoadingHost()

    async def script(ctx):
        await host.load(ctx)
        await host.classify_all(ctx)

    host.run(script)


def test_a_damaged_frame_is_not_acknowledged() -> None:
    """A bit, a byte lost, a byte more; a vector is not answered then, and a whole frame helps."""
    host = LoadingHost()
    bit = bytearray(host.frame)
    bit[len(bit) // 2] ^= 0x08
    lost = host.frame[:3] + host.frame[4:]

    async def script(ctx):
        for frame in (bytes(bit), lost, b"\xff" + host.frame):
            await host.send(ctx, frame)
            await host.expect_nothing(ctx)
            await host.send(ctx, encode(host.vectors[0]))
            await host.expect_nothing(ctx)
        await host.load(ctx)
        await host.classify_all(ctx)

    host.run(script)


def test_a_byte_lost_before_the_frame_does_not_spoil_the_first_vector() -> None:
    host = LoadingHost(timeout=20_000)  # longer than the frame takes

    async def script(ctx):
        await host.send(ctx, b"\xff", stop_level=0, stop_bits=0.9)
        await ctx.delay(CLOCK_PERIOD * DIVISOR)
        await host.load(ctx)
        await host.classify_all(ctx)

    host.run(script)


def test_only_spram_needs_a_load() -> None:
    dut = BoardTop(network=network(), divisor=DIVISOR, timeout=TIMEOUT)
    assert dut.load_frame is None


class SequenceHost:
    """A board with the real engine and a recurrent network, and its host."""

    def __init__(self) -> None:
        rng = np.random.default_rng(8)
        self.network = cell_network(
            rng, cell_config(pes=2, row_depth=16, act_depth=16, cells=8), widths=SMALL
        )
        self.dut = BoardTop(network=self.network, divisor=DIVISOR, timeout=TIMEOUT)
        x = rng.integers(-(1 << 15), 1 << 15, (40, 3, self.network.n_in))
        classes = forward(self.network, x).argmax(axis=1)
        # Two of different classes, neither of them what is said when nothing was asked for.
        chosen = [
            int(np.flatnonzero(classes == best)[0]) for best in np.unique(classes[classes > 0])
        ]
        self.x, self.classes = x[chosen[:2]], classes[chosen[:2]]
        model = TimingModel(image.encode(self.network))
        self.cycles = [
            [
                model.run(x[None], reset=(nth == 0,), answer=nth == 2)[1].cycles
                for nth, x in enumerate(sequence)
            ]
            for sequence in self.x
        ]

    def step(self, sequence: int, nth: int) -> bytes:
        """The bytes of a step; only the lowest two flags count."""
        flags = 0xA0 | int(nth == 0) | int(nth == 2) << 1
        return bytes([flags]) + encode(self.x[sequence, nth], size=2)

    async def send(self, ctx, data: bytes, **options) -> None:
        await send(ctx, self.dut.rx, data, divisor=DIVISOR, **options)

    async def run_sequence(self, ctx, sequence: int) -> None:
        """Three steps; each is answered, and the last with the class."""
        for nth in range(3):
            await self.send(ctx, self.step(sequence, nth))
            answer = await receive(ctx, self.dut.tx, 5, divisor=DIVISOR)
            best = int(self.classes[sequence]) if nth == 2 else 0
            assert answer == bytes([best]) + self.cycles[sequence][nth].to_bytes(4, "little")

    async def expect_nothing(self, ctx) -> None:
        for _ in range(10):
            assert ctx.get(self.dut.tx) == 1
            await ctx.delay(SILENCE / 5)
        assert not ctx.get(self.dut.busy)

    def run(self, script) -> None:
        simulate(self.dut, script, max_cycles=60_000)


def test_sequences_step_by_step() -> None:
    host = SequenceHost()

    async def script(ctx):
        for sequence in (0, 1, 1):
            await host.run_sequence(ctx, sequence)

    host.run(script)


def test_a_step_that_breaks_off_is_not_answered() -> None:
    """After its flags, within an activation, or when the engine has some; then a whole sequence."""
    host = SequenceHost()

    async def script(ctx):
        for number, sent in enumerate((1, 8)):
            await host.send(ctx, host.step(1, 0)[:sent])
            await host.expect_nothing(ctx)
            await host.run_sequence(ctx, number % 2)
        for sent in (1, 8, 2):
            await host.send(ctx, host.step(0, 2)[:sent])
            await host.expect_nothing(ctx)
        await host.run_sequence(ctx, 1)

    host.run(script)


def test_a_byte_lost_in_a_step_spoils_it() -> None:
    host = SequenceHost()

    async def script(ctx):
        await host.send(ctx, b"\x03", stop_level=0, stop_bits=0.9)
        await ctx.delay(CLOCK_PERIOD * DIVISOR)
        await host.send(ctx, host.step(0, 0)[1:])
        await host.expect_nothing(ctx)
        await host.run_sequence(ctx, 1)

    host.run(script)


@pytest.mark.parametrize(
    ("config", "head", "text"),
    [
        ({"streams": 2}, True, "one sequence at a time"),
        ({"delta": True}, False, "compile it without --delta"),
    ],
)
def test_recurrent_networks_that_a_board_cannot_run(config, head: bool, text: str) -> None:
    refused = cell_network(np.random.default_rng(1), cell_config(**config), head=head)
    with pytest.raises(ElsieError, match=text):
        BoardTop(network=refused, divisor=DIVISOR, timeout=TIMEOUT)
