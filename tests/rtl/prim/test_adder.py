# amaranth: UnusedElaboratable=no
"""The adder that chooses: what it computes; and a proof that its ECP5 form computes the same."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]

from golden.errors import ElsieError
from rtl.prim.adder import SelectAdder
from tests.rtl.helpers import clocked, drive
from toolchain.programs import TOOLS


@pytest.mark.parametrize("width", [1, 2, 3, 8, 40, 53])
def test_corners_and_random_operands(width: int) -> None:
    limit = 1 << (width - 1)
    rng = np.random.default_rng(width)
    corners = sorted({-limit, -1, 0, min(1, limit - 1), limit - 1})
    operands = [*itertools.product(corners, repeat=3)]
    operands += [tuple(map(int, three)) for three in rng.integers(-limit, limit, (100, 3))]
    rows = [
        {"addend": addend, "base": base, "other": other, "select": select}
        for addend, base, other in operands
        for select in (0, 1)
    ]
    seen = drive(clocked(SelectAdder(width=width)), rows, ["sum"])
    expected = []
    for row in rows:
        total = row["addend"] + (row["other"] if row["select"] else row["base"])
        expected.append((total + limit) % (2 * limit) - limit)  # wraps
    assert [row["sum"] for row in seen] == expected


def prove(width: int, folder: Path, *, spoil: tuple[str, str] = ("", "")) -> None:
    """Yosys compares both forms for all operands; ElsieError if they are not equal.

    spoil: text to replace in the ECP5 form, and by what, for a proof that must fail.
    """
    for name, device in (("gold", ""), ("gate", "LFE5U-85F")):
        dut, platform = SelectAdder(width=width), SimpleNamespace(device=device)
        text = rtlil.convert(dut, name=name, platform=platform, emit_src=False)
        assert text.count("cell \\CCU2C") == (-(-width // 2) if name == "gate" else 0)
        if name == "gate" and spoil[0]:
            assert spoil[0] in text
            text = text.replace(*spoil)
        (folder / f"{name}.il").write_text(text)
    script = (
        "read_verilog +/ecp5/common_sim.vh +/ecp5/ccu2c_sim.vh; read_rtlil gate.il; "
        "hierarchy -top gate; proc; flatten; read_rtlil gold.il; proc; "
        "miter -equiv -make_outputs -flatten gold gate both; "
        "sat -verify -prove trigger 0 both"
    )
    TOOLS["yosys"].run(["-q", "-p", script], cwd=folder)


@pytest.mark.parametrize("width", [1, 2, 3, 9, 40])
def test_the_carry_chain_is_proved_equal(width: int, tmp_path: Path) -> None:
    prove(width, tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        ("connect \\B1 \\other [3]", "connect \\B1 \\base [3]"),
        ("connect \\CIN \\carry6", "connect \\CIN \\carry4"),
        ("parameter \\INIT0 16'0", "parameter \\INIT0 16'1"),
    ],
    ids=["operand", "carry", "table"],
)
def test_the_proof_fails_for_a_wrong_chain(spoil: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(ElsieError, match=r"(?s)yosys failed.*proof did fail"):
        prove(9, tmp_path, spoil=spoil)
