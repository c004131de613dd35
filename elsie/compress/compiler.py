"""From a trained model to a compressed network: every step in order (docs/compression.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress import report, sizing
from elsie.compress.checks import WIDEST, bias_limit, check_scale
from elsie.compress.model.model import FloatLayer, Model
from elsie.compress.place.rows import STRATEGIES, assign_rows, place
from elsie.compress.prune.balanced_rows import assign_and_prune, check_balanced
from elsie.compress.prune.prune import densities, prune
from elsie.compress.quantise.calibrate import activation_frac, column_activity
from elsie.compress.quantise.quantise import MAX_FRAC, Quantised, quantise
from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.format.alphabets import ALPHABETS
from golden.format.layer import Layer
from golden.format.network import Network
from golden.presets import Preset, check_fits


@dataclass(frozen=True, kw_only=True, eq=False)
class _Step:
    """One layer on its way; `activity` (n_in,) is from calibration."""

    pruned: FloatLayer
    weights: Quantised
    in_frac: int
    out_frac: int
    activity: NDArray[np.float64]
    owner: NDArray[np.int64] | None
    """PE of every row (n_out,), where the layer was pruned for it."""

    @property
    def quantised(self) -> FloatLayer:
        """The layer with the weights that its codes stand for."""
        return replace(self.pruned, weight=self.weights.values)


def compile_model(
    model: Model,
    calibration: ArrayLike,
    *,
    base: EngineConfig,
    weights: MacKind | str | None = None,
    density: float | Mapping[str, float] | None = None,
    balanced: str | None = None,
    acc_width: int | None = None,
    run_width: int | None = None,
    preset: Preset | None = None,
    strategy: str = "search",
    evaluate: tuple[ArrayLike, ArrayLike] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Network:
    """Prune, quantise, calibrate, assign rows and size; `Network.info` reports what came out.

    `calibration` (samples, n_in) are real inputs. `base` gives the shape and the widths; depths,
    run and accumulator widths, and the range of shifts, are set from the network unless given.
    `weights` chooses the MAC kind (else base's): fixed then has 8 bits and log a 4-bit code, unless
    base is of that kind.
    `density` prunes every layer, or the named ones; None keeps the model's own zeros. `balanced`
    "pe" or "column" prunes them so that PEs keep equally many weights.
    `preset` is the board that it must fit. `evaluate` (x, labels) adds accuracies in percent.
    `progress` is told each step.

    Raises ElsieError for data that does not suit the model, for an option out of range, and for a
    network that does not fit the accumulators or the board.
    """
    say = progress or (lambda _: None)
    if model.recurrent:
        raise ElsieError(
            f"model {model.name}: it has LSTM or GRU layers; elsie.compress.compile_cells takes it"
        )
    report.check_samples(model, calibration, what="calibration data")
    samples = np.asarray(calibration, dtype=np.float64)
    check_scale(model, samples)
    if evaluate is not None:
        report.check_evaluation(model, *evaluate)
    if strategy not in STRATEGIES:
        raise ElsieError(f"no row assignment {strategy!r}; there are {', '.join(STRATEGIES)}")
    config = _for_kind(base, weights)
    chosen = densities(model, density)

    say(f"prune, quantise ({config.mac.value}) and calibrate {len(model.layers)} layers")
    steps = _quantise(config, model, chosen, samples, balanced=balanced, strategy=strategy)
    say(f"assign rows to {config.pes} PEs ({strategy})")
    placed = _place(config, steps, strategy)
    say("size the engine")
    config = sizing.size(config, placed, run_width=run_width)
    layers = tuple(_layer(s, p.position) for s, p in zip(steps, placed, strict=True))
    wide = Network(name=model.name, config=config.replace(acc_width=WIDEST), layers=layers)
    config = config.replace(acc_width=sizing.fit_accumulator(wide, acc_width=acc_width))
    config = sizing.fit_shifts(config, [layer.shift for layer in layers])
    if preset is not None:
        check_fits(config, preset, what=f"network {model.name}")
    network = Network(name=model.name, config=config, layers=layers)
    info: dict[str, Any] = {
        "layers": [_layer_info(config, s, p) for s, p in zip(steps, placed, strict=True)],
        "strategy": strategy,
        "balanced": balanced,
        "notes": list(model.notes),
        **report.sizes(network, placed),
    }
    if evaluate is not None:
        say("evaluate")
        info["accuracy"] = report.accuracies(
            network,
            model=model,
            pruned=[step.pruned for step in steps],
            quantised=[step.quantised for step in steps],
            x=evaluate[0],
            labels=evaluate[1],
        )
    return replace(network, info=info)


def _for_kind(base: EngineConfig, weights: MacKind | str | None) -> EngineConfig:
    """`base` for another MAC kind, with that kind's usual widths and room to build in."""
    try:
        kind = base.mac if weights is None else MacKind(weights)
    except ValueError:
        kinds = ", ".join(kind.value for kind in MacKind)
        raise ElsieError(f"no kind of weights {weights!r}; there are {kinds}") from None
    if kind is base.mac:
        return base.replace(acc_width=WIDEST)
    widths = kind_widths(kind, {})
    return base.replace(**{**widths, "mac": kind, "acc_width": WIDEST})


def kind_widths(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The MAC kind and its usual widths, but for those that are `given`."""
    known = {one.value: alphabet for one, alphabet in ALPHABETS.items()}
    return {"mac": kind, **(known[kind].widths(given) if kind in known else {})}


def _quantise(
    config: EngineConfig,
    model: Model,
    chosen: Mapping[str, float | None],
    samples: NDArray[np.float64],
    *,
    balanced: str | None,
    strategy: str,
) -> list[_Step]:
    """Weights and activation scales, layer by layer.

    Scales are chosen on the activations of the float network with quantised weights.
    """
    check_balanced(balanced, chosen)
    steps: list[_Step] = []
    activations = samples
    in_frac = activation_frac(activations, act_width=config.act_width)
    for layer in model.layers:
        assert isinstance(layer, FloatLayer)  # as the model is not recurrent
        activity = column_activity(activations, in_frac, act_width=config.act_width)
        density, owner = chosen[layer.name], None
        if balanced is None or density is None:
            weight = prune(layer.weight, density)
        else:
            weight, owner = assign_and_prune(
                config, layer.weight, density, per=balanced, strategy=strategy, activity=activity
            )
        pruned = replace(layer, weight=weight)
        max_frac = bias_limit(layer.bias, in_frac, most=MAX_FRAC)
        weights = quantise(config, pruned.weight, max_frac=max_frac)
        outputs = replace(pruned, weight=weights.values).forward(activations)
        # The drain can only shift right, and less than the accumulator is wide.
        sum_frac = weights.weight_frac + in_frac
        out_frac = activation_frac(
            outputs, act_width=config.act_width, max_frac=min(MAX_FRAC, sum_frac)
        )
        out_frac = max(out_frac, sum_frac - WIDEST + 1)
        steps.append(
            _Step(
                pruned=pruned,
                weights=weights,
                in_frac=in_frac,
                out_frac=out_frac,
                activity=activity,
                owner=owner,
            )
        )
        activations, in_frac = outputs, out_frac
    return steps


def _place(config: EngineConfig, steps: list[_Step], strategy: str) -> list[sizing.Placed]:
    """Row assignment of every layer, with an eye on what the PEs hold of the layers before."""
    placed: list[sizing.Placed] = []
    held = np.zeros(config.pes, dtype=np.int64)
    for step in steps:
        stored = step.weights.stored
        if step.owner is not None:
            position = place(config, step.owner)
        else:
            position = assign_rows(
                config, stored, strategy=strategy, activity=step.activity, held=held
            )
        placed.append(sizing.Placed(name=step.pruned.name, stored=stored, position=position))
        held += sizing.count_entries(config, placed[-1])
    return placed


def _layer(step: _Step, position: NDArray[np.int64]) -> Layer:
    """The integer layer."""
    weights, layer = step.weights, step.pruned
    sum_frac = weights.weight_frac + step.in_frac
    return Layer(
        name=layer.name,
        n_in=layer.n_in,
        n_out=layer.n_out,
        **weights.columns(),
        bias=np.rint(layer.bias * 2.0**sum_frac).astype(np.int64),
        shift=sum_frac - step.out_frac,
        activation=layer.activation,
        in_frac=step.in_frac,
        out_frac=step.out_frac,
        position=position,
    )


def _layer_info(config: EngineConfig, step: _Step, placed: sizing.Placed) -> dict[str, Any]:
    """One layer's figures; mse is over the pruned layer's non-zero weights."""
    present = step.pruned.weight != 0
    error = (step.weights.values - step.pruned.weight)[present]
    entries = sizing.count_entries(config, placed)
    padding = sizing.count_padding(config, placed, [config.run_width])[0]
    return {
        "name": placed.name,
        "density": round(float(placed.stored.mean()), 6),
        "nnz": int(placed.stored.sum()),
        "entries": int(entries.sum() + padding.sum()),
        "padding": int(padding.sum()),
        "entries_per_pe": (entries + padding).tolist(),
        "mse": float(np.mean(error**2)) if error.size else 0.0,
    }
