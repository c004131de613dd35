"""Small networks for the boards' tests."""

import numpy as np

from golden.config import EngineConfig
from golden.format.layer import Layer, deal
from golden.format.network import Network

CONFIG = EngineConfig(
    pes=4,
    group=4,
    queue_depth=8,
    act_width=8,
    weight_width=8,
    acc_width=24,
    entry_depth=64,
    column_depth=32,
    row_depth=8,
    act_depth=32,
    bias_depth=32,
    layers=2,
)


def network(
    *,
    config: EngineConfig = CONFIG,
    n_in: int = 6,
    n_out: int = 5,
    activation: str = "identity",
    seed: int = 1,
) -> Network:
    """One layer with random weights, rows dealt to the PEs in random order."""
    rng = np.random.default_rng(seed)
    mask = rng.random((n_in, n_out)) < 0.5
    codes = np.zeros(mask.shape, dtype=np.int64)
    slot = rng.permutation(config.pes * -(-n_out // config.pes))[:n_out]
    codes[mask] = rng.integers(0, 16, int(mask.sum()))
    return Network(
        name="test",
        config=config,
        layers=(
            Layer.of_matrix(
                codes.T,
                mask.T,
                name="only",
                codebook=rng.integers(-100, 100, 16),
                bias=rng.integers(-200, 200, n_out),
                activation=activation,
                weight_frac=6,
                in_frac=4,
                out_frac=4,
                position=deal(config, slot),
            ),
        ),
    )
