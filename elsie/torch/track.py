"""One site on its way to its density and its alphabet."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elsie.compress.model.layer import Reals
from elsie.compress.quantise.quantise import quantise
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.train.alphabets import Training
from elsie.compress.train.masks import thinned
from elsie.compress.train.report import LayerWeights
from elsie.compress.train.trainer import training
from elsie.torch.plan import Alphabet
from elsie.torch.sites import Site


@dataclass(frozen=True, kw_only=True)
class TrackReport(LayerWeights):
    """A layer in training."""

    weights: str | None
    """Its alphabet."""
    exact: bool
    """The compiler leaves its weights as they are."""


class Track:
    """Moves a site's weights behind the optimiser's back.

    While weights are shared the module holds what the alphabet shows of them, and the optimiser's
    step from there is taken by the real weights (`latent`): gradients pass straight through.
    """

    def __init__(self, site: Site, densities: Sequence[float], alphabet: Alphabet | None) -> None:
        self.site, self.densities, self.alphabet = site, list(densities), alphabet
        self._latent: Reals | None = None
        self._shown: Reals | None = None
        self._way: Training | None = None
        self._set(site.read())

    @property
    def thins(self) -> bool:
        """Weights are pruned."""
        return any(density < 1 for density in self.densities)

    def thin(self, progress: float) -> None:
        """New masks, at `progress`, 0 to 1, of the pruning."""
        self.hold()
        pairs = zip(self.site.read(), self.densities, strict=True)
        matrices = [thinned(matrix, density, progress) for matrix, density in pairs]
        self._set(matrices)
        self.site.write(matrices)

    @torch.no_grad()
    def hold(self) -> None:
        """Put what is pruned back to 0: momentum moves it."""
        for tensor, mask in zip(self.site.tensors, self._masks, strict=True):
            tensor.mul_(mask.to(tensor.device))

    def begin(self) -> None:
        """From here on towards the alphabet, if there is one."""
        if self.alphabet is None:
            return
        matrices, kind = self.site.read(), QUANTISERS[self.alphabet.scheme.name]
        if not kind.training.chooses:  # of what is not pruned, the alphabet keeps what suits it
            pairs = zip(matrices, self.densities, strict=True)
            matrices = [m if density < 1 else kind.keep(m) for m, density in pairs]
            self._set(matrices)
        self._latent = self.site.join(matrices)
        self._way = self._training(self._latent)
        self._show(self._way.shown(self._latent))

    def move(self, step: int, steps: int) -> None:
        """After the optimiser's step number `step` of all for the alphabet."""
        self.hold()
        if self._way is None or self._latent is None or self._shown is None:
            return
        # An optimiser such as Adam scales every weight's gradient by its own, so that what weights
        # of one code share is its step, not the gradient.
        self._latent -= self._way.shared(self._shown - self.site.join(self.site.read()))
        self._way.after(self._latent, step, steps)
        self._show(self._way.shown(self._latent))

    def settle(self) -> None:
        """Round the alphabet's own values as the engine has them."""
        if self._latent is not None:
            self._show(self._rounded(self._latent))

    @property
    def exact(self) -> bool:
        """All weights are as the compiler will have them."""
        joined = self.site.join(self.site.read())
        return self.alphabet is not None and np.array_equal(self._rounded(joined), joined)

    def report(self) -> TrackReport:
        """What has come of the layer so far."""
        found = LayerWeights.of(self.site.name, self.site.join(self.site.read()))
        scheme = self.alphabet and str(self.alphabet.scheme)
        return TrackReport(**vars(found), weights=scheme, exact=self.exact)

    def state(self) -> dict[str, Any]:
        """Tensors, numbers, text and None only, so that torch.load takes it as safe."""
        way = None if self._way is None else _pack(self._way.state())
        real = {"latent": self._latent, "shown": self._shown}
        return {"masks": list(self._masks), "way": way, "back": self.site.back, **_pack(real)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from another track's state."""
        self._masks = [mask.clone() for mask in state["masks"]]
        self.site.back = state["back"]
        self._latent, self._shown = (_unpack(state[name]) for name in ("latent", "shown"))
        if state["way"] is not None and self._latent is not None:
            self._way = self._training(self._latent.copy())
            self._way.restore(_unpack(state["way"]))

    def _training(self, joined: Reals) -> Training:
        assert self.alphabet is not None
        return training(joined, self.alphabet.config, self.alphabet.scheme)

    def _rounded(self, joined: Reals) -> Reals:
        assert self.alphabet is not None
        return quantise(self.alphabet.config, joined, scheme=self.alphabet.scheme).values

    def _set(self, matrices: Sequence[Reals]) -> None:
        self._masks: list[Tensor] = [
            torch.from_numpy(matrix != 0).reshape(tensor.shape)
            for matrix, tensor in zip(matrices, self.site.tensors, strict=True)
        ]

    def _show(self, joined: Reals) -> None:
        """Write, and keep what the module's precision makes of it."""
        self.site.write(self.site.split(joined))
        self._shown = self.site.join(self.site.read())


def _pack(value: Any) -> Any:
    """Arrays as tensors of their own memory, in whatever lists and dicts."""
    if isinstance(value, np.ndarray | np.generic):
        return torch.from_numpy(np.array(value))
    return _each(value, _pack)


def _unpack(value: Any) -> Any:
    """Undo `_pack`."""
    return value.cpu().numpy().copy() if isinstance(value, Tensor) else _each(value, _unpack)


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: change(one) for name, one in value.items()}
    return [change(one) for one in value] if isinstance(value, list | tuple) else value
