"""The whole order of rows and tokens, with random waits: layers, states, sources, results."""

from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.format import layout
from rtl.operations.pipeline import OperationPipeline
from rtl.sequence.sequencer import Sequencer
from sim.harness import simulate
from tests.maps import map_config
from tests.rtl.helpers import port
from tests.rtl.maps.sequencing import Rows, due, source_word, state_of

Row = dict[str, int]
Event = tuple[Any, ...]
READING = ("shift", "more", "first", "local", "still")
INFERENCES = 2


def config_of(**changes: Any) -> EngineConfig:
    """Room for three layers of two sources."""
    maps = {"rows": 8, "sources": 2, "height": 32, "depth": 256}
    return map_config(maps=maps, column_depth=512, row_depth=64, act_depth=64, layers=3, **changes)


def random_layers(rng: np.random.Generator, config: EngineConfig) -> list[tuple[Row, list[Rows]]]:
    """Three layers' words, and what their one or two sources are."""
    found = []
    for number in range(3):
        height, count = int(rng.integers(1, 6)), int(rng.integers(1, 3))
        sources = []
        for _ in range(count):
            kernel, stride = int(rng.integers(1, 6)), int(rng.choice([1, 2, 4]))
            top = int(rng.integers(0, kernel))
            high = max(1, (height - 1) * stride + kernel - top - int(rng.integers(0, kernel)))
            sources.append(Rows(height=high, kernel=kernel, stride=stride, top=top))
        limits = layout.map_descriptor(config)
        word = {name: int(rng.integers(0, 1 << min(8, limits[name][0]))) for name in limits}
        word |= {"last": int(number == 2), "sources": count - 1, "flat": 0}
        word |= {"height": height - 1, "lead": max(one.lead for one in sources)}
        found.append((word, sources))
    return found


def words_of(
    rng: np.random.Generator, config: EngineConfig, layers: list[tuple[Row, list[Rows]]]
) -> tuple[list[int], list[list[Row]]]:
    """The program, and the fields of the sources' words."""
    program, fields = [], []
    for word, sources in layers:
        program.append(int(layout.pack(layout.map_descriptor(config), **word)))
        fields.append([])
        for one in sources:
            form = layout.source_descriptor(config)
            other = {name: int(rng.integers(0, 2)) for name in READING}
            other["region"] = int(rng.integers(0, 256))
            base, step = (int(n) for n in rng.integers(0, 50, 2))
            word_ = other | source_word(one, word["lead"], column_base=base, step=step)
            fields[-1].append(word_)
            program.append(int(layout.pack(form, **word_)))
    return program, fields


def events_of(
    config: EngineConfig, layers: list[tuple[Row, list[Rows]]], fields: list[list[Row]]
) -> list[Event]:
    """Of an inference, in the docs' words."""
    found: list[Event] = []
    for number, (word, sources) in enumerate(layers):
        height, lead, ring = word["height"] + 1, word["lead"], config.maps.rows
        found.append(("layer", number))
        found.append(("token", *state_of(-lead, height, ring).values()))
        for o in range(-lead, height):
            for nth, (one, source) in enumerate(zip(sources, fields[number], strict=True)):
                where = {"column_base": source["column_base"], "step": source["step"]}
                for line, column, skip in due(one, lead, o, **where):
                    found.append(("row", nth, line, source["region"] if line == 0 else None))
                    found.append(("skip",) if skip else ("read", column))
                    found[-1] = (*found[-1], *(() if skip else (source[n] for n in READING)))
            after = state_of(o + 1, height, ring)
            some = o < height - 1
            found.append(("token", *after.values()) if some else ("token", after["ends"]))
        found.append(("finish",) if word["last"] else ("over",))
    return [*found, ("results", layers[-1][0]["region"]), ("done",)]


class Bench:
    """Answers as the lists and the groups would, with random waits, and writes down what comes."""

    def __init__(self, rng: np.random.Generator, config: EngineConfig, dut: Any) -> None:
        self.rng, self.config, self.dut = rng, config, dut
        self.events: list[Event] = []
        self.started = self.ended = self.cycle = 0
        self.moved = 0
        """Cycles without hold since the last row."""
        self.left, self.row = 0, False
        self.sent = False
        """The layer's last token has been sent."""
        self.over = -1
        """Cycle from which on the groups have drained the layer."""

    async def __call__(self, ctx: Any) -> None:
        """Until so many inferences are done."""
        while self.ended < INFERENCES:
            for name, value in self.inputs(ctx).items():
                ctx.set(port(self.dut, name), value)
            self.see(ctx)
            await ctx.tick()
            self.cycle += 1

    def get(self, ctx: Any, name: str) -> int:
        """A port's value."""
        return ctx.get(port(self.dut, name))

    def inputs(self, ctx: Any) -> Row:
        """Of this cycle."""
        # A list knows a row's items a cycle after their number came.
        known = self.moved >= 2 + self.config.stages.activations
        self.pending = int(known and self.left > 0)
        self.hold = int(self.rng.random() < 0.25 and not self.get(ctx, "layer_start"))
        begin = self.get(ctx, "idle") and self.rng.random() < 0.5
        self.started += bool(begin)
        return {
            **{"pending": self.pending, "hold": self.hold, "start": int(begin)},
            **{"over": int(self.over >= 0), "taken": int(self.rng.random() < 0.5)},
        }

    def see(self, ctx: Any) -> None:
        """Write down what the sequencer does in this cycle."""
        get = self.get
        granted = get(ctx, "enable") and self.pending and not self.hold
        self.left -= granted and self.rng.random() < 0.8
        if self.row:  # what comes a cycle after a row began
            self._reading(ctx)
        self.row = bool(get(ctx, "row.valid"))
        if get(ctx, "layer_start"):
            self.events.append(("layer", get(ctx, "layer")))
            self.over = -1
        if self.row or (get(ctx, "token") and not get(ctx, "layer_start")):
            assert not self.pending
            assert not self.hold
        if self.row:
            first = get(ctx, "row.region") if get(ctx, "row.begins") else None
            where = ("results",) if get(ctx, "output") else ("row", get(ctx, "row.source"))
            line = () if get(ctx, "output") else (get(ctx, "line"),)
            self.events.append((*where, *line, first))
            self.moved = 0
        self.moved += not self.hold
        if get(ctx, "token"):
            state = [get(ctx, f"carried.{name}") for name in ("slot", "first", "last", "ends")]
            self.sent = self._final(ctx)
            self.events.append(("token", *(state[-1:] if self.sent else state)))
        self._ends(ctx)

    def _reading(self, ctx: Any) -> None:
        read = [self.get(ctx, f"row.reading.{name}") for name in ("column", *READING)]
        skip = self.get(ctx, "row.skip")
        self.left = 0 if skip else int(self.rng.integers(0, 4))
        if self.get(ctx, "output"):
            # Places are positions: all of an index, no base, groups in turn.
            assert not skip
            assert [read[0], read[1], *read[4:]] == [0, self.config.index_width, 0, 1]
        else:
            self.events.append(("skip",) if skip else ("read", *read))

    def _final(self, ctx: Any) -> bool:
        """The token is a layer's last: its state has no row."""
        height = self.get(ctx, "phase.height") + 1
        tokens = [one for one in self.events[self._layer() :] if one[0] == "token"]
        return len(tokens) == height + self.get(ctx, "phase.lead")

    def _layer(self) -> int:
        """Where the layer's events begin."""
        return max(n for n, one in enumerate(self.events) if one[0] == "layer")

    def _ends(self, ctx: Any) -> None:
        """Ends of layers and of the inference."""
        if self.sent and self.get(ctx, "quiet") and self.rng.random() < 0.2:
            # The groups have drained everything.
            self.over, self.sent = self.cycle + 1, False
            if not self.get(ctx, "phase.last"):
                self.events.append(("over",))
        if self.get(ctx, "finish"):
            # Not before the last step's result is in its list.
            assert self.cycle - self.over >= self._result
            self.events.append(("finish",))
            self.over = -1
        if self.get(ctx, "done"):
            self.events.append(("done",))
            self.ended += 1

    @property
    def _result(self) -> int:
        return OperationPipeline.result_latency(self.config) - self.config.over_stages


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "changes", [{}, {"stages": {"activations": 1}, "broadcast_stages": 2, "entry_stages": 2}]
)
def test_rows_and_tokens_come_in_order(changes: dict[str, Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    config = config_of(**changes)
    layers = random_layers(rng, config)
    program, fields = words_of(rng, config, layers)
    dut = Sequencer(config=config, init=program)
    bench = Bench(rng, config, dut)
    simulate(dut, bench, max_cycles=6000)
    assert bench.events == INFERENCES * events_of(config, layers, fields)
