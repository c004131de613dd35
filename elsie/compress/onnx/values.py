"""What a value of an ONNX graph is: a constant, something that only sizes decide, or the data.

The data is tracked as an affine map of the outputs of the last layer (or of the model's inputs):
each value is scale * (matrix @ outputs)[index] + offset. Whatever moves, scales or shifts values
changes the map, and the next layer takes the map in.
"""

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.model.grid import Grid

STEPS, BATCH, ONE, FEATURES = "steps", "batch", "1", "features"
"""Names of axes; ONE has size 1. The data may have several axes of features."""

TOGETHER = "*"
"""Between the names of samples and steps where one axis has both, the second running faster."""

Reals = NDArray[np.float64]
UNIT, NOTHING = np.array(1.0), np.array(0.0)
"""The scale and offset that change no value."""


@dataclass(frozen=True, eq=False)
class Sized:
    """An array that depends on sizes that the file leaves open: a shape, or a state of zeros.

    It was worked out with the importer's stand-ins for these sizes (Importer.open).
    """

    array: NDArray[Any]
    exact: bool = False
    """Each number is a size of the data, or a constant."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Affine:
    """Values as a map of the outputs of the stage before, scale * (matrix @ x)[index] + offset."""

    sizes: tuple[int, ...] | None
    """Of the axes of features, None where the file leaves the only one open."""
    matrix: Reals | None = None
    """Shape (rows, width of the stage); None is the unit matrix."""
    index: NDArray[np.int64] | None = None
    """Row of each value, shape (n,), features in order; None: each row once."""
    scale: Reals = field(default_factory=lambda: UNIT)
    """Shape (n,) or ()."""
    offset: Reals = field(default_factory=lambda: NOTHING)
    """Shape (n,) or ()."""
    node: NodeProto | None = None
    """The node that the layer is named after."""
    folds: bool = False
    """The matrix goes into the next layer's weights instead of becoming a layer."""

    @property
    def n(self) -> int | None:
        """Values, if known."""
        return None if self.sizes is None else prod(self.sizes)

    @property
    def plain(self) -> bool:
        """The values are the outputs of the stage before, unchanged."""
        return (
            self.matrix is None
            and self.index is None
            and not np.any(self.scale != 1)
            and not np.any(self.offset)
        )

    def tidy(self, width: int | None) -> Self:
        """Without an index that changes nothing."""
        if self.index is None or self.matrix is not None or width is None:
            return self
        return replace(self, index=None) if np.array_equal(self.index, np.arange(width)) else self

    def scaled(self, factor: Reals, plus: Reals, node: NodeProto) -> Self:
        """Times `factor`, plus `plus`; each of shape (n,) or ()."""
        scale, offset = self.scale * factor, self.offset * factor + plus
        return replace(self, scale=scale, offset=offset, node=self.node or node)

    def beside(self, old: int, new: int) -> Self:
        """The same values where the stage got `new` outputs behind its `old` ones."""
        if self.matrix is not None:
            return replace(self, matrix=np.pad(self.matrix, ((0, 0), (0, new))))
        return self if self.index is not None else replace(self, index=np.arange(old))

    def moved(self, index: NDArray[np.int64], sizes: tuple[int, ...]) -> Self:
        """Value `index[k]` becomes value k."""
        n = self.n or len(index)
        rows = index if self.index is None else self.index[index]
        if self.matrix is None and np.array_equal(rows, np.arange(n)) and len(rows) == n:
            rows = None if self.index is None else rows
        scale, offset = (v if np.ndim(v) == 0 else v[index] for v in (self.scale, self.offset))
        return replace(self, index=rows, sizes=sizes, scale=scale, offset=offset)

    def rows(self, width: int) -> tuple[Reals, Reals]:
        """Weight (n, width) and bias (n,) that give the values."""
        matrix = np.eye(width) if self.matrix is None else self.matrix
        matrix = matrix if self.index is None else matrix[self.index]
        scale, offset = (np.broadcast_to(v, len(matrix)) for v in (self.scale, self.offset))
        return matrix * scale[:, None], np.array(offset)

    def into(self, weight: Reals, width: int) -> tuple[Reals, Reals]:
        """Weight and bias of a layer on the stage before that does what `weight` does on this."""
        n = weight.shape[1]
        scale, offset = (np.broadcast_to(v, n) for v in (self.scale, self.offset))
        scaled = weight * scale
        if self.index is not None:
            spread = np.zeros((width if self.matrix is None else len(self.matrix), len(weight)))
            np.add.at(spread, self.index, scaled.T)
            scaled = spread.T
        return scaled if self.matrix is None else scaled @ self.matrix, weight @ offset


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """The data."""

    axes: tuple[str, ...]
    """Names of the axes in their order."""
    stage: int
    """Number of layers that it comes behind."""
    affine: Affine
    """Its values, from the outputs of that layer."""
    grids: tuple[Grid, ...] = ()
    """What rounds the outputs of that layer, as far as this value has seen it."""

    @property
    def stages(self) -> tuple[int, ...]:
        """Layers that it is computed of, 0 for the inputs."""
        return (self.stage,)

    def placed(self, place: NDArray[np.int64]) -> Self:
        """The same where input k of the model has become input `place[k]`."""
        if self.stage:
            return self
        affine, order = self.affine, np.argsort(place)
        if affine.matrix is not None:
            return replace(self, affine=replace(affine, matrix=affine.matrix[:, order]))
        index = place if affine.index is None else place[affine.index]
        return replace(self, affine=replace(affine, index=index))

    def shared(self, importer: Any, node: Any) -> "Data":
        """What it becomes where several nodes take it."""
        del importer, node
        return self

    @property
    def form(self) -> str:
        """What the values are if not themselves: a word before an operator's name, as "coded"."""
        return ""

    @property
    def why(self) -> str:
        """What they are and why few nodes take them: "integers, which ..."."""
        return ""

    def linear(self, importer: Any, node: Any) -> "Data | None":
        """Values of this form as outputs of a layer, for a node that takes only those.

        None where they are not.
        """
        del importer, node

    def real(self, **fields: Any) -> "Data":
        """The same as values themselves, with other `fields`."""
        own = {name: getattr(self, name) for name in Data.__dataclass_fields__}
        return Data(**own | fields)

    def sized(self, name: str) -> bool:
        """An axis of this name exists, alone or with another in one axis (see TOGETHER)."""
        return any(name in axis.split(TOGETHER) for axis in self.axes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Stack:
    """Outputs of several layers along a new axis, of which one can be taken."""

    parts: tuple[Data, ...]
    """Of the same axes."""
    axis: int
    """Of size 1 in each part."""
    why: str = "takes the states of several layers; only those of the last can be used: h_n[-1]"
    """Why it cannot be used whole, the end of a sentence."""


@dataclass(frozen=True)
class Unusable:
    """A value that no layer gives."""

    why: str
    """The end of a sentence that begins with the node that takes it."""
