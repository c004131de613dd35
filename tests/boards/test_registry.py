# amaranth: UnusedElaboratable=no
"""The table of boards, and what is written for the tools."""

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import pytest
from amaranth.hdl import Module

from boards import registry
from boards.families.registry import FAMILIES
from boards.platform_top import PlatformTop
from golden.errors import ElsieError
from tests.boards.tiny import Echo


def test_boards_are_what_their_platforms_say() -> None:
    for name, board in registry.BOARDS.items():
        platform: Any = board.platform()
        assert registry.find(name) is board
        assert platform.device == board.part
        assert abs(board.divisor() * 115_200 / board.clock_hz - 1) < 0.01


def test_refusals() -> None:
    with pytest.raises(ElsieError, match="no board 'arty'; there are icebreaker, hx8k"):
        registry.find("arty")
    board = registry.find("hx8k")
    with pytest.raises(ElsieError, match=r"baud cannot be made from .* MHz; choose"):
        board.divisor(board.clock_hz // 3)
    # Between two divisors, more than 1 % from each.
    with pytest.raises(ElsieError, match=r"baud cannot be made from"):
        board.divisor(round(board.clock_hz / 5.5))
    assert board.divisor(board.clock_hz // 5) == 5


def plan(board: registry.Board) -> dict[str, str]:
    """The files that a build would give to the tools."""
    top = PlatformTop(top=Echo(), board=board)
    made: Any = board.platform().build(top, name="elsie", do_build=False, emit_src=False)
    return made.files


def test_a_family_without_a_pll_runs_at_the_oscillators_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board = registry.find("ulx3s-85f")
    bare = dataclasses.replace(board.family, pll=None)
    monkeypatch.setitem(FAMILIES, "ecp5", bare)
    top: Any = PlatformTop(top=Echo(), board=board)
    with pytest.raises(ElsieError, match="clock_mhz must be the oscillator's 25"):
        top._clock(Module(), SimpleNamespace(default_clk_frequency=25e6))
    assert "EHXPLLL" not in plan(dataclasses.replace(board, clock_mhz=25.0))["elsie.il"]


PLL = {
    "icebreaker": "SB_PLL40_PAD",
    "hx8k": "SB_PLL40_CORE",
    "ulx3s-85f": "EHXPLLL",
    "orangecrab-85f": None,
}


@pytest.mark.parametrize("board", registry.BOARDS.values(), ids=lambda board: board.name)
def test_pins_clock_and_constraints(board: registry.Board) -> None:
    files = plan(board)
    pll, text = PLL[board.name], files["elsie.il"]
    for cell in ("SB_PLL40", "EHXPLLL"):
        assert (f"cell \\{cell}" in text) == bool(pll and pll.startswith(cell))
    constraints = files["elsie.pcf" if board.family.name == "ice40" else "elsie.lpf"]
    for pin in ("uart_0__rx__io", "uart_0__tx__io"):
        assert pin in constraints
    if pll is None:
        assert f"{float(board.clock_hz)} HZ" in constraints
    elif board.family.name == "ice40":
        assert f"cell \\{pll}" in text
        assert f"set_frequency clock.generated {board.clock_mhz}" in constraints
    else:
        assert f'FREQUENCY NET "clock.generated" {float(board.clock_hz)} HZ' in constraints
    tools = [command[0] for command in json.loads(files["build_elsie.json"])["commands"]]
    assert tools[:2] == ["yosys", f"nextpnr-{board.family.name}"]
