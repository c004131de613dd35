"""From a goal to a network: guesses first, then a handful of candidates measured, then the result.

No label and no evaluation data take part: a candidate is measured by how it differs from the float
network on calibration samples that it was not made from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from numpy.typing import ArrayLike

from elsie.compress.checks import (
    check_evaluation,
    check_no_maps,
    check_samples,
    check_steps,
    valid_steps,
)
from elsie.compress.compiler import compile_model
from elsie.compress.kinds.step import Signal
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quality import check_max_drop
from elsie.compress.reconstruct.threads import one_thread
from elsie.compress.search.front import report
from elsie.compress.search.goal import Goal, room
from elsie.compress.search.predict import Predictor, reference_densities
from elsie.compress.search.sensitivity import Unpruned, curves, unpruned
from elsie.compress.search.strategy import Measured, Strategy
from elsie.compress.search.structures import Structure
from elsie.compress.search.trial import Candidate, Shape, Trials
from elsie.compress.search.weights import Engine
from golden.errors import DoesNotFit, ElsieError
from golden.format.network import Network

_PROMISING = 2
"""Kinds of weights that structures beside the first are tried with."""
_AGAIN = 4
"""Times that the result may turn out larger than its candidate, and is made smaller."""


@one_thread
def search(
    model: Model,
    calibration: ArrayLike,
    *,
    engines: Mapping[str, Engine],
    goal: Goal,
    options: CompileOptions,
    structures: Sequence[Structure] | None = None,
    lengths: ArrayLike | None = None,
    evaluate: Evaluation | None = None,
    progress: Callable[[str], None] | None = None,
) -> Network:
    """The network that a goal asks for; its report has `front` and `search` too.

    engines: by weights, those to choose from. structures: neurons and ranks to choose from, by
    default those of `options`; the first is tried with all weights. The other arguments are
    compile_model's, but for the densities, which are found. `evaluate` is only reported on.

    Raises CheckFailed, saying what is possible, when no network that was found meets the goal, and
    ElsieError as compile_model does.
    """
    check_no_maps(
        model,
        what="a search (--budget, --density auto)",
        instead="choose a density yourself",
    )
    check_max_drop(goal.max_drop)
    samples = check_samples(model, calibration, what="calibration data")
    check_steps(model, {"lengths": lengths})
    if evaluate is not None:
        check_evaluation(model, evaluate)  # before the work, not after
    trials = Trials(
        model=model,
        given=Signal(values=samples, valid=valid_steps(model, samples, lengths), frac=0),
        lengths=lengths,
        engines=engines,
        options=replace(options, density=None, max_drop=None),
        say=progress or (lambda _: None),
    )
    first, *others = structures or [Structure(neurons=options.neurons, rank=options.rank)]
    predictor = Predictor(engines)
    references = _look(trials, first, predictor, list(engines))
    if others:
        caps = {shape: _cap(goal, options, net) for shape, net in references.items()}
        promising = [shape.weights for shape in predictor.promising(caps)[:_PROMISING]]
        for structure in others:
            references |= _look(trials, structure, predictor, promising)
    limits = {shape: goal.limit(net.config) for shape, net in references.items()}
    strategy = Strategy(
        predictor=predictor,
        trials=trials,
        goal=goal,
        limits=limits,
        caps={shape: _cap(goal, options, net) for shape, net in references.items()},
    )
    network, chosen = _result(strategy, trials, limits, evaluate)
    return report(
        network,
        goal=goal,
        rows=[one.row for one in strategy.allowed],
        tried=len(strategy.measured),
        chosen=chosen.row,
        cycles=trials.cycles(network),
        limit=limits[chosen.guess.candidate.shape],
    )


def _look(
    trials: Trials, structure: Structure, predictor: Predictor, weights: Sequence[str]
) -> dict[Shape, Network]:
    """Tell the predictor of a structure; its references."""
    options = replace(trials.options, neurons=structure.neurons, rank=structure.rank)
    config = trials.engines[weights[0]].config
    exact = unpruned(trials.model, trials.given, config, options, trials.say)
    references = _references(trials, structure, exact, weights)
    predictor.add(structure, curves(exact, trials.say), references)
    return {Shape(name, str(structure)): net for name, net in references.items()}


def _references(
    trials: Trials, structure: Structure, exact: Unpruned, every: Sequence[str]
) -> dict[str, Network]:
    """A network of each kind of weights that the model can have. Raises if there is none."""
    found: dict[str, Network] = {}
    first: ElsieError | None = None
    densities = reference_densities(exact.model)
    for weights in every:
        trials.say(" ".join(f"look at {weights} weights {structure}".split()))
        frozen = trials.engines[weights].frozen
        kept = {name: one for name, one in densities.items() if name not in frozen}
        try:
            found[weights] = trials.once(
                Candidate(weights=weights, structure=structure, densities=kept)
            )
        except ElsieError as error:
            first = first or error
    if not found:
        assert first is not None
        raise first
    return found


def _cap(goal: Goal, options: CompileOptions, network: Network) -> float:
    """Bits that a network on such an engine may have."""
    limit = goal.limit(network.config)
    return limit if options.preset is None else min(limit, room(network.config, options.preset))


def _result(
    strategy: Strategy,
    trials: Trials,
    limits: Mapping[Shape, float],
    evaluate: Evaluation | None,
) -> tuple[Network, Measured]:
    """The chosen candidate made from all samples; a little smaller if that is too large."""
    chosen = strategy.run()
    for _ in range(_AGAIN):
        candidate = chosen.guess.candidate
        limit = limits[candidate.shape]
        try:
            network = compile_model(
                trials.model,
                trials.given.values,
                config=trials.engines[candidate.weights].config,
                options=trials.asked(candidate),
                lengths=trials.lengths,
                evaluate=evaluate,
                progress=trials.say,
            )
        except DoesNotFit as error:
            chosen = strategy.smaller(chosen, 0.95 * chosen.row.bits, error)
            continue
        bits = network.info.size_bits.stored
        if bits <= limit:
            return network, chosen
        chosen = strategy.smaller(chosen, 0.995 * chosen.row.bits * limit / bits)
    raise AssertionError("the result is larger than every candidate")
