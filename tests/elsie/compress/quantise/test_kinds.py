"""What is asked for, layer by layer, and the engine that holds it."""

from typing import Any

import pytest

from elsie.compress.quantise.kinds import assign, engine_fields, holding, parse, with_weights
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.format.alphabets import ALPHABETS

LAYERS = ("a", "b", "c")


def shown(asked: Any, **more: Any) -> list[str]:
    return [str(one) for one in assign(asked, layers=LAYERS, **more).values()]


def test_one_for_all_and_single_layers() -> None:
    assert shown("log:3") == ["log:3"] * 3
    assert shown("codebook:4,b=ternary") == ["codebook:4", "ternary:1", "codebook:4"]
    assert shown(" b=ttq , log ") == ["log:4", "ttq:1", "log:4"]
    assert shown("b=binary") == ["codebook:4", "binary:1", "codebook:4"]
    assert shown({None: "log", "b": "binary"}) == ["log:4", "binary:1", "log:4"]
    assert shown({"b": Scheme(name="log", bits=2)}) == ["codebook:4", "log:2", "codebook:4"]


def test_names_of_layers_may_have_anything_but_commas() -> None:
    found = assign("x=1:0=log:3", layers=["x=1:0", "y"])
    assert [str(one) for one in found.values()] == ["log:3", "codebook:4"]


def test_bits_that_are_not_named() -> None:
    assert shown("codebook,b=binary", given={"code_width": 3}) == [
        *("codebook:3", "binary:1", "codebook:3")
    ]
    assert shown("fixed", usual={"fixed": 12}) == ["fixed:12"] * 3
    assert shown("fixed:6", usual={"fixed": 12}, given={"code_width": 7}) == ["fixed:6"] * 3
    assert shown("fixed", given={"weight_width": 9}) == ["fixed:9"] * 3
    assert shown("codebook,b=fixed", given={"weight_width": 9})[1] == "fixed:8"


@pytest.mark.parametrize("kind", MacKind)
def test_one_kind_for_all_has_its_own_engine(kind: MacKind) -> None:
    config = with_weights(EngineConfig(), kind)
    widths = ALPHABETS[kind].widths({})
    assert (config.mac, config.code_width) == (kind, widths["code_width"])
    assert config.weight_width == widths["weight_width"]
    assert with_weights(config, kind) is config


@pytest.mark.parametrize(
    ("weights", "width"),
    [
        *(("binary", 1), ("ttq", 1), ("twn", 1), ("codebook:3", 3), ("a=twn,ttq", 1)),
        *(("codebook:4,b=binary", 4), ("log:3,b=log:4", 4), ("codebook:2,b=fixed:6", 6)),
    ],
)
def test_the_smallest_codebook_that_holds_all(weights: str, width: int) -> None:
    config = with_weights(EngineConfig(), weights)
    assert (config.mac, config.code_width, config.weight_width) == (MacKind.CODEBOOK, width, 16)


def test_an_engine_that_holds_them_stays() -> None:
    schemes = assign("codebook:2,b=binary", layers=LAYERS).values()
    wide = EngineConfig(code_width=5, weight_width=12)
    assert holding(wide, schemes) is wide
    assert holding(EngineConfig(code_width=1), schemes).code_width == 2
    log = with_weights(EngineConfig(), "log")
    assert holding(log, schemes).mac is MacKind.CODEBOOK
    same = assign("log", layers=LAYERS).values()
    assert holding(log, same) is log


def test_large_powers_make_a_codebook_wider() -> None:
    """A power of two that is positive needs a bit more than the weights of 16 bits."""
    schemes = assign("log:5,b=binary", layers=LAYERS).values()
    base = EngineConfig().to_dict()
    assert engine_fields(schemes, {}, base)["weight_width"] == 17
    with pytest.raises(ElsieError, match=r"weight_width 12 is too narrow .* log:5 .* at least 17"):
        engine_fields(schemes, {"weight_width": 12}, base)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("nosuch", "no kind of weights 'nosuch'; there are codebook, fixed, .*, ttq, binary"),
        ("", "no kind of weights ''"),
        (
            "log:x",
            r"weights 'log:x': write KIND or KIND:BITS, such as log:4, with from 2 to 5 bits",
        ),
        ("log:9", "from 2 to 5 bits for log"),
        ("binary:2", "with 1 bit for binary"),
        ("log,fixed", r"write KIND\[:BITS\], LAYER=KIND\[:BITS\],... with each layer"),
        ("b=log,b=fixed", "once"),
        ("=log", "write"),
        ("b=", "no kind of weights ''"),
    ],
)
def test_what_cannot_be_read(asked: str, message: str) -> None:
    with pytest.raises(ElsieError, match=message):
        parse(asked)


def test_refusals() -> None:
    with pytest.raises(ElsieError, match="weights names layer 'd', but the model has a, b, c"):
        assign("log,d=fixed", layers=LAYERS)

    def refused(message: str, asked: str, **given: int) -> None:
        schemes = assign(asked, layers=LAYERS, given=given).values()
        with pytest.raises(ElsieError, match=message):
            engine_fields(schemes, given, EngineConfig().to_dict())

    refused("weights fixed:12: layers of different alphabets .* 256 values", "fixed:12,b=binary")
    refused(
        "code_width 2 cannot hold codebook:4 weights; use at least 4", "codebook:4", code_width=2
    )
    refused("code_width 3 is not that of log:4 weights; leave it out", "log:4", code_width=3)


def test_every_kind_is_in_the_documents() -> None:
    """Each has its row in the table of docs/compression.md."""
    from pathlib import Path

    text = (Path(__file__).parents[4] / "docs" / "compression.md").read_text()
    for name in QUANTISERS:
        assert f"\n| `{name}` |" in text, name
