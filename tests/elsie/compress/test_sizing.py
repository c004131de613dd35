"""Memory sizes against a slow count in plain Python and against the encoder."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elsie.compress.place.rows import assign_rows
from elsie.compress.sizing import (
    choose_run_width,
    fit_accumulator,
    fit_shifts,
    size,
)
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format import csc
from golden.format.address_map import AddressMap
from golden.format.network import Layer, Network, locate
from golden.kinds import LayerKind, MacKind
from golden.proof import accumulator_bound


def config(pes: int, group: int = 4) -> EngineConfig:
    return EngineConfig(pes=pes, group=group, queue_depth=32, act_depth=1 << 16)


def layer_of(stored: np.ndarray, position: np.ndarray, **more: Any) -> Layer:
    """A layer with an entry wherever `stored` (n_out, n_in) is true."""
    row = np.nonzero(stored.T)[1]
    fields: dict[str, Any] = {
        "name": "fc",
        "n_in": stored.shape[1],
        "n_out": len(stored),
        "indptr": np.concatenate(([0], np.cumsum(stored.sum(axis=0)))),
        "rows": row,
        "codes": np.ones(len(row), dtype=np.int64),
        "codebook": np.zeros(0, dtype=np.int64),
        "bias": np.zeros(len(stored), dtype=np.int64),
        "shift": 3,
        "activation": "relu",
        "weight_frac": 3,
        "in_frac": 0,
        "out_frac": 0,
        "position": position,
    }
    return Layer(**{**fields, **more})


def placed(
    engine: EngineConfig, *shapes: tuple[int, int], density: float, seed: int = 1
) -> list[Layer]:
    random = np.random.default_rng(seed)
    layers = []
    for shape in shapes:
        stored = random.random(shape) < density
        layers.append(layer_of(stored, assign_rows(engine, stored)))
    return layers


def pattern(layer: Layer) -> np.ndarray:
    stored = np.zeros((layer.n_out, layer.n_in), dtype=bool)
    stored[layer.rows, layer.columns] = True
    return stored


def slow_count(engine: EngineConfig, layer: Layer, run_width: int) -> tuple[list, list]:
    """Weight and padding entries of every PE, one weight at a time."""
    pe, local = locate(engine, layer.position)
    stored = pattern(layer)
    entries, padding = [0] * engine.pes, [0] * engine.pes
    for column in range(layer.n_in):
        for number in range(engine.pes):
            rows = [int(local[j]) for j in range(len(pe)) if pe[j] == number and stored[j, column]]
            next_row = 0
            for row in sorted(rows):
                skipped = row - next_row
                while skipped >= 2**run_width - 1:
                    padding[number] += 1
                    skipped -= 2**run_width - 1
                entries[number] += 1
                next_row = row + 1
    return entries, padding


@given(
    st.integers(1, 40),
    st.integers(1, 6),
    st.integers(1, 9),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    st.integers(2, 7),
)
def test_counts(
    rows: int, columns: int, pes: int, group: int, density: float, run_width: int
) -> None:
    engine = config(pes, group).replace(run_width=run_width)
    (layer,) = placed(engine, (rows, columns), density=density)
    entries, padding = slow_count(engine, layer, run_width)
    total = np.add(entries, padding).tolist()
    assert AddressMap.of(engine, [layer]).entry_places([run_width]).tolist() == [total]
    pe, local = locate(engine, layer.position)
    row, column = layer.rows, layer.columns
    nonzeros = csc.Nonzeros(pe=pe[row], row=local[row], column=column, code=np.zeros(len(row), int))
    encoded = csc.encode(engine, nonzeros, columns=columns)
    assert encoded.per_pe.tolist() == total


@pytest.mark.parametrize("density", [0.01, 0.1, 0.6])
def test_run_width_has_the_fewest_bits(density: float) -> None:
    engine = config(4)
    layers = placed(engine, (200, 30), (90, 200), density=density)
    cost = {}
    for run_width in range(2, 7):
        counts = [slow_count(engine, layer, run_width) for layer in layers]
        total = np.sum([np.add(*count) for count in counts], axis=0)
        cost[run_width] = (total.max() * (4 + run_width), total.sum(), run_width)
    assert choose_run_width(AddressMap.of(engine, layers)) == min(cost.values())[2]


def spram(pes: int, **fields: Any) -> EngineConfig:
    """Entries of a 4-bit code and a run of up to 4 bits, two in a word."""
    return config(pes, 2).replace(run_width=2, entry_memory="spram", **fields)


@given(
    st.integers(1, 40),
    st.integers(1, 6),
    st.integers(1, 9),
    st.sampled_from([0.0, 0.05, 0.3, 1.0]),
)
def test_places_in_spram_are_whole_words(rows: int, columns: int, pes: int, density: float) -> None:
    engine = spram(pes)
    (layer,) = placed(engine, (rows, columns), density=density)
    expected = [[0] * pes for _ in range(3)]
    for nth, run_width in enumerate((2, 3, 4)):
        for column in range(columns):
            only = np.zeros((rows, columns), dtype=bool)
            only[:, column] = pattern(layer)[:, column]
            one = layer_of(only, layer.position)
            for pe, count in enumerate(np.add(*slow_count(engine, one, run_width))):
                expected[nth][pe] += int(count) + int(count) % 2
    assert AddressMap.of(engine, [layer]).entry_places((2, 3, 4)).tolist() == expected
    block = engine.replace(entry_memory="block", run_width=3)
    assert AddressMap.of(block, [layer]).entry_places([3]).tolist() == [
        np.add(*slow_count(block, layer, 3)).tolist()
    ]


@pytest.mark.parametrize("density", [0.01, 0.1, 0.6])
def test_run_width_in_spram_has_the_fewest_words(density: float) -> None:
    """Entries take 8 bits however narrow they are, so the least run of equal ones is taken."""
    engine = spram(4, code_width=3)
    layers = placed(engine, (200, 30), (90, 200), density=density)
    widths = range(2, 6)
    places = AddressMap.of(engine, layers).entry_places(widths)
    expected = min(zip(places.max(axis=1), places.sum(axis=1), widths, strict=True))[2]
    assert choose_run_width(AddressMap.of(engine, layers)) == expected
    sized = size(engine, layers)
    assert sized.run_width == expected
    assert places[expected - 2].max() <= sized.entry_depth


def test_a_code_that_leaves_no_room_for_a_run_is_refused() -> None:
    (layer,) = placed(engine := spram(2, code_width=6), (9, 9), density=0.5)
    assert choose_run_width(AddressMap.of(engine, [layer])) == 2
    with pytest.raises(ElsieError, match="code_width 7 and run_width 2 need 9; lower one of them"):
        spram(2, code_width=7)
    with pytest.raises(ElsieError, match="code_width 6 and run_width 3 need 9; lower one of them"):
        size(engine, [layer], run_width=3)


def test_widest_candidate_never_pads() -> None:
    engine = config(1)
    layer = placed(engine, (60, 5), density=0.02)[0]
    at_2, at_6 = AddressMap.of(engine, [layer]).entry_places([2, 6]).sum(axis=1)
    assert at_6 == layer.nnz < at_2


@pytest.mark.parametrize(
    ("pes", "group", "expected"),
    [
        # rows per PE 34 and 3; groups 1; inputs 65
        (4, 4, {"row_depth": 34, "act_depth": 256, "column_depth": 202, "bias_depth": 148}),
        # rows per PE 23 and 2; groups 3 of 2; inputs ceil(65 / 3) = 22
        (6, 2, {"row_depth": 23, "act_depth": 64, "column_depth": 204, "bias_depth": 50}),
        # more PEs than rows of the last layer; groups 10 of 2
        (20, 2, {"row_depth": 7, "act_depth": 16, "column_depth": 210, "bias_depth": 16}),
    ],
)
def test_depths(pes: int, group: int, expected: dict[str, int]) -> None:
    base = config(pes, group)
    layers = placed(base, (135, 65), (10, 135), density=0.1)
    sized = size(base, layers)
    assert {name: getattr(sized, name) for name in expected} == expected
    assert sized.layers == 2
    counts = [np.add(*slow_count(sized, layer, sized.run_width)) for layer in layers]
    largest = int(np.sum(counts, axis=0).max())
    assert largest <= sized.entry_depth < 2 * largest + 256


@pytest.mark.parametrize(
    ("entries", "depth"), [(0, 1), (1, 1), (3, 4), (129, 256), (256, 256), (257, 512), (700, 768)]
)
def test_entry_depth_rounding(entries: int, depth: int) -> None:
    stored = np.zeros((1, 1000), dtype=bool)
    stored[0, :entries] = True
    layer = layer_of(stored, np.array([0]))
    assert size(config(1, 1), [layer], run_width=3).entry_depth == depth


def test_entry_depth_in_spram() -> None:
    def needing(entries: int) -> Layer:
        """One PE and one row: every entry is a column, so a word of two."""
        return layer_of(np.ones((1, entries), bool), np.array([0]))

    engine = spram(1, group=1)
    assert size(engine, [needing(1)]).entry_depth == 2
    assert size(engine, [needing(8192)]).entry_depth == 16384
    text = (
        "the fullest PE has 16386 entries, but entry_memory spram holds 16384 for each; use more "
        "pes, or a lower density"
    )
    with pytest.raises(ElsieError, match=text):
        size(engine, [needing(8193)])


def test_shifts_are_just_those_of_the_layers() -> None:
    one = np.ones((1, 1), bool)
    layers = [layer_of(one, np.array([0]), shift=shift) for shift in (9, 5, 7)]
    fitted = fit_shifts(EngineConfig(), layers)
    assert (fitted.shift_low, fitted.shift_high) == (5, 9)
    given = EngineConfig(shift_low=2, shift_high=20)
    assert fit_shifts(given, layers) is given
    # A sigmoid shifts by one more, products of gates by 14 and 13.
    cells = layer_of(one, np.array([0]), shift=2, kind=LayerKind.GRU, n_back=1)
    fitted = fit_shifts(EngineConfig(), [cells])
    assert (fitted.shift_low, fitted.shift_high) == (2, 14)


def test_a_given_run_width_is_kept_and_checked() -> None:
    engine = config(4)
    layers = placed(engine, (9, 9), density=0.5)
    assert size(engine, layers, run_width=7).run_width == 7
    with pytest.raises(ElsieError, match="run_width must be an integer from 2 to 16, not 17"):
        size(engine, layers, run_width=17)


def network(weight: int, count: int, *, bias: int = 0, activation: str = "relu") -> Network:
    """Two layers of `count` equal weights into one row each."""
    engine = EngineConfig(
        mac=MacKind.FIXED, code_width=8, weight_width=8, act_width=8, acc_width=53, act_depth=1024
    )

    def layer(name: str, n_in: int) -> Layer:
        return layer_of(
            np.ones((1, n_in), bool),
            np.array([0]),
            name=name,
            codes=np.full(n_in, weight & 255),
            bias=np.array([bias]),
            activation=activation,
        )

    return Network(name="n", config=engine, layers=(layer("a", count), layer("b", 1)))


@given(st.integers(-128, 127), st.integers(1, 300), st.integers(-(2**30), 2**30))
def test_accumulator_is_the_least_that_cannot_overflow(weight: int, count: int, bias: int) -> None:
    net = network(weight, count, bias=bias)
    bound = accumulator_bound(net.layers[0], net, signed_input=True)
    assert bound == abs(weight) * count * 128 + abs(bias)
    chosen = fit_accumulator(net)
    assert bound < 1 << (chosen - 1)
    assert chosen == 16 or bound >= 1 << (chosen - 2)
    assert fit_accumulator(net, acc_width=chosen) == chosen
    assert fit_accumulator(net, acc_width=chosen + 1) == chosen + 1


def test_accumulator_refusals() -> None:
    net = network(-128, 300)
    with pytest.raises(
        ElsieError, match=r"layer a: its sums reach 4915200 .* have 23; raise acc_width to 24, or"
    ):
        fit_accumulator(net, acc_width=23)
    with pytest.raises(ElsieError, match=r"layer a: .* they have 53; lower act_width, weight_wi"):
        fit_accumulator(network(1, 1, bias=1 << 60))


def test_relu_halves_the_range_of_the_next_layer() -> None:
    """After a Relu, inputs reach 127, without one -128: the difference is one bit here."""
    assert fit_accumulator(network(-128, 1, bias=0x7F00)) == 17
    signed = network(1, 1, bias=(1 << 16) - 128, activation="identity")
    unsigned = network(1, 1, bias=(1 << 16) - 128)
    one, other = signed.layers[1], unsigned.layers[1]
    assert accumulator_bound(one, signed, signed_input=True) == 1 << 16
    assert accumulator_bound(other, unsigned, signed_input=False) == (1 << 16) - 1
