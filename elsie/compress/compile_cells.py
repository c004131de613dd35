"""From a trained recurrent model to a compressed network (docs/compression.md)."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress import cell_report
from elsie.compress.builder import FINEST, Builder, Calibrated, Reals
from elsie.compress.cell_sizing import fit, roomy
from elsie.compress.checks import check_scale
from elsie.compress.model.cells import FloatCells
from elsie.compress.model.model import AnyLayer, FloatLayer, Model
from elsie.compress.prune.balanced_rows import check_balanced
from elsie.compress.prune.even import balance
from elsie.compress.prune.prune import densities, prune
from elsie.compress.quantise.calibrate import activation_frac
from golden.arithmetic.sequences import check_lengths
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import CELL_WIDTH, LayerKind
from golden.presets import Preset, check_answers, check_fits


def compile_cells(
    model: Model,
    samples: Reals,
    *,
    config: EngineConfig,
    lengths: ArrayLike | None = None,
    density: float | Mapping[str, float] | None = None,
    balanced: str | None = None,
    delta: tuple[float, float] | None = None,
    acc_width: int | None = None,
    run_width: int | None = None,
    preset: Preset | None = None,
    strategy: str = "search",
    evaluate: tuple[ArrayLike, ArrayLike | None, ArrayLike] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Network:
    """Prune, quantise, calibrate, assign cells and size; `Network.info` reports what came out.

    `samples` (samples, steps, n_in) with `lengths` (samples,) are for the scales; `config` has the
    kind of weights and the shape; 16-bit activations are taken whatever it says. `density` prunes
    each matrix of every layer, or of the named ones. `balanced` ('pe' or 'column', with a density)
    prunes so that every PE keeps as many (elsie.compress.prune.balanced). `delta`: thresholds, as
    real numbers, of the inputs and of the layers' outputs; what moved by no more is not sent.
    `preset` is the board that it must fit. `evaluate` (x, lengths or None, labels) adds accuracies
    in percent. `progress` is told each step.

    Raises ElsieError for a model or data that do not do, and for what does not fit.
    """
    say = progress or (lambda _: None)
    _check_delta(delta)
    cell_report.check_sequences(model, samples, what="calibration data")
    samples = np.asarray(samples, dtype=np.float64)
    check_scale(model, samples)
    last = check_lengths(lengths, samples=len(samples), steps=samples.shape[1])
    if evaluate is not None:
        cell_report.check_evaluation(model, *evaluate)
    chosen = densities(model, density)
    check_balanced(balanced, chosen)
    say(f"prune, quantise ({config.mac.value}) and calibrate {len(model.layers)} layers")
    places: dict[str, NDArray[np.int64]] = {}
    pruned = [_pruned(layer, chosen[layer.name]) for layer in model.layers]
    if balanced is not None:
        pruned = _balanced(config, model, pruned, chosen, balanced, strategy, places)
    run = _calibrate(pruned, samples, np.arange(samples.shape[1]) < last[:, None])
    largest = max([float(np.abs(one.states).max(initial=0.0)) for one in run], default=0.0)
    fits = [f for f in range(8, 13) if largest * 2.0**f < 1 << (CELL_WIDTH - 1)]
    room = roomy(config, state_frac=max(fits, default=8), delta=delta is not None)
    say(f"assign cells and rows to {config.pes} PEs ({strategy})")
    held = np.zeros(room.pes, dtype=np.int64)
    builder = Builder(config=room, strategy=strategy, held=held, places=places)
    layers = _build(builder, pruned, run)
    head = _head(model, len(layers))
    wide = Network(name=model.name, config=room, layers=tuple(layers), head=head)
    if delta is not None:
        wide = with_thresholds(wide, *delta)
    say("size the engine")
    network = replace(wide, config=fit(wide, acc_width=acc_width, run_width=run_width))
    if preset is not None:
        check_answers(network)
        check_fits(network.config, preset, what=f"network {model.name}")
    return replace(
        network,
        info={
            **cell_report.report(network, model=model, pruned=pruned),
            "strategy": strategy,
            "balanced": balanced,
            "notes": list(model.notes),
            **_accuracy(network, model, pruned, evaluate, say),
        },
    )


def _balanced(
    config: EngineConfig,
    model: Model,
    pruned: list[AnyLayer],
    chosen: Mapping[str, float | None],
    per: str,
    strategy: str,
    places: dict[str, NDArray[np.int64]],
) -> list[AnyLayer]:
    """Layers that have a density pruned evenly instead of plainly; `places` gets their outputs'."""
    room, found = roomy(config, state_frac=8), []
    for layer, thin in zip(model.layers, pruned, strict=True):
        density = chosen[layer.name]
        if density is not None:
            options = {"per": per, "strategy": strategy}
            thin = balance(room, layer, thin, density, **options, places=places)
        found.append(thin)
    return found


def _build(builder: Builder, pruned: list[AnyLayer], run: list[Calibrated]) -> list[Layer]:
    """The integer layers, each at the scale of the one before."""
    in_frac = activation_frac(run[0].inputs, act_width=CELL_WIDTH, max_frac=FINEST)
    layers: list[Layer] = []
    for layer, one in zip(pruned, run, strict=True):
        if isinstance(layer, FloatCells):
            layers += builder.cells(layer, one, in_frac)
        else:
            layers.append(builder.fully_connected(layer, one, in_frac))
        in_frac = layers[-1].out_frac
    return layers


def _accuracy(
    network: Network,
    model: Model,
    pruned: list[AnyLayer],
    evaluate: tuple[ArrayLike, ArrayLike | None, ArrayLike] | None,
    say: Callable[[str], None],
) -> dict[str, dict[str, float]]:
    """Accuracies for the report, where they are asked for."""
    if evaluate is None:
        return {}
    say("evaluate")
    x, lengths, labels = evaluate
    return {
        "accuracy": cell_report.accuracies(
            network, model=model, pruned=pruned, x=x, lengths=lengths, labels=labels
        )
    }


def with_thresholds(network: Network, inputs: float, outputs: float) -> Network:
    """The same network with thresholds of delta mode, real numbers of what is sent.

    inputs: of the network's inputs. outputs: of all layers' that run in every step. Raises
    ElsieError for negative ones, and for those that nothing could pass.
    """
    _check_thresholds(inputs, outputs)
    end = len(network.layers) if network.head is None else network.head
    layers = [
        replace(layer, threshold=_integer(outputs, layer.out_frac, f"layer {layer.name}"))
        if number < end
        else layer
        for number, layer in enumerate(network.layers)
    ]
    threshold = _integer(inputs, network.layers[0].in_frac, "the inputs")
    return replace(network, threshold=threshold, layers=tuple(layers))


def _check_delta(delta: tuple[float, float] | None) -> None:
    """Refuse thresholds that are none, before any work."""
    if delta is None:
        return
    if not isinstance(delta, tuple | list) or len(delta) != 2:
        raise ElsieError(f"delta must be two thresholds, of inputs and of outputs, not {delta!r}")
    _check_thresholds(*delta)


def _check_thresholds(inputs: float, outputs: float) -> None:
    for what, value in (("inputs", inputs), ("outputs", outputs)):
        if not isinstance(value, int | float) or not 0 <= value < np.inf:
            raise ElsieError(f"delta: the threshold of {what} must be 0 or more, not {value!r}")


def _integer(threshold: float, frac: int, what: str) -> int:
    """A threshold at a scale."""
    found, most = round(threshold * 2.0**frac), (1 << (CELL_WIDTH - 1)) - 1
    if found > most:
        raise ElsieError(
            f"delta: threshold {threshold:g} of {what} is too large; nothing there moves by more "
            f"than {most * 2.0**-frac:g}"
        )
    return found


def _head(model: Model, layers: int) -> int | None:
    """The head's first layer in the network, where a projection is a layer of its own."""
    if model.head is None:
        return None
    before = model.layers[: model.head]
    head = model.head + sum(isinstance(x, FloatCells) and x.projection is not None for x in before)
    if head >= layers:
        raise ElsieError(
            f"model {model.name}: it ends with the last step of a recurrent layer; put a "
            f"fully connected layer behind it, so that there is an answer"
        )
    return head


def _pruned(layer: AnyLayer, density: float | None) -> AnyLayer:
    """Each matrix of a layer, each gate's apart, at `density`."""
    if isinstance(layer, FloatLayer):
        return replace(layer, weight=prune(layer.weight, density))
    parts = {
        name: np.stack([prune(gate, density) for gate in getattr(layer, name)])
        for name in ("weight", "recurrent")
    }
    projection = None if layer.projection is None else prune(layer.projection, density)
    return replace(layer, **parts, projection=projection)


def _calibrate(
    layers: list[AnyLayer], samples: Reals, valid: NDArray[np.bool_]
) -> list[Calibrated]:
    """Run the float layers on the data."""
    found, x = [], samples
    for layer in layers:
        states = np.zeros((0, 1))
        if isinstance(layer, FloatCells):
            state, y = layer.start(len(x))
            outputs, every = [], []
            for nth in range(x.shape[1]):
                state, y = layer.step(x[:, nth], state, y)
                outputs.append(y)
                every.append(state)
            out = np.stack(outputs, axis=1)
            if layer.kind is LayerKind.LSTM:
                states = np.stack(every, axis=1)[valid]
        else:
            out = layer.forward(x)
        found.append(Calibrated(inputs=x[valid], outputs=out[valid], states=states))
        x = out
    return found
