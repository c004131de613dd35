"""All layers in integers, one after the other: what the compiler does once masks are chosen."""

from collections.abc import Mapping
from dataclasses import replace

from elsie.compress.inputs import input_frac
from elsie.compress.kinds.registry import KINDS
from elsie.compress.kinds.step import Signal, Taken
from elsie.compress.options import CompileOptions
from elsie.compress.reconstruct.effort import effort_of
from elsie.compress.reconstruct.repair import Repair
from elsie.compress.reconstruct.thin import Source
from elsie.compress.report import Step
from golden.config import EngineConfig
from golden.kinds import CELL_WIDTH
from golden.limits import RANGES


def quantise_model(
    source: Source,
    given: Signal,
    config: EngineConfig,
    chosen: Mapping[str, float | None],
    options: CompileOptions,
) -> tuple[EngineConfig, list[Step]]:
    """Weights and scales of all layers, and the configuration with the scale of LSTM states.

    States get as many fraction bits as the largest of them allows. That is known only when all
    weights are quantised, and peepholes depend on it. So if a state does not fit, quantisation
    starts again with fewer bits.
    """
    least, state_frac = RANGES["state_frac"]
    while True:
        config = config.replace(state_frac=state_frac)
        steps = _quantise(source, given, config, chosen, options)
        largest = max(step.quantised.largest_state for step in steps)
        if state_frac == least or largest * 2.0**state_frac < 1 << (CELL_WIDTH - 1):
            return config, steps
        state_frac -= 1


def _quantise(
    source: Source,
    given: Signal,
    config: EngineConfig,
    chosen: Mapping[str, float | None],
    options: CompileOptions,
) -> list[Step]:
    """Layer by layer: scales are chosen by running the float network with quantised weights."""
    model = source.model
    fracs, steps = [input_frac(model, given, config)], []
    signal = replace(given, values=model.snap(0, given.values), frac=fracs[0])
    repair = Repair(signal, effort_of(options.effort), model)
    stages, widths = model.stages(signal.values), [model.n_in]
    for number, layer in enumerate(model.layers, start=1):
        taken = [Taken(stage - 1, fracs[stage], widths[stage]) for stage in model.taken(number)]
        signal = replace(
            signal,
            values=stages.given(number),
            frac=taken[0].frac,
            taken=tuple(taken),
            hidden=number > 1,
            to_last=layer is model.layers[-1],
            grids=model.grids.get(number, ()),
        )
        pruned, owners = source.pruned(layer, signal, config, chosen[layer.name], options)
        even = any(owner is not None for owner in owners)
        pruned, exact = repair(layer, pruned, signal, config, even=even)
        quantised = KINDS[layer.kind].quantise(exact, signal, config)
        steps.append(Step(pruned=pruned, owners=owners, quantised=quantised))
        fracs.append(quantised.layers[-1].out_frac)
        widths.append(layer.n_out)
        stages.put(number, quantised.outputs)
    return steps
