"""Probe words made by hand to events: fields that straddle bytes, negative values."""

from typing import Any

import numpy as np
from amaranth.hdl import Const
from amaranth.lib import data

from golden.config import EngineConfig
from golden.timing.trace import FIELDS
from rtl.probe import assemble, engine_layout
from sim.tracer import inferences
from tests.golden.timing.slow import as_lists

CONFIG = EngineConfig(
    pes=3, group=2, queue_depth=12, act_width=13, weight_width=5, acc_width=53, row_depth=5
)


def word(config: EngineConfig = CONFIG, **events: Any) -> int:
    """One probe word; what is not given is 0."""
    fields: Any = events
    return engine_layout(config).const(fields).as_value().value


def decode(words: list[int], config: EngineConfig = CONFIG) -> list[dict[str, list[Any]]]:
    return [as_lists(trace.events) for trace in inferences(config, words)]


START: dict[str, Any] = {"start": {"valid": 1}}
DONE: dict[str, Any] = {"done": {"valid": 1}}


def test_every_kind_of_event() -> None:
    words = [
        word(),  # before the inference: not cycle 0
        word(**START),
        word(layer={"valid": 1, "layer": 5}, broadcast={"valid": 1, "column": 99, "value": -4096}),
        word(
            pe={
                2: {"push": {"valid": 1, "start": 300, "count": 5, "value": -1}},
                0: {"push": {"valid": 1, "start": 511, "count": 1, "value": 4095}},
            }
        ),
        word(pe={1: {"pop": {"valid": 1}, "issue": {"valid": 1, "address": 510}}}),
        word(
            pe={
                0: {"commit": {"valid": 1, "row": 4, "value": -(1 << 52)}},
                1: {"commit": {"valid": 1, "row": 0, "value": (1 << 52) - 1}},
                2: {"commit": {"valid": 1, "row": 3, "value": -1}},
            }
        ),
        word(group={1: {"drain": {"valid": 1, "index": 8, "value": -7}}}),
        word(group={0: {"drain": {"valid": 1, "index": 7, "value": 7}}}, finish={"valid": 1}),
        word(output={"valid": 1, "position": 129, "value": -4095}),
        word(**DONE),
    ]
    assert decode(words) == [
        {
            "layer": [(1, 5, 0)],
            "broadcast": [(1, 99, -4096)],
            "push": [(2, 0, 511, 1, 4095), (2, 2, 300, 5, -1)],
            "pop": [(3, 1)],
            "issue": [(3, 1, 510)],
            "commit": [(4, 0, 4, -(1 << 52)), (4, 1, 0, (1 << 52) - 1), (4, 2, 3, -1)],
            "operation": [],
            "gate": [],
            "drain": [(5, 2, 4, -7), (6, 1, 3, 7)],
            "finish": [(6,)],
            "output": [(7, 129, -4095, 0)],
            "done": [(8,)],
        }
    ]


def test_fields_without_valid_are_no_events() -> None:
    noise = word(
        broadcast={"column": 3, "value": -1},
        pe=[{"commit": {"row": 1, "value": -1}, "push": {"start": 9}}] * 3,
        output={"position": 4},
    )
    (events,) = decode([word(**START) | noise, noise, noise, word(**DONE) | noise])
    assert events == {**{kind: [] for kind in FIELDS}, "done": [(3,)]}


def test_every_bit_offset() -> None:
    """Layouts of many widths, so that each field starts at every bit of a byte somewhere."""
    rng = np.random.default_rng(1)
    for acc_width in range(32, 53):
        config = CONFIG.replace(acc_width=acc_width, act_width=4 + acc_width % 17)
        limit = 1 << (acc_width - 1)
        values = [int(v) for v in rng.integers(-limit, limit, 3)]
        pes = [{"commit": {"valid": 1, "row": n, "value": v}} for n, v in enumerate(values)]
        (events,) = decode(
            [word(config, **START), word(config, pe=pes), word(config, **DONE)], config
        )
        assert events["commit"] == [(1, n, n, v) for n, v in enumerate(values)]


def test_inferences_are_cut_apart_and_the_last_incomplete_one_is_dropped() -> None:
    layer = word(layer={"valid": 1, "layer": 1})
    start, done = word(**START), word(**DONE)
    got = decode([start, layer, done, layer, start, layer, layer, done, start, layer])
    assert [one["layer"] for one in got] == [[(1, 1, 0)], [(1, 1, 0), (2, 1, 0)]]
    assert [one["done"] for one in got] == [[(2,)], [(3,)]]
    assert decode([]) == []


def test_assembled_words_have_the_layout() -> None:
    """The engine's side of the agreement: an expression is laid out as the tracer reads it."""
    layout = data.StructLayout({"a": 3, "b": data.ArrayLayout(data.StructLayout({"c": 5}), 2)})
    wide = Const(0b1_00100, 6)  # what does not fit is cut off, and shifts nothing else
    value = assemble(layout, {"b": [{"c": Const(0b10001, 5)}, {"c": wide}], "a": Const(0b101, 3)})
    assert len(value) == layout.size == 13
    assert Const.cast(value).value == 0b00100_10001_101
