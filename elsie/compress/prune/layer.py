"""One layer of a model pruned as the options say."""

from collections.abc import Callable

from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.options import CompileOptions
from elsie.compress.prune.even import Owners, prune_evenly, prune_plainly
from elsie.compress.prune.prune import prune
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig


def prune_layer(
    layer: FloatLayer,
    signal: Signal,
    config: EngineConfig,
    density: float | None,
    options: CompileOptions,
) -> tuple[FloatLayer, Owners]:
    """The layer with the weights that are kept, and the PEs that it was pruned for."""
    if options.balanced is None or density is None:
        parts = prune_plainly(layer.parts(), _keep(layer.scheme or Scheme.of(config), density))
        return layer.with_parts(parts), (None,) * len(parts)
    parts, owners = prune_evenly(
        config,
        layer.parts(),
        density,
        per=options.balanced,
        strategy=options.strategy,
        activity=signal.activity(config),
    )
    return layer.with_parts(parts), owners


def _keep(scheme: Scheme, density: float | None) -> Callable[[Reals], Reals]:
    """Makes those weights of a matrix 0 that are not kept: without a density the kind decides."""
    if density is None:
        return QUANTISERS[scheme.name].keep
    return lambda matrix: prune(matrix, density)
