"""Modelled cycles of the benchmark's shapes with seeded weights.

`python -m elsie.bench.tiny.cycles [NETWORK ...]`; --density, --pes, --seeds.
"""

import argparse
import time

import numpy as np

from elsie.bench.tiny.networks import Maker
from elsie.bench.tiny.shapes import NETWORKS
from golden.config import EngineConfig
from golden.format.image import encode
from golden.timing.model import TimingModel


def engine(pes: int) -> EngineConfig:
    """8-bit weights and activations, groups of 4, before its memories are sized."""
    return EngineConfig(
        mac="fixed",  # pyright: ignore[reportArgumentType]
        code_width=8,
        weight_width=8,
        act_width=8,
        acc_width=32,
        pes=pes,
        group=4,
        queue_depth=16,
        run_width=5,
        layers=32,
        maps={"rows": 2},  # pyright: ignore[reportArgumentType]
    )


def main() -> None:
    """Print a row for each network and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--density", type=float, default=0.3)
    parser.add_argument("--pes", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    for name in options.networks:
        for seed in range(options.seeds):
            began, shapes = time.perf_counter(), NETWORKS[name]
            maker = Maker(shapes, engine(options.pes), density=options.density, seed=seed)
            network, x = maker.make()
            trace, counters = TimingModel(encode(network)).run(x)
            share = 1 / (options.pes * trace.cycles)
            print(
                f"{name:4} seed {seed}: {trace.cycles:7,} cycles of {shapes.target:7,}, useful "
                f"{trace.macs * share:.3f}, issued {len(trace.events['issue']) * share:.3f}, "
                f"steals {len(trace.events['steal']) * share:.3f}, held {counters.stalls:,}, "
                f"rows {network.config.maps.rows}; {time.perf_counter() - began:.0f} s",
                flush=True,
            )
            starts = [*trace.events["layer"][:, 0].tolist(), trace.cycles]
            print("     layers:", np.diff(starts).tolist(), flush=True)


if __name__ == "__main__":
    main()
