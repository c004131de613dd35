"""Small networks for the boards' tests."""

import numpy as np

from golden.config import EngineConfig
from golden.format.network import Layer, Network, locate_inverse

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
    dense = rng.random((n_in, n_out)) < 0.5
    columns, rows = np.nonzero(dense)
    slot = rng.permutation(config.pes * -(-n_out // config.pes))[:n_out]
    return Network(
        name="test",
        config=config,
        layers=(
            Layer(
                name="only",
                n_in=n_in,
                n_out=n_out,
                indptr=np.concatenate([[0], np.cumsum(dense.sum(axis=1))]),
                rows=rows,
                codes=rng.integers(0, 16, len(columns)),
                codebook=rng.integers(-100, 100, 16),
                bias=rng.integers(-200, 200, n_out),
                shift=6,
                activation=activation,
                weight_frac=6,
                in_frac=4,
                out_frac=4,
                position=locate_inverse(config, slot % config.pes, slot // config.pes),
            ),
        ),
    )
