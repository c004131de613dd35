"""What the sequencer must do, written from docs/timing.md."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import tree_levels
from golden.timing.schedule import Latencies

Row = dict[str, int]


def random_layers(rng: np.random.Generator, config: EngineConfig, count: int) -> list[Row]:
    """Descriptors with any values; perhaps a head."""
    head = int(rng.integers(1, count + 1))
    return [
        {
            **{
                name: int(rng.integers(0, 1 << min(bits, 30)))
                for name, (bits, _) in layout.descriptor(config).items()
            },
            "last": int(number == count - 1),
            **({"head": int(number >= head)} if config.cells else {}),
        }
        for number in range(count)
    ]


@dataclass(kw_only=True)
class Script:
    """Inputs and expectations, cycle by cycle, made as one goes along.

    An expectation that a cycle does not name is not checked; `pulses` are 0 in all other cycles.
    """

    config: EngineConfig
    layers: list[Row]
    rng: np.random.Generator
    clear: int
    rows: list[Row] = field(default_factory=list)
    expected: list[Row] = field(default_factory=list)
    parity: int = 0
    odd: int = 0

    def __post_init__(self) -> None:
        self.t, self.busy = Latencies.of(self.config), False
        self.late = (2 if self.config.delta else 0) + self.config.stages.store
        config = self.config
        result = config.entry_stages + config.multiplier_stages + (6 if config.cells else 4)
        result += config.stages.drain
        self.way = result + self.late - (self.t.status - 1) - 1  # told a cycle late
        """Cycles from `over` to the phase's end."""
        self._idle(self.clear + 1)

    def _cycle(self, **inputs: int) -> Row:
        """One more cycle; what is expected in it is to be filled in."""
        random = {"pending": int(self.rng.random() < 0.3), "hold": int(self.rng.random() < 0.2)}
        self.rows.append({**random, "taken": int(self.rng.random() < 0.5), **inputs})
        self.expected.append({})
        return self.expected[-1]

    def _idle(self, busy: int) -> None:
        """Busy with something else, two cycles to prepare a phase, and then idle for a while."""
        for _ in range(busy + 3):
            self._cycle()
        for _ in range(int(self.rng.integers(0, 4))):
            self._cycle()["idle"] = 1

    def step(self, *, answer: int) -> None:
        """One step of all streams."""
        config, fresh = self.config, int(self.rng.integers(0, 1 << self.config.streams))
        self.fresh, self.answer = fresh, answer
        self.steady = {"answer": answer, "fresh": fresh} if config.cells else {}
        ran = [n for n, one in enumerate(self.layers) if answer or not one.get("head", 0)]
        order = [(layer, stream) for layer in ran for stream in range(config.streams)]
        self._cycle(start=1, **self.steady)["idle"] = 1
        for _ in range(self.late):
            self._cycle(**self.steady)["running"] = 1
        self._begin(order[0])
        self._run(order)
        self._results(self.layers[ran[-1]], answer)
        self.parity ^= 1
        self._idle(0)

    def _list(self, one: Row, name: str, stream: int) -> int:
        """Number of a list in this step."""
        more = one.get(f"{name}_alternates", 1) & (self.parity ^ (name == "recurrent"))
        number = one[name] + more + stream * self.config.stream_lists
        return number % (1 << self.config.list_width)

    def _begin(self, phase: tuple[int, int]) -> None:
        """What the last cycle shows when a phase begins after it."""
        layer, stream = phase
        one, shown = self.layers[layer], self.expected[-1]
        shown["begin"] = 1
        if not self.config.cells:
            return
        fed_back = one["fed_back"] and not self.fresh >> stream & 1
        shown |= {"lists.source": self._list(one, "source", stream)}
        shown |= {"lists.fed_back": int(fed_back)}
        if fed_back:
            shown["lists.back"] = self._list(one, "recurrent", stream)
        self.odd ^= 1

    def _run(self, order: list[tuple[int, int]]) -> None:
        """Front and back, until the last phase has ended; the first has just begun."""
        config, n = self.config, self.t.read
        overlap = config.streams > 1
        front: int | None = 0
        way: list[int] = []  # what was still to come in each step of the front
        back: Row | None = None
        over = end = -100
        begun = True
        while True:
            shown = self._cycle(over=int(over <= len(self.rows) < end + self.t.status))
            self.rows[-1] |= self.steady
            cycle, now = len(self.rows) - 1, self.rows[-1]
            shown |= {"running": 1, "layer_start": int(begun), "enable": int(front is not None)}
            begun, quiet, number = False, False, front
            if front is not None:
                layer, stream = order[front]
                one = self.layers[layer]
                quiet = len(way) >= n and not way[-n]
                shown |= {"layer": layer, "quiet": int(quiet), "base": one["column_base"]}
                if config.cells:
                    shown["back_base"] = one["recurrent_base"]
                if overlap:
                    shown |= {"stream": stream, "odd": self.odd}
                if not now["hold"]:
                    way.append(now["pending"])
            handover = quiet and back is None
            shown["closed"] = int(back is not None or handover)
            if back is not None:
                shown |= {f"phase.{name}": value for name, value in back.items()}
            if back is not None and cycle == end:
                shown["end"], back = 1, None
                if front is None and number is None and self._after == len(order):
                    return
                if front is None:
                    front, begun = self._after, True
            elif handover and front is not None:
                back, self._after = self._phase(order[front]), front + 1
                over = cycle + 1 + int(self.rng.integers(0, 12))
                end, front = over + self.way, None
                if overlap and self._after < len(order):
                    front, begun = self._after, True
            if begun and front is not None:
                way = []
                self._begin(order[front])

    def _phase(self, phase: tuple[int, int]) -> Row:
        """What operations need to know of a phase."""
        layer, stream = phase
        one, config = self.layers[layer], self.config
        found = {name: one[name] for name in ("rows", "bias_base", "shift", "relu")}
        found["layer"] = layer
        if not config.cells:
            return found
        found |= {"kind": one["kind"], "peephole": one["peephole"]}
        if config.delta:
            follows = layer + 1 < len(self.layers) and self.layers[layer + 1]["head"]
            found |= {"threshold": one["threshold"], "place": one["target"], "keep": one["keep"]}
            found["plain"] = int(not one["keep"] or (follows and self.answer))
        state = (one["cell_base"] + stream * config.cells) % (1 << config.cell_width)
        found |= {"state": state, "target": self._list(one, "target", stream)}
        return {**found, "fresh": self.fresh >> stream & 1, "odd": self.odd}

    def _results(self, last: Row, answer: int) -> None:
        """Handing over, stream after stream; done not before the counters have settled."""
        streams, n, stream = self.config.streams, self.t.read, 0
        finish = len(self.rows)
        counted = finish + 1 + tree_levels(-(-self.config.pes // 16), radix=4)
        counted += self.config.stages.count
        self._handing(last, 0, answer)
        way: list[int] = []
        while True:
            shown = self._cycle(**self.steady)
            cycle, now = len(self.rows) - 1, self.rows[-1]
            quiet = len(way) >= n and not way[-n]
            shown |= {"output": 1, "enable": answer, "finish": int(cycle == finish)}
            if answer:
                shown |= {"base": 0, "quiet": int(quiet)}
                if streams > 1:
                    shown["out_stream"] = stream
            if not now["hold"]:
                way.append(now["pending"])
            ready = quiet and stream == streams - 1 and now["taken"]
            if cycle >= counted and (ready or not answer):
                shown["done"] = 1
                return
            if quiet and stream < streams - 1:
                self._handing(last, stream + 1, answer)
                stream, way = stream + 1, []

    def _handing(self, last: Row, stream: int, answer: int) -> None:
        """What the last cycle shows when a stream's results are handed over after it."""
        self.expected[-1]["begin"] = 1
        if not self.config.cells:
            return
        self.expected[-1]["lists.fed_back"] = 0
        if answer:
            self.expected[-1]["lists.source"] = self._list(last, "target", stream)


PULSES = ("idle", "begin", "running", "end", "output", "done", "layer_start", "finish", "closed")


def program(config: EngineConfig, layers: list[Row]) -> list[Any]:
    """The layers as words."""
    return [int(layout.pack(layout.descriptor(config), **one)) for one in layers]
