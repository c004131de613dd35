"""Networks in another engine than the one that they were compiled for."""

from collections.abc import Sequence
from dataclasses import replace

from elsie.host.errors import WrongNetwork
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network

_SAME = (
    *("mac", "code_width", "pes", "group", "act_width", "act_code", "input_terms"),
    *("entry_memory", "streams", "delta", "maps"),
)
"""What decides the numbers, or where rows are."""


def fitted(network: Network, config: EngineConfig) -> Network:
    """The same network in an engine with other depths, widths or registers.

    Raises WrongNetwork saying what the engine lacks. Results are the same, cycles may differ.
    """
    if config == network.config:
        return network
    what = f"network {network.name} does not fit the board's engine"
    for name in _SAME:
        mine, others = getattr(network.config, name), getattr(config, name)
        if mine != others:
            raise WrongNetwork(
                f"{what}: it was compiled for {name} {_shown(mine)}, and the engine has "
                f"{_shown(others)}; compile it for the board, or build a bitstream for it"
            )
    if network.recurrent and config.state_frac != network.config.state_frac:
        raise WrongNetwork(f"{what}: its state_frac is {network.config.state_frac}")
    try:
        placed = replace(network, config=config)
        encode(placed)
    except ElsieError as error:
        raise WrongNetwork(f"{what}: {error}") from None
    return placed


def _shown(value: object) -> str:
    return str(getattr(value, "value", value))


_MOST = (
    *("queue_depth", "run_width", "weight_width", "acc_width", "entry_depth", "column_depth"),
    *("row_depth", "act_depth", "bias_depth", "shift_high", "layers", "cells", "act_lists"),
    "functions",
)


def engine_for(networks: Sequence[Network]) -> EngineConfig:
    """An engine in which each of some networks fits.

    Raises WrongNetwork when there is none: they were compiled for other PEs or widths.
    """
    first, *others = networks
    for other in others:
        for name in _SAME:
            mine, theirs = getattr(first.config, name), getattr(other.config, name)
            if mine != theirs:
                raise WrongNetwork(
                    f"networks {first.name} and {other.name} fit no common engine: {name} is "
                    f"{_shown(mine)} and {_shown(theirs)}; compile them with the same options"
                )
    configs = [network.config for network in networks]
    states = [network.config.state_frac for network in networks if network.recurrent]
    most = {name: max(getattr(config, name) for config in configs) for name in _MOST}
    config = first.config.replace(
        **most,
        shift_low=min(config.shift_low for config in configs),
        state_frac=states[0] if states else first.config.state_frac,
    )
    for network in networks:
        fitted(network, config)
    return config
