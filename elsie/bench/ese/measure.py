"""One layer on one engine: cycles per step, golden and RTL, and a row for each matrix."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elsie.bench.ese import problem
from elsie.bench.ese.layers import CLOCK_MHZ, LstmLayer
from golden.format.image import encode, entry_places
from golden.record import Record
from golden.timing.model import TimingModel
from golden.timing.trace import Trace

Ints = NDArray[np.int64]
STEPS = 3
"""Steps to run; the last one is measured. In the first, nothing is fed back yet."""


@dataclass(frozen=True, kw_only=True)
class MatrixRow(Record):
    """One matrix in one step."""

    matrix: str
    """Its name."""
    n_out: int
    n_in: int
    density: float
    nnz: int
    theoretical_cycles: float
    """If every PE did a useful multiplication in every cycle."""
    cycles: float
    """In which a PE reads its entries, padding too, as a mean."""
    theoretical_microseconds: float
    microseconds: float
    paper_theoretical_microseconds: float | None
    paper_microseconds: float | None


@dataclass(frozen=True, kw_only=True)
class Figures(Record):
    """One layer's step on one engine; what the RTL gives is None without it."""

    layer: str
    pes: int
    streams: int
    queue_depth: int
    mhz: int
    """ESE's clock, for microseconds."""
    pruning: str
    """How weights are spread over PEs."""
    steps: int
    """How many were run; the last is measured."""
    round_cycles: int
    """Of a step of all streams."""
    step_cycles: float
    """Of a step of one."""
    theoretical_cycles: float
    """If every PE did a useful multiplication in every cycle."""
    useful_utilisation: float
    rows: tuple[MatrixRow, ...]
    operation_cycles: float
    """Cycles of a step for the cells' operations."""
    waiting_cycles: float
    """And those in which a PE does nothing."""
    outputs_equal: bool | None
    trace_equal: bool | None
    first_difference: str | None
    round_cycles_rtl: int | None = None


def measure(
    layer: LstmLayer,
    *,
    pes: int,
    streams: int,
    queue: int,
    pruning: str,
    rtl: bool,
    seed: int,
) -> tuple[Figures, Trace]:
    """Its figures, and the trace of the measured step: the RTL's, or without it golden's."""
    config = problem.engine(layer, pes=pes, streams=streams, queue=queue)
    network = problem.network(layer, config, pruning=pruning, seed=seed)
    steps = problem.steps(layer, config, STEPS, seed=seed)
    model = TimingModel(encode(network))
    traces = [model.run(step.x, reset=step.reset)[0] for step in steps]
    trace = traces[-1]
    operations, issues = (
        len(trace.events[kind]) / streams / pes for kind in ("operation", "issue")
    )
    found = Figures(
        layer=layer.name,
        pes=pes,
        streams=streams,
        queue_depth=queue,
        mhz=CLOCK_MHZ,
        pruning=pruning,
        steps=STEPS,
        round_cycles=trace.cycles,
        step_cycles=trace.cycles / streams,
        theoretical_cycles=trace.macs / streams / pes,
        useful_utilisation=trace.useful_utilisation(pes),
        rows=_rows(layer, model, trace),
        operation_cycles=operations,
        waiting_cycles=trace.cycles / streams - operations - issues,
        outputs_equal=None,
        trace_equal=None,
        first_difference=None,
    )
    if rtl:
        from sim.check import simulate_steps  # Amaranth is slow to import

        done = simulate_steps(network, steps, compiled=True)
        trace = done.inferences[-1].trace
        found = replace(
            found,
            outputs_equal=all(one.outputs_equal for one in done.inferences),
            trace_equal=all(one.trace_equal for one in done.inferences),
            first_difference=done.first_difference(),
            round_cycles_rtl=trace.cycles,
        )
    return found, trace


def _rows(layer: LstmLayer, model: TimingModel, trace: Trace) -> tuple[MatrixRow, ...]:
    """A row for each matrix: cycles in which a PE reads its entries, padding too, as a mean."""
    config = model.config
    which = _matrix_of(model)
    issue = trace.events["issue"]
    spent = np.bincount(which[issue[:, 1], issue[:, 2]], minlength=9)
    matrices = [
        *((m, layer.cells, layer.n_in) for m in layer.inputs),
        *((m, layer.cells, layer.n_back) for m in layer.recurrent),
        *([(layer.projection, layer.n_back, layer.cells)] if layer.projection else []),
    ]
    rows = []
    for nth, (matrix, n_out, n_in) in enumerate(matrices):
        nnz = _nonzeros(model, nth)
        ideal, cycles = nnz / config.pes, int(spent[nth]) / config.pes / config.streams
        one = MatrixRow(
            matrix=matrix.name,
            n_out=n_out,
            n_in=n_in,
            density=matrix.density,
            nnz=nnz,
            theoretical_cycles=ideal,
            cycles=cycles,
            theoretical_microseconds=ideal / CLOCK_MHZ,
            microseconds=cycles / CLOCK_MHZ,
            paper_theoretical_microseconds=matrix.theoretical,
            paper_microseconds=matrix.real,
        )
        rows.append(one)
    return tuple(rows)


def _entries(model: TimingModel, number: int) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
    """PE, address and matrix (4 for inputs, 4 fed back, projection); whether it has a weight."""
    matrix = model.layers[number]
    pe, column, address = entry_places(matrix.count, matrix.start)
    if number:
        return pe, address, np.full(len(pe), 8), matrix.real
    back = column >= matrix.recurrent_base - matrix.column_base
    return pe, address, matrix.row % 4 + 4 * back, matrix.real


def _matrix_of(model: TimingModel) -> Ints:
    """Matrix of the entry at every address, shape (pes, entry_depth)."""
    found = np.zeros((model.config.pes, model.config.entry_depth), dtype=np.int64)
    for number in range(len(model.layers)):
        pe, address, which, _ = _entries(model, number)
        found[pe, address] = which
    return found


def _nonzeros(model: TimingModel, nth: int) -> int:
    """Non-zeros of matrix number `nth`."""
    _, _, which, real = _entries(model, 1 if nth == 8 else 0)
    return int(((which == nth) & real).sum())
