"""The table of operations: what it says of golden's programs, and what costs nothing."""

from golden.format.program import FIRST, OPERATIONS, PROGRAMS, Kind
from rtl.layouts import operation_layout
from rtl.operations.table import CARRIED, constants, kinds, number_width, rows
from tests.cells import cell_config
from tests.rtl.helpers import tiny_config


def test_without_cells_there_is_one_operation_and_it_costs_nothing() -> None:
    config = tiny_config()
    assert kinds(config) == (Kind.DENSE,)
    assert number_width(config) == 0
    (row,) = rows(config)
    assert constants(config) == row
    one = {name: row[name] for name in ("sums", "clear", "dense", "output", "last", "final")}
    assert set(one.values()) == {1}
    others = set(row) - set(one)
    assert not any(row[name] for name in others)
    assert [name for name, _ in operation_layout(config)] == ["valid", "slot", "row"]


def test_with_cells_only_what_never_changes_is_left_out() -> None:
    config = cell_config()
    found = rows(config)
    assert len(found) == len(OPERATIONS) <= 1 << number_width(config)
    fixed = constants(config)
    for name in found[0]:
        values = {row[name] for row in found}
        assert (values == {fixed[name]}) if name in fixed else (len(values) > 1), name
    carried = {name for name, _ in operation_layout(config)}
    assert carried == (
        {"valid", "slot", "row", "number", "cell"}
        | {"mask" if name == "old" else name for name in CARRIED if name not in fixed}
    )
    assert all(found[0][name] < 1 << bits for name, bits in CARRIED.items())


def test_passes_end_where_goldens_do() -> None:
    found = rows(cell_config())
    for kind, passes in PROGRAMS.items():
        number = FIRST[kind]
        for nth, ops in enumerate(passes):
            for n in range(len(ops)):
                row = found[number + n]
                assert row["first"] == number
                assert row["last"] == (n == len(ops) - 1)
                assert row["final"] == (nth == len(passes) - 1)
                assert row["dense"] == (kind is Kind.DENSE)
            number += len(ops)
