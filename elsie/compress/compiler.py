"""From a trained model to a compressed network: every step in order (docs/compression.md)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elsie.compress import report, sizing
from elsie.compress.causes import Compressed, warnings
from elsie.compress.checks import (
    WIDEST,
    check_evaluation,
    check_maps,
    check_samples,
    check_scale,
    check_steps,
    engine_options,
    kind_of_targets,
    valid_steps,
)
from elsie.compress.delta import check_delta, with_thresholds
from elsie.compress.inputs import (
    exponents_of,
    scale_inputs,
    scale_model,
    scale_signal,
)
from elsie.compress.kinds.clip import saturating
from elsie.compress.kinds.conv import with_kernels
from elsie.compress.kinds.registry import engine_needs
from elsie.compress.kinds.step import Signal
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.place.layers import place_layers
from elsie.compress.place.rows import STRATEGIES
from elsie.compress.prune.balanced import check_balanced
from elsie.compress.prune.prune import densities
from elsie.compress.quality import Held, check_drop, check_max_drop, hold_out, measure
from elsie.compress.reconstruct.effort import effort_of
from elsie.compress.reconstruct.exact import grid_notes
from elsie.compress.reconstruct.thin import thin
from elsie.compress.reconstruct.threads import one_thread
from elsie.compress.reconstruct.walk import quantise_model
from elsie.compress.schemes import check_kept, kinds_of, with_schemes
from elsie.compress.structure.change import changes, restructure
from elsie.compress.structure.plan import Plan
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network
from golden.presets import check_answers, check_fits
from golden.report import Report


@one_thread
def compile_model(
    model: Model,
    calibration: ArrayLike,
    *,
    config: EngineConfig,
    options: CompileOptions | None = None,
    lengths: ArrayLike | None = None,
    evaluate: Evaluation | None = None,
    progress: Callable[[str], None] | None = None,
) -> Network:
    """Prune, quantise, calibrate, assign rows and size; `Network.info` has the report.

    `calibration` holds real inputs (samples, n_in), or for a recurrent model (samples, steps,
    n_in), of which `lengths` (samples,) steps count. `config` gives the kind of weights, the shape
    and the widths; depths, run and accumulator widths, and the range of shifts, are set from the
    network unless given. `evaluate` adds accuracies in percent. `progress` is called with each
    step. A part of the samples is held out, and the result is compared with the float network on
    them: `quality` and `warnings` of the report. Where samples are few, the network is then made
    again from all of them, and `quality` stays that of the first, which had not seen them.

    Raises ElsieError for data that do not suit the model, for an option out of range, and for a
    network that does not fit the accumulators or the board, or loses more than options.max_drop.
    """
    say, options = progress or (lambda _: None), options or CompileOptions()
    check_maps(model, _asked(config, options))
    plan = Plan.of(model, neurons=options.neurons, rank=options.rank)
    every, chosen = _check(model, plan, calibration, lengths, options, evaluate)
    if evaluate is not None:
        model = replace(model, outputs=kind_of_targets(model, evaluate))
    axes = model.input_axes
    model, every, evaluate = _in_order(model, every, evaluate, config)
    model, config = with_schemes(model, config, options.weights)
    check_kept(model, plan, chosen)
    room = widest(model, config, delta=options.delta is not None)
    given, held = hold_out(every, options.fold or 0)
    work = _Work(model=model, plan=plan, room=room, chosen=chosen)
    again = options.fold is None and effort_of(options.effort).repair and held.dear
    if again:
        say("fit to three quarters of the samples, to measure on the others")
        first = work(given, replace(options, strategy="lpt", preset=None), lambda _: None)
    else:
        first = work(given, options, say)
    say("compare with the float network")
    quality = measure(first.network, first.model, first.scaled(held))
    made = first
    if again:
        quality, made = replace(quality, refitted=True), work(every, options, say)
    told = report.begun(made.network, made.model, made.steps, options, quality)
    structure = changes(plan, made.model, made.structured)
    told = replace(told, notes=tuple(made.notes), structure=structure)
    if options.fold is None:
        told = _judged(told, made, made.scaled(held), evaluate, options)
    in_frac, exponents = made.network.layers[0].in_frac, made.exponents
    input_frac = tuple(int(e) + in_frac for e in exponents) if exponents.any() else ()
    return replace(made.network, report=told, input_frac=input_frac, input_axes=axes)


def _asked(config: EngineConfig, options: CompileOptions) -> dict[str, Any]:
    """What there is not together with convolution, as far as it is asked for."""
    return {
        **engine_options(config.to_dict()),
        "delta": options.delta,
        "neurons": options.neurons,
        "rank": options.rank,
        "balanced": options.balanced,
        "effort": options.effort if effort_of(options.effort).distil else None,
    }


def _in_order(
    model: Model, given: Signal, evaluate: Evaluation | None, config: EngineConfig
) -> tuple[Model, Signal, Evaluation | None]:
    """The model for inputs in the order of its layers, and such data; its layers as on maps."""
    if not model.maps:
        return model, given, evaluate
    if evaluate is not None:
        x = check_samples(model, evaluate.x, what="evaluation data")
        evaluate = replace(evaluate, x=model.ordered(x))
    given = replace(given, values=model.ordered(given.values))
    model = with_kernels(replace(model, order=None))
    return saturating(model, given, config.act_width), given, evaluate


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """All steps but the comparison with the float network."""

    model: Model
    plan: Plan
    room: EngineConfig
    chosen: Mapping[str, float | None]

    def __call__(
        self, given: Signal, options: CompileOptions, say: Callable[[str], None]
    ) -> Compressed:
        """With scales, masks and weights chosen from `given`."""
        exponents = exponents_of(self.model, given, self.room, delta=options.delta is not None)
        # From here on all is in units in which one scale fits all inputs.
        asked, given = scale_model(self.model, exponents), scale_signal(given, exponents)
        model = restructure(self.plan, asked, given, say)
        source = thin(model, given, self.room, self.chosen, options, say, teacher=asked)
        kinds = kinds_of(model, self.room)
        say(f"prune, quantise ({kinds}) and calibrate {len(model.layers)} layers")
        room, steps = quantise_model(source, given, self.room, self.chosen, options)
        say(f"assign rows to {room.pes} PEs ({options.strategy})")
        layers = place_layers(room, steps, options.strategy, model.input_shape)
        say("size the engine")
        network = _size(model, room, layers, options)
        return Compressed(
            network=network,
            model=asked,
            structured=model,
            steps=steps,
            exponents=exponents,
            effort=options.effort,
            notes=[*model.notes, *source.notes, *grid_notes(model, steps, room, self.chosen)],
        )


def _judged(
    told: Report,
    made: Compressed,
    held: Held,
    evaluate: Evaluation | None,
    options: CompileOptions,
) -> Report:
    """With warnings and figures of the evaluation data; raises CheckFailed beyond max_drop."""
    x = None
    if evaluate is None:
        told = replace(told, outputs=made.model.outputs)
    else:
        evaluate = replace(evaluate, x=scale_inputs(evaluate.x, made.exponents))
        models = {"model": made.model, "structured": made.structured}
        score, figures = report.accuracies(made.network, **models, steps=made.steps, data=evaluate)
        notes = (*told.notes, score.note) if score.note else told.notes
        told, x = replace(told, figures=figures, notes=notes), np.asarray(evaluate.x)
    why = warnings(made, held, told.quality, figures=told.figures, evaluated=x)
    check_drop(made.network, told.quality, told.figures, most=options.max_drop, why=why)
    return replace(told, warnings=tuple(why))


def _check(
    model: Model,
    plan: Plan,
    calibration: ArrayLike,
    lengths: ArrayLike | None,
    options: CompileOptions,
    evaluate: Evaluation | None,
) -> tuple[Signal, dict[str, float | None]]:
    """The calibration data, without a scale yet, and the density of every layer."""
    samples = check_samples(model, calibration, what="calibration data")
    check_scale(model, samples)
    check_steps(model, {"lengths": lengths, "delta": options.delta})
    check_delta(options.delta)
    check_max_drop(options.max_drop)
    if evaluate is not None:
        check_evaluation(model, evaluate)
    if options.strategy not in STRATEGIES:
        raise ElsieError(
            f"no row assignment {options.strategy!r}; there are {', '.join(STRATEGIES)}"
        )
    effort_of(options.effort)
    chosen = densities(model, options.density, plan.names(model))
    check_balanced(options.balanced, chosen)
    return Signal(values=samples, valid=valid_steps(model, samples, lengths), frac=0), chosen


def widest(model: Model, config: EngineConfig, *, delta: bool) -> EngineConfig:
    """`config` with what the model's kinds of layers need, and the widest accumulators."""
    needs = engine_needs(model, act_width=config.act_width)
    if needs:
        needs["act_lists"] = 2 * config.streams
    return config.replace(acc_width=WIDEST, delta=delta, **needs)


def _size(
    model: Model, room: EngineConfig, layers: Sequence[Layer], options: CompileOptions
) -> Network:
    """The network, for an engine with exactly the depths and widths that it needs."""
    shape = model.input_shape
    config = sizing.size(room, layers, run_width=options.run_width, shape=shape)
    wide = Network(
        name=model.name,
        config=config,
        layers=tuple(layers),
        head=_head(model, len(layers)),
        input_shape=shape,
    )
    if options.delta is not None:
        wide = with_thresholds(wide, *options.delta)
    acc_width = sizing.fit_accumulator(wide, acc_width=options.acc_width)
    config = sizing.fit_shifts(config.replace(acc_width=acc_width), layers)
    network = replace(wide, config=config)
    if options.preset is not None:
        check_answers(network)
        check_fits(config, options.preset, what=f"network {model.name}")
    return network


def _head(model: Model, layers: int) -> int | None:
    """The head's first layer in the network, where a layer's parts are layers of their own."""
    if model.head is None:
        return None
    head = sum(len(layer.parts()) for layer in model.layers[: model.head])
    if head >= layers:
        raise ElsieError(
            f"model {model.name}: it ends with the last step of a recurrent layer; add a "
            f"fully connected layer after it, so that there is an answer"
        )
    return head
