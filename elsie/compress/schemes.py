"""A model whose layers know their alphabets, and an engine that holds them."""

from collections.abc import Mapping
from dataclasses import replace

from elsie.compress.model.model import Model
from elsie.compress.quantise.kinds import Asked, assign, holding
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.structure.plan import Plan
from golden.config import EngineConfig
from golden.errors import ElsieError


def with_schemes(
    model: Model, config: EngineConfig, asked: Asked | None
) -> tuple[Model, EngineConfig]:
    """The model for these alphabets; None: all layers have that of the engine `config`.

    The engine stays as it is if it holds them. Raises ElsieError where none does.
    """
    schemes = {}
    if asked is not None:
        usual = {config.mac.value: config.code_width}
        schemes = assign(asked, layers=[layer.name for layer in model.layers], usual=usual)
        config = holding(config, schemes.values())
    layers = tuple(layer.with_scheme(schemes.get(layer.name)) for layer in model.layers)
    return replace(model, layers=layers), config


def check_kept(model: Model, plan: Plan, densities: Mapping[str, float | None]) -> None:
    """Refuse to prune layers, or what the plan makes of them, whose alphabet has no 0."""
    for layer in model.layers:
        name = None if layer.scheme is None else layer.scheme.name
        least = min(densities[one] or 1.0 for one in plan.parts(layer.name))
        if name and not QUANTISERS[name].drops and least < 1.0:
            raise ElsieError(
                f"layer {layer.name}: {name} weights have no 0, so none can be pruned; name the "
                f"densities of the other layers only, or take twn or ttq weights"
            )


def kinds_of(model: Model, config: EngineConfig) -> str:
    """The kinds of weights in the order of the layers, for a line of text."""
    schemes = [layer.scheme or Scheme.of(config) for layer in model.layers]
    if schemes[0].name == config.mac.value and len(set(schemes)) == 1:
        return config.mac.value
    return ", ".join(dict.fromkeys(str(one) for one in schemes))
