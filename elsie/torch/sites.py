"""The weights of a module that are pruned and shared: one site is one layer of the compiler."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from elsie.compress.model.layer import Reals
from elsie.compress.quantise.calibrate import activation_frac
from golden.errors import ElsieError
from golden.kinds import CELL_WIDTH, GATE_FRAC

PLAIN = (nn.Linear, nn.Conv1d, nn.Conv2d)
CELLS = (nn.LSTM, nn.GRU)


@dataclass(kw_only=True, eq=False)
class Site:
    """Matrices that share an alphabet, side by side, as the compiler has them."""

    name: str
    """Of the module; of stacked cells with the layer's number behind it."""
    path: str
    """Of the module; its parameters' names are behind it."""
    module: nn.Module
    """Whose parameters they are."""
    parameters: tuple[str, ...]
    """Their names there: a layer's weight, or cells' for the inputs and for what is fed back."""
    back: int = 0
    """What is fed back is quantised as 2**back of itself (elsie.compress.kinds.gates)."""

    @property
    def tensors(self) -> list[Tensor]:
        """The parameters."""
        return [getattr(self.module, name) for name in self.parameters]

    @property
    def size(self) -> int:
        """Weights."""
        return sum(tensor.numel() for tensor in self.tensors)

    @property
    def cells(self) -> bool:
        """It is a layer of LSTM or GRU cells."""
        return isinstance(self.module, CELLS)

    def read(self) -> list[Reals]:
        """Each parameter as a matrix (rows, columns); of a convolution a row is a filter."""
        return [
            tensor.detach().cpu().double().reshape(len(tensor), -1).numpy().copy()
            for tensor in self.tensors
        ]

    @torch.no_grad()
    def write(self, matrices: Sequence[Reals]) -> None:
        """Set the parameters."""
        for tensor, matrix in zip(self.tensors, matrices, strict=True):
            tensor.copy_(torch.from_numpy(matrix).reshape(tensor.shape))

    def join(self, matrices: Sequence[Reals]) -> Reals:
        """Side by side, at the common scale."""
        first, *others = matrices
        return np.hstack([first, *(np.ldexp(matrix, self.back) for matrix in others)])

    def split(self, joined: Reals) -> list[Reals]:
        """Undo `join`."""
        width = self.tensors[0][0].numel()
        first, other = joined[:, :width], joined[:, width:]
        return [first, np.ldexp(other, -self.back)] if len(self.parameters) > 1 else [first]


def sites(model: nn.Module) -> list[Site]:
    """All layers of a model, in its own order. Raises ElsieError for those that cannot be."""
    found: list[Site] = []
    for path, module in model.named_modules():
        name = path or type(module).__name__.lower()
        if isinstance(module, PLAIN):
            found.append(Site(name=name, path=name, module=module, parameters=("weight",)))
        elif isinstance(module, CELLS):
            found += _cells(name, module)
    if not found:
        raise ElsieError(
            f"model {type(model).__name__} has no layer to prune: no Linear, LSTM, GRU, Conv1d or "
            f"Conv2d"
        )
    owners: dict[int, str] = {}
    for site in found:
        for tensor in site.tensors:
            if owners.setdefault(id(tensor), site.name) != site.name:
                raise ElsieError(
                    f"layers {owners[id(tensor)]} and {site.name} share their weights; give each "
                    f"its own"
                )
    return found


def _cells(name: str, module: nn.Module) -> list[Site]:
    if module.bidirectional or module.proj_size:
        what = "bidirectional" if module.bidirectional else "projected"
        raise ElsieError(f"layer {name}: it is {what}, which no engine takes; use a plain one")
    return [
        Site(
            name=name if module.num_layers == 1 else f"{name}.{nth}",
            path=name,
            module=module,
            parameters=(f"weight_ih_l{nth}", f"weight_hh_l{nth}"),
        )
        for nth in range(module.num_layers)
    ]


@torch.no_grad()
def find_scales(model: nn.Module, found: Sequence[Site], x: Tensor) -> None:
    """Set `back` of all cells for the scale that inputs have on calibration data `x`.

    It is the compiler's own choice for the model's inputs and for cells on cells; for cells behind
    other layers it is that of the float network's values, which may be a bit off.
    """
    seen: dict[int, tuple[Tensor, Tensor]] = {}
    modules = {id(site.module): site.module for site in found if site.cells}
    handles = [
        module.register_forward_hook(
            lambda module, given, made: seen.update({id(module): (given[0], made[0])})
        )
        for module in modules.values()
    ]
    training = model.training
    try:
        model.eval()(x)
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    outputs = [made for _, made in seen.values()]
    for site in found:
        if not site.cells or site.parameters[0] != "weight_ih_l0" or id(site.module) not in seen:
            continue  # cells on cells of one module: both have GATE_FRAC
        given = seen[id(site.module)][0]
        if any(torch.equal(given, made) for made in outputs if made.shape == given.shape):
            continue
        rows = given.cpu().double().reshape(-1, given.shape[-1]).numpy()
        site.back = activation_frac(rows, act_width=CELL_WIDTH) - GATE_FRAC
