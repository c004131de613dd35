"""Sums are cleared after a reset, because memories survive one."""

from amaranth.hdl import Module, Signal, Value

from golden.config import EngineConfig


def clear_cycles(config: EngineConfig) -> int:
    """Cycles after a reset until an input may come.

    The last sums are zero a few cycles later, but before an entry reaches them.
    """
    pipeline = config.entry_stages + 2 * config.multiplier_stages + 4
    return config.sum_sets * config.row_depth + pipeline


def clearing(
    m: Module, config: EngineConfig, *, again: Value | None
) -> tuple[Signal, Signal, Signal]:
    """After a reset, and after `again`: wait until the pipeline is empty, then clear row after row.

    Returns that a row is cleared in all PEs, the row, and its set of sums.
    """
    quiet = config.entry_stages + config.multiplier_stages + 2
    wait = Signal(range(quiet + 1))
    started = Signal()
    wiping = Signal()
    row = Signal(config.row_width)
    number = Signal(range(max(2, config.sum_sets)))
    with m.If(~started):
        m.d.sync += wait.eq(wait + 1)
        with m.If(wait == quiet):
            m.d.sync += [started.eq(1), wiping.eq(1)]
    with m.If(wiping):
        m.d.sync += row.eq(row + 1)
        with m.If(row == config.row_depth - 1):
            m.d.sync += [row.eq(0), number.eq(number + 1)]
            m.d.sync += wiping.eq(number != config.sum_sets - 1)
    if again is not None:
        with m.If(again):
            m.d.sync += [wait.eq(0), started.eq(0), row.eq(0), number.eq(0)]
    return wiping, row, number
