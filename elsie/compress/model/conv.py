"""A trained convolution in floating point, of one map or of several that are added."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.layer import FloatLayer, Part, Reals, check_finite
from elsie.compress.quantise.schemes import Scheme
from golden.errors import ElsieError
from golden.kinds import LayerKind


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvSource:
    """A map and the kernels that it is convolved with; outside of the map all is 0."""

    weight: Reals
    """Shape (channels out, channels in / groups, rows, columns); dilation is zeros in it."""
    shape: tuple[int, int, int]
    """Of the map: channels, rows, columns. In one dimension the steps are rows."""
    stride: tuple[int, int] = (1, 1)
    """Rows and columns from one output to the next."""
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Rows and columns outside: above, left, below, right."""
    groups: int = 1
    """1; or the channels in, where output channel o sees input channel o // (out / in) only."""
    fixed: bool = False
    """The graph gives its weights (identity, average), so that they are not pruned or trained."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        _, h, w = self.shape
        top, left, bottom, right = self.pads
        kh, kw = self.weight.shape[2:]
        return (
            (h + top + bottom - kh) // self.stride[0] + 1,
            (w + left + right - kw) // self.stride[1] + 1,
        )

    @property
    def mean(self) -> bool:
        """It averages each channel's whole map."""
        return (
            self.fixed
            and self.groups == self.shape[0]
            and self.weight.shape[2:] == self.shape[1:]
            and self.shape[1:] != (1, 1)
        )

    @property
    def mixing(self) -> bool:
        """Its weights may be pruned and moved: each output sees all channels, as trained."""
        return not self.fixed and self.groups == 1

    @property
    def matrix(self) -> Reals:
        """The kernels, shape (channels out, channels in / groups * rows * columns)."""
        return self.weight.reshape(len(self.weight), -1)

    @property
    def full(self) -> Reals:
        """The kernels on all channels in, zeros between groups: (out, in, rows, columns)."""
        return ungrouped(self.weight, self.groups)

    def patches(self, x: Reals, places: NDArray[np.int64]) -> Reals:
        """What the kernel sees at some places of its result, of maps (samples, *shape).

        places: row * columns + column of each. Gives (samples, places, channels in * rows *
        columns), in the order of `full`.
        """
        top, left, bottom, right = self.pads
        padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
        windows = sliding_window_view(padded, self.weight.shape[2:], axis=(2, 3))
        rows, columns = np.divmod(places, self.size[1])
        seen = windows[:, :, rows * self.stride[0], columns * self.stride[1]]
        return seen.swapaxes(1, 2).reshape(len(x), len(places), -1)

    def apply(self, x: Reals) -> Reals:
        """Sums (samples, channels out, rows, columns) of maps (samples, *shape)."""
        top, left, bottom, right = self.pads
        padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
        (h, w), (sy, sx) = self.size, self.stride
        sums = np.zeros((len(x), len(self.weight), h * w))
        for ky, kx in np.argwhere(self.weight.any(axis=(0, 1))).tolist():
            seen = padded[:, :, ky : ky + sy * (h - 1) + 1 : sy, kx : kx + sx * (w - 1) + 1 : sx]
            flat = seen.reshape(len(x), self.shape[0], h * w)
            kernel = self.weight[:, :, ky, kx]
            if self.groups == 1:
                sums += kernel @ flat
            else:
                sums += kernel * np.repeat(flat, len(kernel) // self.groups, axis=1)
        return sums.reshape(len(x), -1, h, w)


def ungrouped(kernel: Reals, groups: int) -> Reals:
    """A kernel (out, in / groups, rows, columns) with the zeros between its groups."""
    if groups == 1:
        return kernel
    out, each = kernel.shape[:2]
    found = np.zeros((out, each * groups, *kernel.shape[2:]))
    for group in range(groups):
        rows = slice(group * out // groups, (group + 1) * out // groups)
        found[rows, group * each : (group + 1) * each] = kernel[rows]
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatConv(FloatLayer):
    """One layer on maps: y = pool(min(act(sum of convolutions + bias), limit)).

    Inputs are the maps of all sources side by side, outputs one map; each map is flat, in the order
    channel, row, column. Raises ElsieError naming the layer when shapes do not fit.
    """

    name: str
    """Name for messages, unique in a model."""
    sources: tuple[ConvSource, ...]
    """At least one; all give the same number of channels, rows and columns."""
    bias: Reals
    """Shape (channels out,)."""
    activation: str
    """A key of elsie.compress.model.functions.FUNCTIONS."""
    limit: float | None = None
    """Outputs are at most this, as behind Clip(0, 6); None for any."""
    pool: tuple[int, int] = (1, 1)
    """Rows and columns of which the largest output is taken; what is left over at the end is
    left out."""
    scheme: Scheme | None = None
    """The alphabet that its weights shall have; None for the engine's own."""
    kind: LayerKind = field(default=LayerKind.CONV, init=False)
    """Convolution."""

    def __post_init__(self) -> None:
        """Check shapes and values."""
        if not self.sources:
            raise ElsieError(f"layer {self.name}: it has no source")
        first = self.sources[0]
        for source in self.sources:
            self._check(source)
            same = len(source.weight) == len(first.weight) and source.size == first.size
            if not same or min(source.size) < 1:
                raise ElsieError(
                    f"layer {self.name}: its sources give maps of {len(first.weight)} x "
                    f"{first.size} and {len(source.weight)} x {source.size}; they must be the same "
                    f"and not empty"
                )
        if self.bias.shape != (len(first.weight),):
            raise ElsieError(
                f"layer {self.name}: the bias must have shape ({len(first.weight)},), not "
                f"{self.bias.shape}"
            )
        if self.activation not in FUNCTIONS:
            raise ElsieError(
                f"layer {self.name}: activation must be one of {', '.join(FUNCTIONS)}, "
                f"not {self.activation!r}"
            )
        if self.limit is not None and not 0 < self.limit < np.inf:
            raise ElsieError(f"layer {self.name}: limit must be above 0, not {self.limit}")
        if min(self.pool) < 1 or self.pool[0] > first.size[0] or self.pool[1] > first.size[1]:
            raise ElsieError(
                f"layer {self.name}: a pool of {self.pool} does not fit a map of {first.size}"
            )
        check_finite(self.name, "bias", self.bias)

    def _check(self, source: ConvSource) -> None:
        """Refuse a source that is wrong in itself."""
        channels, weight = source.shape[0], source.weight
        if weight.ndim != 4 or not weight.size or source.groups not in (1, channels):
            raise ElsieError(
                f"layer {self.name}: a weight must have four axes and 1 group or one for each "
                f"channel, not shape {weight.shape} and {source.groups} groups"
            )
        if weight.shape[1] * source.groups != channels or len(weight) % source.groups:
            raise ElsieError(
                f"layer {self.name}: a weight of shape {weight.shape} in {source.groups} groups "
                f"does not fit {channels} channels"
            )
        if min(source.stride) < 1 or min(source.pads) < 0:
            raise ElsieError(f"layer {self.name}: strides must be above 0, and pads at least 0")
        check_finite(self.name, "weight", weight)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the outputs: channels, rows, columns."""
        h, w = self.sources[0].size
        return len(self.bias), h // self.pool[0], w // self.pool[1]

    @property
    def n_in(self) -> int:
        """Values of all sources' maps."""
        return sum(prod(source.shape) for source in self.sources)

    @property
    def n_out(self) -> int:
        """Values of the output map."""
        return prod(self.shape)

    @property
    def mixing(self) -> tuple[ConvSource, ...]:
        """Sources whose weights may be pruned and moved. Depthwise ones are few, and all needed."""
        return tuple(source for source in self.sources if source.mixing)

    def parameters(self) -> list[Reals]:
        """Trained weights, and the bias."""
        return [*(source.weight for source in self.sources if not source.fixed), self.bias]

    def parts(self) -> tuple[Part, ...]:
        """The kernels that may be pruned as matrices with a row for each channel out."""
        matrices = tuple(source.matrix[None] for source in self.mixing)
        nothing = (np.zeros((1, len(self.bias), 0)),)
        return (Part(name=self.name, matrices=matrices or nothing, by_row=True),)

    def with_parts(self, parts: tuple[Part, ...]) -> Self:
        """The same layer with other kernels."""
        given = iter(parts[0].matrices)
        sources = tuple(
            replace(source, weight=next(given)[0].reshape(source.weight.shape))
            if source.mixing
            else source
            for source in self.sources
        )
        return replace(self, sources=sources)

    def maps(self, x: Reals) -> list[Reals]:
        """The map of each source, (samples, channels, rows, columns), of inputs (..., n_in)."""
        ends = np.cumsum([prod(source.shape) for source in self.sources])[:-1]
        flat = np.split(x.reshape(-1, self.n_in), ends, axis=1)
        return [
            part.reshape(-1, *source.shape) for part, source in zip(flat, self.sources, strict=True)
        ]

    def forward(self, x: Reals) -> Reals:
        """Outputs (..., n_out) for inputs (..., n_in)."""
        pairs = zip(self.sources, self.maps(x), strict=True)
        sums = _sum([source.apply(part) for source, part in pairs])
        found = FUNCTIONS[self.activation](sums + self.bias[:, None, None])
        if self.limit is not None:
            found = np.minimum(found, self.limit)
        return self._pooled(found).reshape(*x.shape[:-1], self.n_out)

    def _pooled(self, found: Reals) -> Reals:
        """The largest of each window."""
        (ph, pw), (_, h, w) = self.pool, self.shape
        windows = found[:, :, : h * ph, : w * pw].reshape(len(found), -1, h, ph, w, pw)
        return windows.max(axis=(3, 5))


def _sum(parts: Sequence[Reals]) -> Reals:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
