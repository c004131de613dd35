"""The next phase, a cycle after layer, stream and step are known: random words, every field."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import struct
from rtl.sequence.upcoming import next_layout, prepare, result_list
from tests.cells import cell_config
from tests.rtl.helpers import drive


class Next(wiring.Component):
    """What the sequencer tells, as ports."""

    stream: Signal
    layer: Signal
    odd: Signal
    output: Signal
    out_stream: Signal
    parity: Signal
    following: data.View
    current: data.View
    upcoming: data.View
    out: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        self._config = config
        word = struct(layout.descriptor(config))
        super().__init__(
            {
                **{name: In(range(config.streams)) for name in ("stream", "out_stream")},
                "layer": In(config.layer_width),
                **{name: In(1) for name in ("odd", "output", "parity")},
                **{name: In(word) for name in ("following", "current")},
                "upcoming": Out(next_layout(config)),
                "out": Out(config.list_width),
            }
        )

    def last_stream(self) -> Value:
        return self.stream == self._config.streams - 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        now: Any = self
        words = {"current": self.current, "parity": self.parity}
        following = self.following
        upcoming = prepare(m, config=self._config, now=now, following=following, **words)
        m.d.comb += self.upcoming.eq(upcoming)
        m.d.comb += self.out.eq(result_list(m, config=self._config, now=now, **words))
        return m


@pytest.mark.parametrize("changes", [{}, {"streams": 3}, {"delta": True}], ids=str)
def test_random_words(changes: dict[str, Any]) -> None:
    config = cell_config(cells=5, **changes)
    rng = np.random.default_rng(len(changes))
    fields = layout.descriptor(config)
    rows: list[dict[str, int]] = []
    expected: list[dict[str, int]] = []
    lists = 1 << config.list_width
    for _ in range(150):
        words = {
            which: {name: int(rng.integers(0, 1 << bits)) for name, (bits, _) in fields.items()}
            for which in ("following", "current")
        }
        stream, out_stream = (int(n) for n in rng.integers(0, config.streams, 2))
        layer, odd, output, parity = (int(n) for n in rng.integers(0, [4, 2, 2, 2]))
        one = {"stream": stream, "out_stream": out_stream, "layer": layer, "parity": parity}
        one |= {"odd": odd, "output": output}
        for which, word in words.items():
            one |= {f"{which}.{name}": value for name, value in word.items()}
        rows.append(one)
        last = stream == config.streams - 1
        word = words["following" if last else "current"]
        stream = 0 if last else stream + 1
        first = stream * config.stream_lists
        shown = {
            "base": word["column_base"],
            "back_base": word["recurrent_base"],
            "lists.source": (word["source"] + word["source_alternates"] * parity + first) % lists,
            "lists.back": (word["recurrent"] + 1 - parity + first) % lists,
            "lists.fed_back": word["fed_back"],
            "phase.target": (word["target"] + word["target_alternates"] * parity + first) % lists,
            "phase.state": (word["cell_base"] + 5 * stream) % (1 << config.cell_width),
            "phase.layer": (layer + last) % 4,
            "phase.odd": 1 - odd,
        }
        names = ["rows", "bias_base", "shift", "relu", "kind", "peephole"]
        names += ["threshold", "keep"] if config.delta else []
        shown |= {f"phase.{name}": word[name] for name in names}
        if config.delta:
            shown["phase.place"] = word["target"]
        mine = words["current"]
        out = mine["target"] + mine["target_alternates"] * parity
        out += (out_stream + 1 if output else 0) * config.stream_lists
        expected.append(
            {**{f"upcoming.{name}": value for name, value in shown.items()}, "out": out % lists}
        )
    seen = drive(Next(config=config), [*rows, {}], list(expected[0]))
    assert seen[1:] == expected
