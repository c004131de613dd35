"""The configuration: every range, every rule, and what the messages say."""

import dataclasses
import json
import re
from typing import Any

import pytest

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import ActCode, EntryMemory, MacKind, bits_for, tree_levels
from golden.limits import RANGES

SPRAM: dict[str, Any] = {"entry_memory": "spram", "run_width": 4}
CELLS: dict[str, Any] = {"act_width": 16, "acc_width": 40, "shift_low": 3, "shift_high": 30}


def refused(text: str, **fields: Any) -> None:
    with pytest.raises(ElsieError, match=re.escape(text)):
        EngineConfig(**fields)


def test_every_number_has_a_range() -> None:
    numbers = {field.name for field in dataclasses.fields(EngineConfig)} - {
        *("mac", "entry_memory", "act_code", "delta", "functions", "stages", "maps")
    }
    assert numbers == set(RANGES)


@pytest.mark.parametrize("name", RANGES)
def test_ranges(name: str) -> None:
    low, high = RANGES[name]
    text = f"engine configuration: {name} must be an integer from {low} to {high}, not "
    for value in (low - 1, high + 1, -1, 3.0, "3", None, True):
        refused(text + repr(value), **{name: value})


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("pes", {"queue_depth": 64}),
        ("group", {"act_depth": 2048}),
        ("run_width", {}),
        ("act_width", {"acc_width": 48}),
        ("input_terms", {"act_code": "log"}),
        ("weight_width", {"acc_width": 48}),
        ("entry_depth", {}),
        ("column_depth", {}),
        ("row_depth", {"act_depth": 1 << 18}),
        ("act_depth", {"row_depth": 1, "group": 1}),
        ("bias_depth", {}),
        ("shift_low", {"acc_width": 53}),
        ("shift_high", {}),
        ("layers", {}),
        ("entry_stages", {}),
        ("multiplier_stages", {}),
        ("broadcast_stages", {"queue_depth": 64}),
        ("cells", CELLS),
        ("state_frac", {**CELLS, "cells": 8}),
        ("streams", {**CELLS, "cells": 8, "act_lists": 128}),
        ("act_lists", {**CELLS, "cells": 8}),
    ],
)
def test_both_ends_of_a_range_are_legal(name: str, others: dict[str, int]) -> None:
    for value in RANGES[name]:
        fields: dict[str, Any] = {**others, name: value}
        assert getattr(EngineConfig(**fields), name) == value


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("code_width must be from 1 to 8 for a codebook, not 9", {"code_width": 9}),
        (
            "code_width (4) must equal weight_width (16) for fixed weights",
            {"mac": "fixed"},
        ),
        (
            "code_width must be from 2 to 5 for log weights (a sign and up to 4 bits of exponent), "
            "not 6",
            {"mac": "log", "code_width": 6},
        ),
        ("code_width must be 1 for ternary weights (a sign), not 4", {"mac": "ternary"}),
        (
            "acc_width must be at least 17, the width of one product, not 16",
            {"mac": "ternary", "code_width": 1, "acc_width": 16},
        ),
        ("acc_width must be at least 32, the width of one product, not 31", {"acc_width": 31}),
        (
            "acc_width must be at least 24, the width of one product, not 23",
            {"mac": "log", "acc_width": 23},
        ),
        (
            "act_depth must be at least row_depth x group = 64, the outputs of a group, not 63",
            {"act_depth": 63},
        ),
        (
            "queue_depth must be at least 3 for 4 PEs, not 2: 2 slots are for broadcasts already "
            "on their way when a queue reports that it is nearly full",
            {"queue_depth": 2},
        ),
        (
            "queue_depth must be at least 4 for 17 PEs, not 3: 3 slots are for broadcasts already "
            "on their way when a queue reports that it is nearly full",
            {"queue_depth": 3, "pes": 17},
        ),
        (
            "shift_low must be at most shift_high and acc_width - 1, 31, not 32",
            {"shift_low": 32},
        ),
        (
            "shift_low must be at most shift_high and acc_width - 1, 7, not 8",
            {"shift_low": 8, "shift_high": 7},
        ),
        ("entry_memory must be one of block, spram, not 'rom'", {"entry_memory": "rom"}),
        (
            "entry_memory spram holds entries of at most 8 bits, but code_width 4 and run_width 5 "
            "need 9; lower one of them",
            {"entry_memory": "spram"},
        ),
        (
            "group must be even with entry_memory spram, where two PEs share a memory, not 3",
            {**SPRAM, "group": 3, "act_depth": 96},
        ),
        (
            "entry_depth must be even and at most 16384 with entry_memory spram, not 511",
            {**SPRAM, "entry_depth": 511},
        ),
        (
            "entry_depth must be even and at most 16384 with entry_memory spram, not 16386",
            {**SPRAM, "entry_depth": 16386},
        ),
        ("act_code must be one of linear, log, log-sqrt2, not 'power'", {"act_code": "power"}),
        (
            "act_code must be linear with cells, not log: states, gates and the values",
            {**CELLS, "cells": 8, "act_code": "log"},
        ),
        (
            "act_code must be linear with functions, not log-sqrt2: states, gates",
            {"functions": True, "act_width": 16, "act_code": "log-sqrt2"},
        ),
        (
            "act_width 7 leaves 2 powers for act_code log-sqrt2, too few; raise it",
            {"act_width": 7, "act_code": "log-sqrt2"},
        ),
        (
            "input_terms is for coded activations; give act_code log or log-sqrt2",
            {"input_terms": 3},
        ),
        ("functions must be true or false, not 1", {"functions": 1}),
        (
            "act_width must be 16 with functions (sigmoid and tanh), not 15",
            {"functions": True, "act_width": 15},
        ),
        (
            "streams must be 1 with delta, not 2: sums last from step to step",
            {**CELLS, "cells": 8, "delta": True, "streams": 2, "act_lists": 4},
        ),
        (
            "act_lists must be at least 4 for 2 streams, not 3",
            {**CELLS, "cells": 8, "streams": 2, "act_lists": 3},
        ),
        (
            "with cells the shifts must go from below 14 to 14 or more, not from 14 to 30",
            {**CELLS, "cells": 8, "shift_low": 14},
        ),
        (
            "streams must be 1 with a FIFO in each group (stages), not 2",
            {**CELLS, "cells": 8, "streams": 2, "act_lists": 4, "stages": {"fifo": 16}},
        ),
        (
            "stages: fifo must be at least 7 for 2 groups and 1 broadcast stages, not 6: 6 slots",
            {"stages": {"fifo": 6}, "broadcast_stages": 1},
        ),
        (
            "stages: fifo must be at least 9 for 16 groups and 0 broadcast stages, not 8: 8 slots",
            {"stages": {"fifo": 8, "activations": 1}, "pes": 32},
        ),
        (
            "queue_depth must be at least 6 for 4 PEs, not 5: 5 slots are for broadcasts",
            {"stages": "elastic", "queue_depth": 5},
        ),
    ],
)
def test_rules_between_fields(text: str, fields: dict[str, Any]) -> None:
    refused(f"engine configuration: {text}", **fields)


def test_the_nearest_legal_values() -> None:
    EngineConfig(code_width=8)
    EngineConfig(mac=MacKind.FIXED, code_width=16)
    EngineConfig(mac=MacKind.LOG, code_width=5)
    EngineConfig(acc_width=32)
    EngineConfig(mac=MacKind.LOG, acc_width=24)
    EngineConfig(mac=MacKind.TERNARY, code_width=1, acc_width=17)
    EngineConfig(queue_depth=3)
    EngineConfig(queue_depth=4, pes=17)
    EngineConfig(act_depth=64)
    EngineConfig(shift_low=31)
    EngineConfig(shift_low=7, shift_high=7)
    EngineConfig(**SPRAM, entry_depth=16384)
    EngineConfig(**SPRAM, pes=1, group=1)
    EngineConfig(functions=True, act_width=16)
    EngineConfig(act_width=8, act_code=ActCode.LOG_SQRT2)
    EngineConfig(act_width=4, act_code=ActCode.LOG)
    EngineConfig(**CELLS, cells=8, streams=2, act_lists=4)
    EngineConfig(**{**CELLS, "shift_low": 13, "shift_high": 14}, cells=8)
    # With cells a row is a gate, so act_depth does not follow from row_depth.
    EngineConfig(**CELLS, cells=8, row_depth=64, act_depth=1)


def test_it_is_frozen_and_keyword_only() -> None:
    config: Any = EngineConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.pes = 3
    with pytest.raises(TypeError):
        EngineConfig(*[MacKind.LOG])  # pyright: ignore[reportCallIssue]
    with pytest.raises(ElsieError, match="pes"):
        EngineConfig().replace(pes=0)
    assert EngineConfig().replace(pes=9).pes == 9


def test_dictionaries_there_and_back() -> None:
    for config, kinds in (
        (EngineConfig(mac=MacKind.FIXED, code_width=8, weight_width=8), ("fixed", "block")),
        (EngineConfig(**SPRAM, pes=7), ("codebook", "spram")),
        (EngineConfig(act_code=ActCode.LOG, input_terms=3), ("codebook", "block", "log")),
    ):
        values = json.loads(json.dumps(config.to_dict()))
        names = ("mac", "entry_memory", "act_code")  # linear is not said
        assert tuple(values[name] for name in names if name in values) == kinds
        assert "stages" not in values
        assert EngineConfig.from_dict(values) == config
        assert type(EngineConfig.from_dict(values).entry_memory) is EntryMemory


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("queue_dept", "; did you mean 'queue_depth'?"),
        ("pess", "; did you mean 'pes'?"),
        ("zzzz", ""),
    ],
)
def test_unknown_fields_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(ElsieError) as caught:
        EngineConfig.from_dict({name: 3})
    assert str(caught.value) == f"engine configuration: no field {name!r}{hint}"


def test_an_unknown_kind_in_a_dictionary() -> None:
    with pytest.raises(
        ElsieError, match=r"engine configuration: mac must be one of .*, not 'magic'"
    ):
        EngineConfig.from_dict({"mac": "magic"})


def test_shape_of_the_last_group() -> None:
    config = EngineConfig(pes=10, group=4)
    assert (config.groups, config.slots) == (3, 12)
    assert [config.group_size(n) for n in range(3)] == [4, 4, 2]


def test_widths_hold_what_they_must() -> None:
    for depth in (1, 2, 3, 4, 5, 255, 256, 257):
        config = EngineConfig(entry_depth=depth, column_depth=depth, bias_depth=depth)
        for width, words in (
            (config.entry_address_width, depth),
            (config.start_width, depth),
            (config.column_width, 2 * depth),
        ):
            assert width == max(1, next(w for w in range(12) if 1 << w >= words))
    config = EngineConfig(row_depth=8, act_depth=33)
    assert (config.row_width, config.count_width, config.index_width) == (3, 4, 6)
    two = EngineConfig(**SPRAM, entry_depth=514)  # 257 words
    assert (two.entry_lanes, two.entry_address_width, two.start_width) == (2, 10, 9)


@pytest.mark.parametrize(
    ("low", "high", "acc_width", "top", "width"),
    [(0, 52, 32, 31, 5), (0, 52, 53, 52, 6), (8, 15, 32, 15, 3), (9, 9, 32, 9, 1)],
)
def test_shifts(low: int, high: int, acc_width: int, top: int, width: int) -> None:
    config = EngineConfig(shift_low=low, shift_high=high, acc_width=acc_width)
    assert (config.shift_top, config.shift_width) == (top, width)


@pytest.mark.parametrize(("pes", "margin"), [(1, 2), (16, 2), (17, 3), (64, 3), (65, 4), (1024, 4)])
def test_the_queues_margin(pes: int, margin: int) -> None:
    config = EngineConfig(pes=pes, group=1, broadcast_stages=4)
    assert (config.queue_margin, config.queue_threshold) == (margin, 8 - margin)


@pytest.mark.parametrize(("largest", "bits"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (255, 8)])
def test_bits_for(largest: int, bits: int) -> None:
    assert bits_for(largest) == bits


@pytest.mark.parametrize(("leaves", "levels"), [(1, 0), (2, 1), (4, 1), (5, 2), (16, 2), (17, 3)])
def test_tree_levels(leaves: int, levels: int) -> None:
    assert tree_levels(leaves, radix=4) == levels
    assert EngineConfig(pes=leaves, group=1, queue_depth=16).collector_levels == levels
