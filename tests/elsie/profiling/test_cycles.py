"""Where cycles go on maps: every PE's cycles, once each, as the trace has them."""

import numpy as np
import pytest

from elsie.profiling.cycles import LayerCycles, layer_cycles
from golden.format.image import encode
from golden.timing.model import TimingModel
from tests.maps import map_config, random_maps


@pytest.mark.parametrize("seed", range(6))
def test_shares_add_up_and_are_the_traces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_maps(rng, map_config(queue_depth=5), layers=3)
    image = encode(network)
    x = rng.integers(-100, 100, (1, network.n_in))
    trace, counters = TimingModel(image).run(x)
    found = layer_cycles(network, image, trace)
    assert [one.name for one in found] == [layer.name for layer in network.layers]
    assert sum(one.cycles for one in found) == trace.cycles + 1 - trace.events["layer"][0, 0]
    for one in found:
        shares = list(one.to_dict().values())[2:]
        assert min(shares) >= 0
        assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert total(found, "useful", network.config.pes) == pytest.approx(counters.macs, rel=1e-2)
    steals = len(trace.events["steal"])
    assert total(found, "steals", network.config.pes) == pytest.approx(steals, rel=1e-2)


def total(found: tuple[LayerCycles, ...], name: str, pes: int) -> float:
    """PE-cycles of all layers that went there."""
    return sum(getattr(one, name) * one.cycles * pes for one in found)
