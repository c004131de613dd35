"""The next phase: random words, every field; with cells a cycle after what it is made of."""

from typing import Any

import numpy as np
import pytest

from golden.format import layout
from rtl.sequence.upcoming import Upcoming
from tests.cells import cell_config
from tests.rtl.helpers import clocked, drive, tiny_config


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
        last = stream == config.streams - 1
        one = {"layer": layer, "parity": parity, "odd": odd, "output": output}
        if config.streams > 1:
            one |= {"stream": stream, "out_stream": out_stream, "last_stream": int(last)}
        for which, word in words.items():
            one |= {f"{which}.{name}": value for name, value in word.items()}
        rows.append(one)
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
            {**{f"next.{name}": value for name, value in shown.items()}, "results": out % lists}
        )
    seen = drive(Upcoming(config=config), [*rows, {}], list(expected[0]))
    assert seen[1:] == expected


@pytest.mark.parametrize("code", ["linear", "log"])
def test_without_cells_it_is_the_next_layer_at_once(code: str) -> None:
    config = tiny_config(act_code=code)
    rng = np.random.default_rng(1)
    rows: list[dict[str, int]] = []
    expected: list[dict[str, int]] = []
    for _ in range(50):
        fields = layout.descriptor(config).items()
        word = {name: int(rng.integers(0, 1 << bits)) for name, (bits, _) in fields}
        layer = int(rng.integers(0, 4))
        rows.append({"layer": layer, **{f"following.{name}": v for name, v in word.items()}})
        names = ("rows", "bias_base", "shift", "relu")
        shown = {f"next.phase.{name}": word[name] for name in names}
        shown |= {"next.base": word["column_base"], "next.phase.layer": (layer + 1) % 4}
        if code != "linear":  # the last layer's outputs are integers
            shown["next.phase.coded"] = 1 - word["last"]
        expected.append(shown)
    assert drive(clocked(Upcoming(config=config)), rows, list(expected[0])) == expected
