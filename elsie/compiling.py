"""From an ONNX file to a network: chooses the engine and reads the data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from elsie.advice import Choice, advise, has_room
from elsie.compress.checks import WIDEST, check_maps, check_steps, engine_options
from elsie.compress.compiler import compile_model
from elsie.compress.kinds.registry import engine_needs, usual_weights
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quantise.kinds import Asked, assign, engine_fields
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.search.goal import Goal, goal_of
from elsie.compress.search.search import search
from elsie.compress.search.structures import Structure, structures
from elsie.compress.search.weights import Engine, choices, name_of
from elsie.data import load_data
from elsie.frameworks.read import Source, read_model
from elsie.options import EngineOptions
from golden.config import EngineConfig
from golden.errors import ArgumentError, DoesNotFit, ElsieError
from golden.format.network import Network
from golden.kinds import EntryMemory
from golden.maps.settings import NO_STAGES
from golden.presets import Preset
from golden.stages import Stages


def compile(
    model: Source,
    *,
    calibration: ArrayLike | str | Path,
    lengths: ArrayLike | None = None,
    output: str | None = None,
    board: str | None = None,
    weights: Asked | None = None,
    density: float | Mapping[str, float] | str | None = None,
    budget: str | int | None = None,
    neurons: float | Mapping[str, float] | str | None = None,
    rank: float | int | Mapping[str, float | int] | str | None = None,
    balanced: str | None = None,
    effort: str = "fast",
    delta: tuple[float, float] | None = None,
    evaluate: Sequence[ArrayLike | None] | str | Path | None = None,
    max_drop: float | None = None,
    engine: EngineOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> Network:
    """Compress a trained model for an engine.

    model: ONNX file, or a torch.nn.Module or estimator of scikit-learn (docs/compression.md).
    calibration: real inputs (samples, n_in), or a file of them; for a recurrent model sequences
    (samples, steps, n_in), of which `lengths` (samples,) steps count. output: which of the model's
    outputs to use, if it has several; by default the probabilities. board: its preset shapes the
    engine, and the network must fit it. weights: KIND[:BITS] for all layers, or with
    LAYER=KIND[:BITS] for single ones, such as "codebook:4,fc2=ternary"; or by layer, the others
    under None (elsie.compress.quantise.registry has the kinds). A recurrent model gets fixed ones
    of 12 bits by default. density, neurons, rank, balanced, effort, delta: see
    elsie.compress.options.CompileOptions. budget: most bits on chip, such as '30kbit', or '80%' of
    the board's memory for a network. With a budget, or with density 'auto', the compiler finds the
    densities of all layers and the bits of a code, and what is 'auto' of weights (their kind),
    neurons and rank: the most accurate network within the budget, or without one the smallest that
    loses no more than max_drop (docs/compression.md).
    evaluate: (inputs, labels) or (inputs, lengths, labels), or a file of them, for the accuracy at
    each step, in `Network.info`. max_drop: most percentage points that may be lost. engine: options
    that differ from the preset or the default.

    Raises ElsieError for anything that cannot be used, CheckFailed for a goal that is missed.
    """
    engine = engine or EngineOptions()
    imported = read_model(model, output, calibration)
    streams = None if engine.streams == 1 else engine.streams
    check_steps(imported, {"lengths": lengths, "streams": streams, "delta": delta})
    if isinstance(calibration, str | Path):
        if lengths is not None:
            raise ElsieError(f"{calibration}: its lengths are in the file; leave out lengths")
        calibration, lengths, _ = load_data(calibration, imported, labels=False)
    preset, asked = _preset(board), {"density": density, "weights": weights}
    found = {"neurons": neurons, "rank": rank}
    goal = goal_of(budget=budget, max_drop=max_drop, preset=preset, **asked, **found)
    shapes = structures(neurons, rank)
    options = CompileOptions(
        neurons=shapes[0].neurons,
        rank=shapes[0].rank,
        balanced=balanced,
        effort=effort,
        delta=delta,
        max_drop=max_drop,
    )
    given = _Given(
        model=imported,
        x=calibration,
        lengths=lengths,
        evaluate=_labelled(evaluate, imported),
        progress=progress,
    )
    if goal is not None:
        engines = _engines(preset, weights, engine, imported)
        return given.search(engines, goal, _shaped(options, engine, preset), shapes)
    assert not isinstance(density, str), "goal_of has refused 'auto' without a goal"
    choice = Choice(board=board, engine=engine, density=density, weights=weights)
    return given.compile(choice, options)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Given:
    """A model and data, whatever they become."""

    model: Model
    x: ArrayLike
    lengths: ArrayLike | None
    evaluate: Evaluation | None
    progress: Callable[[str], None] | None

    def search(
        self,
        engines: Mapping[str, Engine],
        goal: Goal,
        options: CompileOptions,
        shapes: Sequence[Structure],
    ) -> Network:
        """The network for a goal."""
        return search(
            self.model,
            self.x,
            engines=engines,
            goal=goal,
            options=options,
            structures=shapes,
            lengths=self.lengths,
            evaluate=self.evaluate,
            progress=self.progress,
        )

    def compile(self, choice: Choice, options: CompileOptions) -> Network:
        """The network that is asked for; where it does not fit, DoesNotFit says what would."""
        config, asked = _asked(choice, self.model, options)
        try:
            return compile_model(
                self.model,
                self.x,
                config=config,
                options=asked,
                lengths=self.lengths,
                evaluate=self.evaluate,
                progress=self.progress,
            )
        except DoesNotFit as error:
            if self.progress:
                self.progress("too large: look for options that fit")
            few = (
                np.asarray(self.x)[:_FEW],
                None if self.lengths is None else np.asarray(self.lengths)[:_FEW],
            )
            fits = partial(_fits, self.model, *few, replace(options, max_drop=None))
            raise DoesNotFit(error.fact, advise(choice, config, fits)) from None


_FEW = 16
"""Calibration samples with which other engines are tried: they hardly change the size."""


def _fits(
    model: Model, x: ArrayLike, lengths: ArrayLike | None, options: CompileOptions, choice: Choice
) -> bool:
    """Whether a choice can be compiled; the quick way to assign rows first."""
    try:
        for strategy in ("lpt", options.strategy):
            effort = "none" if strategy == "lpt" else options.effort
            tried = replace(options, strategy=strategy, effort=effort)
            config, asked = _asked(choice, model, tried)
            assert asked.preset is not None
            structured = options.neurons is not None or options.rank is not None
            if not structured and not has_room(model, choice, config, asked.preset):
                return False
            compile_model(model, x, config=config, options=asked, lengths=lengths)
    except ElsieError:
        return False
    return True


def _asked(
    choice: Choice, model: Model, options: CompileOptions
) -> tuple[EngineConfig, CompileOptions]:
    """The engine and the compiler's options for a choice."""
    preset = _preset(choice.board)
    config, weights = _engine(preset, choice.weights, choice.engine.given(), model)
    shaped = _shaped(options, choice.engine, preset)
    return config, replace(shaped, weights=weights, density=choice.density)


def _preset(board: str | None) -> Preset | None:
    if not board:
        return None
    from boards.registry import find  # imports Amaranth, which is slow

    return find(board).preset


def _shaped(
    options: CompileOptions, engine: EngineOptions, preset: Preset | None
) -> CompileOptions:
    """With those that the engine decides."""
    return replace(options, acc_width=engine.acc_width, run_width=engine.run_width, preset=preset)


def _engines(
    preset: Preset | None, weights: Asked | None, engine: EngineOptions, model: Model
) -> dict[str, Engine]:
    """Engines that a search chooses from, by their weights. Raises ElsieError if there is none."""
    given, usual = engine.given(), usual_weights(model)
    own = usual[0] if usual else (preset.base if preset else EngineConfig()).mac
    found: dict[str, Engine] = {}
    refusal: ElsieError | None = None
    for one in choices(weights, own=own, usual=usual, width=engine.code_width):
        try:
            config, schemes = _engine(preset, one, given, model)
        except ElsieError as error:
            refusal = refusal or error
        else:
            found[name_of(one, config)] = Engine.of(config, schemes)
    if not found:
        assert refusal is not None
        raise refusal
    return found


def _engine(
    preset: Preset | None, weights: Asked | None, given: dict[str, int | str], model: Model
) -> tuple[EngineConfig, Mapping[str | None, Scheme] | None]:
    """The engine's shape, with room for any choice; the compiler sets what the network needs.

    And the alphabet of each layer, None where they have that of the engine.
    """
    base = (preset.base if preset else EngineConfig()).to_dict()
    needs = engine_needs(model, act_width={**base, **given}["act_width"])
    for name, value in needs.items():
        if given.get(name, value) != value:
            raise ArgumentError(
                f"model {model.name}: its layers need `{name}` {value}, not {given[name]}; "
                f"leave out `{name}`"
            )
    fields = {**base, **given}
    if "stages" not in given:
        # Groups that wait on their own are for one stream; a board's engine waits together then.
        left = [*(["fifo"] if fields["streams"] > 1 else []), *(NO_STAGES if model.maps else [])]
        fields["stages"] = {**fields.get("stages", {}), **dict.fromkeys(left, 0)}
    stages = Stages.of(fields.get("stages", {})).to_dict()
    check_maps(model, engine_options({**fields, "stages": stages}))
    spram = fields["entry_memory"] == EntryMemory.SPRAM.value
    # In SPRAM an entry has 8 bits, too few for the 12-bit weights that cells usually have.
    usual = None if spram else usual_weights(model)
    widths = {name: fields[name] for name in ("code_width", "weight_width") if name in given}
    bits = {usual[0].value: usual[1]} if usual else {}
    schemes = assign(
        weights or (usual[0].value if usual else base["mac"]),
        layers=[layer.name for layer in model.layers],
        usual=bits | {base["mac"]: base["code_width"]},
        given=widths,
    )
    fields |= engine_fields(schemes.values(), widths, base)
    if "pes" in given and "group" not in given:
        fields["group"] = min(fields["group"], fields["pes"])
        if model.maps:  # a power of two
            fields["group"] = 1 << (fields["group"].bit_length() - 1)
    fields |= {"acc_width": WIDEST, "row_depth": 1, "act_depth": max(64, fields["group"]), **needs}
    if needs:  # several streams need their lists from the start
        fields["act_lists"] = 2 * fields["streams"]
    fields["run_width"] = 2  # takes no bits from a code; the compiler chooses
    return EngineConfig.from_dict(fields), None if weights is None else {**schemes}


def _labelled(
    evaluate: Sequence[ArrayLike | None] | str | Path | None, model: Model
) -> Evaluation | None:
    """Data to evaluate with."""
    if evaluate is None:
        return None
    if isinstance(evaluate, str | Path):
        data = load_data(evaluate, model)
        if data.y is None:
            raise ElsieError(
                f"{evaluate}: no array named 'y'; save labels with numpy.savez(file, x=inputs, "
                f"y=labels)"
            )
        return Evaluation(x=data.x, lengths=data.lengths, labels=data.y)
    x, y = evaluate[0], evaluate[-1]
    if len(evaluate) not in (2, 3) or x is None or y is None:
        raise ElsieError("evaluate must be inputs and labels, or inputs, lengths and labels")
    return Evaluation(x=x, lengths=evaluate[1] if len(evaluate) == 3 else None, labels=y)
