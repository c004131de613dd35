"""From a module in training to an ONNX file with few weights, all of them an alphabet's."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from elsie.compress.train import masks
from elsie.compress.train.gradients import TEMPERATURE, cosine
from elsie.compress.train.trainer import sharing
from elsie.options import whole
from elsie.torch.export import export_onnx
from elsie.torch.plan import Density, Weights, alphabets, check_kept, densities
from elsie.torch.sites import find_scales, sites
from elsie.torch.track import Track, TrackReport
from golden.errors import ElsieError


def prepare(
    model: nn.Module,
    *,
    density: Density = None,
    weights: Weights = None,
    total_steps: int,
    teacher: nn.Module | None = None,
    calibration: ArrayLike | Tensor | None = None,
) -> "Session":
    """Prune and share the weights of a module while its own loop trains it.

    density: share of all weights that is kept, or of the named layers', or matrices'
    ("lstm.weight_hh_l0"); None keeps the module's own zeros. weights: as for `elsie.compile`,
    KIND[:BITS] and LAYER=KIND[:BITS],... or by name; layers that it leaves out, and all without it,
    stay in float. total_steps: of the optimiser; the last quarter is for the alphabet, all of them
    if nothing is pruned. teacher: a module for `Session.loss`. calibration: inputs as
    `elsie.compile` gets them; needed for LSTM and GRU layers with an alphabet, whose two matrices
    share a scale that depends on the inputs'.

    Takes nn.Linear, nn.LSTM, nn.GRU, nn.Conv1d and nn.Conv2d; the compiler takes no convolution
    yet. Raises ElsieError for what cannot be used.
    """
    found = sites(model)
    chosen, kept = alphabets(found, weights), densities(found, density)
    check_kept(found, kept, chosen)
    given = None if calibration is None else _tensor(calibration, model)
    pairs = zip(found, chosen, strict=True)
    shared = [site.name for site, alphabet in pairs if alphabet and site.cells]
    if shared:
        if given is None:
            raise ElsieError(
                f"layer {shared[0]}: its two matrices share a scale that depends on the inputs; "
                f"give prepare the calibration data"
            )
        find_scales(model, found, given)
    tracks = [Track(*each) for each in zip(found, kept, chosen, strict=True)]
    steps = whole(total_steps, "total_steps", least=1)
    return Session(model, tracks, steps=steps, teacher=teacher, example=given)


class Session:
    """What `prepare` returns: call `step()` after each step of the optimiser."""

    def __init__(
        self,
        model: nn.Module,
        tracks: list[Track],
        *,
        steps: int,
        teacher: nn.Module | None,
        example: Tensor | None,
    ) -> None:
        self._model, self._tracks, self._teacher = model, tracks, teacher
        thins = any(track.thins for track in tracks)
        self._sharing = 0
        if any(track.alphabet for track in tracks):
            self._sharing = sharing(steps, thins=thins)
        self._pruning, self._done = steps - self._sharing, 0
        self._example = example
        if not self._pruning:
            self._begin()

    @property
    def steps(self) -> tuple[int, int]:
        """Steps done, and all."""
        return self._done, self._pruning + self._sharing

    def step(self) -> None:
        """After `optimiser.step()`: masks, and the alphabet, act on the weights."""
        done, total = self.steps
        if done == total:
            raise ElsieError(
                f"the {total} steps that prepare was told of are done; finalize, or prepare with "
                f"more total_steps"
            )
        if done < self._pruning:
            due = masks.due(done, self._pruning)
            for track in self._tracks:
                if due and track.thins:
                    track.thin(done / self._pruning)
                else:
                    track.hold()
        else:
            for track in self._tracks:
                track.move(done - self._pruning, self._sharing)
        self._done += 1
        if self._sharing and self._done == self._pruning:
            self._begin()
        if self._done == total:
            for track in self._tracks:
                track.settle()

    def schedule(self, step: int) -> float:
        """A factor for the rate: a cosine for pruning, and one for the alphabet.

        For torch.optim.lr_scheduler.LambdaLR, stepped as often as the optimiser.
        """
        if step < self._pruning:
            return cosine(step, self._pruning)
        return cosine(min(step - self._pruning, self._sharing), self._sharing or 1)

    def loss(self, outputs: Tensor, inputs: Tensor, *, scores: bool | None = None) -> Tensor:
        """How far `outputs` are from the teacher's for the same inputs; add it to your own loss.

        scores: they are scores of classes (the last axis), and their softmax at temperature 4
        counts (Hinton et al., 2015); by default if there are several. Else squared error.
        """
        if self._teacher is None:
            raise ElsieError("there is no teacher to learn from; give prepare a teacher")
        with torch.no_grad():
            wanted = self._teacher.eval()(inputs)
        if not (outputs.shape[-1] > 1 if scores is None else scores):
            return nn.functional.mse_loss(outputs, wanted)
        soft = [(values / TEMPERATURE).log_softmax(dim=-1) for values in (outputs, wanted)]
        got, taught = (values.flatten(0, -2) for values in soft)
        divergence = nn.functional.kl_div(got, taught, reduction="batchmean", log_target=True)
        return TEMPERATURE**2 * divergence

    def report(self) -> list[TrackReport]:
        """Of each layer."""
        return [track.report() for track in self._tracks]

    def finalize(self, path: str | Path, *, example: Tensor | None = None) -> list[TrackReport]:
        """Write the ONNX file when all steps are done; returns the report.

        example: inputs, at least 2 samples; not needed if `prepare` has got calibration data.
        """
        done, total = self.steps
        if done < total:
            raise ElsieError(
                f"{done} of the {total} steps that prepare was told of are done; train on, or "
                f"prepare with fewer total_steps"
            )
        given = self._example if example is None else example
        if given is None:
            raise ElsieError(
                "PyTorch's exporter needs an example of the inputs; give finalize one, at least 2 "
                "samples, or give prepare calibration data"
            )
        export_onnx(self._model, given[:2], path)
        return self.report()

    def state_dict(self) -> dict[str, Any]:
        """All that the session knows; the module's and the optimiser's own are yours to save."""
        tracks = {track.site.name: track.state() for track in self._tracks}
        return {"done": self._done, "steps": self.steps[1], "layers": tracks}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a session of the same `prepare` was; load the module's own state before."""
        names = [track.site.name for track in self._tracks]
        if state["steps"] != self.steps[1] or list(state["layers"]) != names:
            raise ElsieError(
                "this state is of a session with other layers or total_steps; prepare as then"
            )
        self._done = state["done"]
        for track in self._tracks:
            track.restore(state["layers"][track.site.name])

    def _begin(self) -> None:
        for track in self._tracks:
            track.begin()


def _tensor(x: ArrayLike | Tensor, model: nn.Module) -> Tensor:
    """Inputs as the module takes them."""
    like = next(model.parameters())
    return torch.as_tensor(np.asarray(x) if not isinstance(x, Tensor) else x).to(like)
