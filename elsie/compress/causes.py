"""Why a compressed network differs from the float one, for a warning that names a way out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from elsie.compress.inputs import Exponents, scale_signal
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from elsie.compress.quality import DROP, Held, accuracy_drop, is_low
from elsie.compress.quantise.calibrate import fake_quantise
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.reconstruct.effort import EFFORTS
from elsie.compress.report import Step
from elsie.compress.scores import has_classes
from golden.arithmetic.sequences import clipped
from golden.format.network import Network
from golden.kinds import ActCode
from golden.report import Quality

CLIPPED = 0.01
"""Share of inputs beyond the scale that deserves a word."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Compressed:
    """What is examined: a network beside the float model that it was made from."""

    network: Network
    """Compressed."""
    model: Model
    """As given, but for the scales of its inputs."""
    structured: Model
    """With the layers that were pruned: the same, unless neurons were dropped or layers split."""
    steps: Sequence[Step]
    """How it was compressed."""
    exponents: Exponents
    """Of the model's inputs."""
    effort: str
    """Work that went into it."""
    notes: Sequence[str]
    """What was done to the model, and why."""

    @property
    def act_width(self) -> int:
        """Bits of an activation."""
        return self.network.config.act_width

    def scaled(self, held: Held) -> Held:
        """Samples as given in the units of `model`."""
        return replace(held, signal=scale_signal(held.signal, self.exponents))

    def rounded(self, number: int, values: Reals) -> Reals:
        """Real inputs (0), or outputs of float layer `number` - 1, as the engine has them."""
        levels = self.network.levels[number]
        return fake_quantise(values, self.scale(number), act_width=self.act_width, levels=levels)

    def scale(self, number: int) -> int:
        """Fraction bits of the inputs (0), or of the outputs of float layer `number` - 1."""
        if number == 0:
            return self.network.layers[0].in_frac
        return self.steps[number - 1].quantised.layers[-1].out_frac


def warnings(
    made: Compressed,
    held: Held,
    quality: Quality,
    *,
    figures: Mapping[str, Mapping[str, float]],
    evaluated: Reals | None,
) -> list[str]:
    """Sentences, the most important first; none for a network that is as good as the float one.

    figures: of the evaluation data, empty without. evaluated: their inputs.
    """
    found = []
    drop = accuracy_drop(figures) if figures else 0.0
    if is_low(quality) or drop > DROP:
        lost = f"; {next(iter(figures))} falls by {drop:.1f} points" if drop > DROP else ""
        cause = _cause(made, held)
        found.append(
            f"the engine does not compute what the float network does ({quality}, on {held}"
            f"{lost}): {cause}"
        )
    if evaluated is not None and (share := clipped(made.network, evaluated)) > CLIPPED:
        found.append(
            f"{100 * share:.1f} % of the evaluation inputs are far outside the calibration "
            f"data's range and are clipped; calibrate with data of the same range"
        )
    return [*found, *_empty_layers(made), *_calibration(made.model, held)]


def _empty_layers(made: Compressed) -> list[str]:
    """Layers without a weight."""
    found, layers = [], iter(made.network.layers)
    for given, step in zip(made.structured.layers, made.steps, strict=True):
        stages = (given.parts(), step.pruned.parts())
        for part, pruned in zip(*stages, strict=True):
            layer = next(layers)
            if layer.nnz or layer.peepholes:
                continue
            if not part.kept.any():
                why = "all its weights are 0 in the model already"
            elif not pruned.kept.any():
                why = "all its weights were pruned; raise --density"
            else:
                why = "all its weights became 0 when they were quantised; use other --weights"
            found.append(f"layer {layer.name}: {why}; its outputs do not depend on its inputs")
    return found


def _calibration(model: Model, held: Held) -> list[str]:
    """Calibration data that can hardly be what the model was trained on."""
    rows = held.signal.rows
    if not rows.any():
        return [
            "the calibration data are all 0, so the scales mean nothing; give inputs as they "
            "come in use"
        ]
    data = held.data
    outputs = model.predict(data.x, data.lengths)
    if not has_classes(model) or outputs.ndim != 2 or not held.apart:
        return []
    classes = outputs.argmax(axis=1)
    if (classes == classes[0]).all():
        return [
            f"the float network gives class {classes[0]} for each of {held}; are these data "
            f"scaled as those that it was trained on?"
        ]
    return []


def _cause(made: Compressed, held: Held) -> str:
    """The layer and step that alone do most harm, and what helps."""
    model, data = made.structured, held.data
    pruned = replace(model, layers=tuple(step.pruned for step in made.steps))
    exact, base = (each.predict(data.x, data.lengths) for each in (model, pruned))
    effects: list[tuple[float, Callable[[], str]]] = []

    def add(changed: Reals, against: Reals, sentence: Callable[[], str]) -> None:
        effects.append((float(np.linalg.norm(changed - against)), sentence))

    add(exact, made.model.predict(data.x, data.lengths), partial(_structure, made))
    add(_rounded(made, pruned, held, 0), base, partial(_rounding, made, pruned, held, 0))
    for number, step in enumerate(made.steps):
        if _kept(step.pruned) < _kept(model.layers[number]):  # else only fitted to what it is given
            changed = _with(model, number, step.pruned).predict(data.x, data.lengths)
            add(changed, exact, partial(_pruning, made, step))
        changed = _with(pruned, number, step.quantised.shown).predict(data.x, data.lengths)
        add(changed, base, partial(_weights, made, step))
        place = number + 1
        rounded = _rounded(made, pruned, held, place)
        add(rounded, base, partial(_rounding, made, pruned, held, place))
    error, sentence = max(effects, key=lambda effect: effect[0])
    return sentence() if error else "its integer functions or states; report this"


def _kept(layer: FloatLayer) -> int:
    """Weights that are not 0."""
    return sum(int(part.kept.sum()) for part in layer.parts())


def _with(model: Model, number: int, layer: object) -> Model:
    """The model with one other layer."""
    layers: list = list(model.layers)
    layers[number] = layer
    return replace(model, layers=tuple(layers))


def _structure(made: Compressed) -> str:
    return (
        f"its layers are too small for it; {_work(made)}raise --neurons or --rank, or use 'elsie "
        f"train' with labels"
    )


def _pruning(made: Compressed, step: Step) -> str:
    kept = np.concatenate([m.reshape(-1) for part in step.pruned.parts() for m in part.matrices])
    return (
        f"layer {step.pruned.name} is pruned to {100 * np.mean(kept != 0):.1f} % of its weights; "
        f"{_work(made)}raise its density, or prune in steps and train between"
    )


def _work(made: Compressed) -> str:
    """Efforts that were not tried, as the start of an advice."""
    more = list(EFFORTS)[list(EFFORTS).index(made.effort) + 1 :]
    return f"use --effort {' or '.join(more)}, " if more else ""


def _weights(made: Compressed, step: Step) -> str:
    config = made.network.config
    scheme = step.pruned.scheme or Scheme.of(config)
    kind = f"{scheme.bits}-bit {scheme.name}"
    fixed = scheme.name == "fixed"
    other = "more --code-width" if fixed else "--weights fixed --code-width 12"
    return (
        f"layer {step.pruned.name} suffers most from {kind} weights; use {other}, or train for "
        f"such weights"
    )


def _rounded(made: Compressed, model: Model, held: Held, place: int) -> Reals:
    """The model's outputs where only the activations at one place are quantised."""

    def rounding(number: int, values: Reals) -> Reals:
        if number != place:
            return values
        return made.rounded(place, values)

    return model.predict(held.data.x, held.data.lengths, rounding=rounding)


def _rounding(made: Compressed, model: Model, held: Held, place: int) -> str:
    """Activations that are clipped, that become 0, or that are just too coarse."""
    seen: list[Reals] = []

    def keep(number: int, values: Reals) -> Reals:
        if number == place:
            seen.append(values)
        return values

    model.predict(held.data.x, held.data.lengths, rounding=keep)
    real = seen[0][held.signal.valid] if seen[0].ndim > 1 else seen[0]
    rounded = made.rounded(place, real)
    gone = int(np.sum((np.ptp(real, axis=0) > 0) & (np.ptp(rounded, axis=0) == 0)))
    limit = 2.0 ** (made.act_width - 1 - made.scale(place))
    cut = float(np.mean(np.abs(real) > 1.125 * limit))
    layer = made.steps[max(0, place - 1)].pruned.name
    what = f"inputs of layer {layer}" if place == 0 else f"outputs of layer {layer}"
    if cut > CLIPPED:
        return f"{100 * cut:.1f} % of the {what} are clipped; calibrate with data of the same range"
    wider = "normalise them" if made.act_width >= 16 else "use --act-width 16, or normalise them"
    if made.network.levels[place]:
        two = made.network.config.act_code is ActCode.LOG
        finer = "log-sqrt2 with --act-width 12, or linear" if two else "linear"
        return f"the {what} are rounded to powers; use --act-code {finer}"
    if gone:
        return f"{gone} of {real.shape[-1]} {what} no longer vary once quantised; {wider}"
    return f"the {what} have too few steps in {made.act_width} bits; {wider}"
