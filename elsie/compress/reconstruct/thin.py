"""The model pruned in float, before any layer is quantised: efforts above `fast`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.prune.even import Owners
from elsie.compress.prune.layer import prune_layer
from elsie.compress.reconstruct.distil import ENOUGH, Teacher, distil
from elsie.compress.reconstruct.effort import effort_of
from elsie.compress.reconstruct.fit import fit
from elsie.compress.reconstruct.gradual import gradually
from elsie.compress.reconstruct.matrices import VIEWS, groups, kept, labels
from golden.config import EngineConfig

SEED = 2016
"""Of the samples that distillation draws; equal inputs give equal networks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """The model that is quantised, and taken as the reference of that."""

    model: Model
    """As given, or pruned in float already."""
    owners: Mapping[str, Owners]
    """By layer that is pruned already: the PEs that it was pruned for."""
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""

    def pruned(
        self,
        layer: FloatLayer,
        signal: Signal,
        config: EngineConfig,
        density: float | None,
        options: CompileOptions,
    ) -> tuple[FloatLayer, Owners]:
        """A layer of the model with the weights that are kept, and their PEs."""
        if layer.name in self.owners:
            return layer, self.owners[layer.name]
        return prune_layer(layer, signal, config, density, options)


def thin(
    model: Model,
    given: Signal,
    config: EngineConfig,
    chosen: Mapping[str, float | None],
    options: CompileOptions,
    say: Callable[[str], None],
    *,
    teacher: Model,
) -> Source:
    """Prune all layers for `options.effort`, or leave that to the quantiser.

    `teacher` is the model as given, before its structure was changed.
    """
    effort = effort_of(options.effort)
    if not effort.masks:
        return Source(model=model, owners={})
    samples = int(given.valid.reshape(len(given.valid), -1).any(axis=1).sum())
    say(f"reconstruct {len(model.layers)} layers on {samples} samples")
    layers, owners = _masked(model, given, config, chosen, options, largest=effort.largest)
    notes: tuple[str, ...] = ()
    smaller = teacher is not model or not _same(model.layers, layers)
    if effort.distil and smaller:
        random = np.random.default_rng(SEED)
        asked = Teacher.of(teacher, given)
        if effort.rounds and not _same(model.layers, layers):
            marks = [
                labels(layer, owners[layer.name], per=options.balanced) for layer in model.layers
            ]
            ends = model.layers, layers
            layers = gradually(asked, *ends, marks, effort, random, say, free=_free(options))
        say("distil")
        layers = distil(asked, layers, steps=effort.distil, random=random, say=say)
        if len(given.rows) < ENOUGH:
            what = "samples" if given.valid.ndim == 1 else "steps of sequences"
            notes = (
                f"distilled on {len(given.rows)} {what} to calibrate with; below {ENOUGH} a "
                f"network learns them by heart, so give more, or use effort fast",
            )
    return Source(model=replace(model, layers=tuple(layers)), owners=owners, notes=notes)


def _masked(
    model: Model,
    given: Signal,
    config: EngineConfig,
    chosen: Mapping[str, float | None],
    options: CompileOptions,
    *,
    largest: float,
) -> tuple[list[FloatLayer], dict[str, Owners]]:
    """Masks by ALPS, up to `largest` multiplications a step, and least squares, layer by layer."""
    layers: list[FloatLayer] = []
    owners: dict[str, Owners] = {}
    wanted, now = model.stages(given.values), model.stages(given.values)
    changed: set[int] = set()
    for number, layer in enumerate(model.layers, start=1):
        exact, signal = wanted.given(number), replace(given, values=now.given(number))
        pruned, owner = prune_layer(layer, signal, config, chosen[layer.name], options)
        owners[layer.name] = owner
        outputs = layer.forward(exact)
        wanted.put(number, outputs)
        if not changed.isdisjoint(model.taken(number)) or not _same([layer], [pruned]):
            if VIEWS[layer.kind].sources(layer):  # else nothing in it is trained
                labels = groups(layer, VIEWS[layer.kind], owner, per=options.balanced)
                few = float(len(labels)) * labels.shape[1] ** 2 <= largest
                pruned = fit(
                    layer,
                    pruned,
                    wanted=exact,
                    given=signal.values,
                    valid=given.valid,
                    groups=labels if few else None,
                ).layer
            changed.add(number)
            outputs = pruned.forward(signal.values)
        now.put(number, outputs)
        layers.append(pruned)
    return layers, owners


def _free(options: CompileOptions) -> bool:
    """One density is that of all layers together, unless each PE gets its share."""
    return options.balanced is None and isinstance(options.density, float | int)


def _same(before: Sequence[FloatLayer], after: Sequence[FloatLayer]) -> bool:
    """No weight was pruned."""
    pairs = zip(before, after, strict=True)
    return all(
        np.array_equal(kept(one, VIEWS[one.kind]), kept(other, VIEWS[one.kind]))
        for one, other in pairs
    )
