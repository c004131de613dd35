"""The networks that all peers run: S and L, integers from a seed, and their engines.

y = W2 . relu(sat(W1 . x >> s)): 8-bit weights and activations, no biases, no input zero. The
published figures come from other random weights; the counts are the same, and the seeds are the
first with which the second layers do the same work too.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elsie.compress.place.rows import assign_rows
from elsie.compress.sizing import fit_accumulator, fit_shifts, size
from golden.arithmetic.integers import round_half_even, saturate
from golden.config import EngineConfig, MacKind
from golden.format.layer import Layer, locate
from golden.format.network import Network

SIZES = {"S": (64, 32, 10), "L": (256, 128, 10)}
"""Layer widths, input first."""
SEEDS = {"S": 4, "L": 6}
"""S: 205 + 13 MACs. L: 3,277 + 63 MACs in 256 + 59 broadcasts."""
DENSITY = 0.1
_WIDEST = 53


@dataclass(frozen=True, kw_only=True, eq=False)
class Workload:
    """One network as plain integers."""

    name: str
    """'S' or 'L'."""
    density: float
    """Share of the weights that are not zero."""
    weights: tuple[NDArray[np.int64], ...]
    """Each layer's matrix, shape (n_out, n_in), -127..127."""
    shifts: tuple[int, ...]
    """Each layer's requantising shift."""
    x: NDArray[np.int64]
    """The input, no element zero, shape (n_in,)."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Layer widths, input first."""
        return (len(self.x), *(len(matrix) for matrix in self.weights))

    @property
    def nonzeros(self) -> int:
        """Weights that are not zero."""
        return sum(int(np.count_nonzero(matrix)) for matrix in self.weights)

    @property
    def weights_in_all(self) -> int:
        """MACs of an engine that skips nothing."""
        return sum(matrix.size for matrix in self.weights)

    def activations(self) -> list[NDArray[np.int64]]:
        """Input of each layer and the outputs, in plain integers."""
        values = [self.x]
        for number, (matrix, shift) in enumerate(zip(self.weights, self.shifts, strict=True)):
            out = _requantise(matrix @ values[-1], shift)
            last = number == len(self.weights) - 1
            values.append(out if last else np.maximum(out, 0))
        return values

    @property
    def macs(self) -> list[int]:
        """MACs of each layer with a non-zero weight and a non-zero activation."""
        pairs = zip(self.weights, self.activations(), strict=False)
        return [int(np.count_nonzero(matrix[:, values != 0])) for matrix, values in pairs]

    @property
    def broadcasts(self) -> int:
        """Non-zero inputs of all layers: the bound at one broadcast a cycle."""
        return sum(int(np.count_nonzero(values)) for values in self.activations()[:-1])


def workload(name: str, *, density: float = DENSITY, seed: int | None = None) -> Workload:
    """S or L at a density; `seed` None is the network's own."""
    rng = np.random.default_rng(SEEDS[name] if seed is None else seed)
    sizes = SIZES[name]
    matrices = [
        _matrix(rng, n_out=n_out, n_in=n_in, density=density)
        for n_in, n_out in itertools.pairwise(sizes)
    ]
    x = _nonzero(rng, sizes[0])
    shifts, values = [], x
    for matrix in matrices:
        sums = matrix @ values
        # The smallest shift with which the layer's largest sum fits.
        shift = max(0, int(np.abs(sums).max()).bit_length() - 7)
        values = np.maximum(_requantise(sums, shift), 0)
        shifts.append(shift)
    return Workload(name=name, density=density, weights=tuple(matrices), shifts=tuple(shifts), x=x)


_WIDE = EngineConfig(
    mac=MacKind.FIXED,
    code_width=8,
    weight_width=8,
    act_width=8,
    acc_width=_WIDEST,
    run_width=4,
    row_depth=1,
    act_depth=64,
)
ENGINES = {
    # Each PE drains its own rows, so that a layer of 8 rows a PE is drained in 9 cycles; a run
    # field of 4 bits never pads 8 rows; queues deep enough to keep up with a broadcast a cycle.
    16: _WIDE.replace(pes=16, group=1, queue_depth=16),
    # Queues of flip-flops: there is no LUT RAM. A run field of 5 bits would cost 4 block RAMs.
    4: _WIDE.replace(pes=4, group=2, queue_depth=6),
}
"""Engines by their number of PEs, 16 for ECP5 and 4 for iCE40; depths follow from the weights."""


def network(work: Workload, base: EngineConfig, *, dense: bool = False) -> Network:
    """The workload for an engine with the shape of `base`; memories as deep as it needs.

    dense: zeros are stored like any weight, as in an engine without sparsity.
    """
    layers, held = [], np.zeros(base.pes, dtype=np.int64)
    for number, matrix in enumerate(work.weights):
        stored = np.full(matrix.shape, True) if dense else matrix != 0
        position = assign_rows(base, stored, held=held)
        layers.append(_layer(work, number, stored, position))
        owner = locate(base, position)[0]
        held += np.bincount(owner, stored.sum(axis=1), base.pes).astype(np.int64)
    config = fit_shifts(size(base, layers, run_width=base.run_width), layers)
    wide = Network(name=work.name, config=config, layers=tuple(layers))
    return replace(wide, config=config.replace(acc_width=fit_accumulator(wide)))


def _layer(
    work: Workload, number: int, stored: NDArray[np.bool_], position: NDArray[np.int64]
) -> Layer:
    """One layer in the compressed network's terms."""
    matrix, shift = work.weights[number], work.shifts[number]
    return Layer.of_matrix(
        matrix & 0xFF,
        stored,
        name=f"layer{number + 1}",
        activation="identity" if number == len(work.weights) - 1 else "relu",
        weight_frac=shift,
        position=position,
    )


def _requantise(sums: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    """To 8 bits, as golden.arithmetic.layers does; golden's network is not needed here."""
    return saturate(round_half_even(sums, shift), 8)


def _matrix(
    rng: np.random.Generator, *, n_out: int, n_in: int, density: float
) -> NDArray[np.int64]:
    """A matrix with exactly round(density x size) non-zeros, anywhere."""
    flat = np.zeros(n_out * n_in, dtype=np.int64)
    count = round(density * flat.size)
    flat[rng.permutation(flat.size)[:count]] = _nonzero(rng, count)
    return flat.reshape(n_out, n_in)


def _nonzero(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Integers -127..127 except for 0."""
    return rng.integers(1, 128, count) * rng.choice([-1, 1], count)
