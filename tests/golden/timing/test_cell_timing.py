"""The fast timing model of engines with cells against a slow one that steps through every cycle."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.format.image import encode
from golden.format.network import Network
from golden.timing.model import RoundModel
from golden.timing.unpack import Counters
from sim.stimuli import Step
from tests.cells import cell_config, cell_network, random_steps
from tests.golden.timing.slow import as_lists
from tests.golden.timing.slow_cells import SlowCells


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, list[Step]]:
    """Streams, groups, stages, queues, peepholes, padding, empty columns, two on one memory."""
    pes = draw(st.one_of(st.integers(1, 7), st.sampled_from([16, 17, 21])))
    changes: dict[str, Any] = {
        "pes": pes,
        "group": draw(st.integers(1, 4)),
        "streams": draw(st.integers(1, 3)),
        "mac": draw(st.sampled_from(["fixed", "codebook", "log"])),
        "run_width": draw(st.integers(2, 4)),
        "entry_stages": draw(st.integers(1, 2)),
        "multiplier_stages": draw(st.integers(2, 4)),
        "broadcast_stages": draw(st.integers(0, 2)),
        **{"row_depth": 128, "act_depth": 128, "bias_depth": 2048, "column_depth": 2048},
    }
    peepholes = draw(st.booleans())
    if draw(st.sampled_from(["block", "block", "spram"])) == "spram":
        changes |= {"mac": "log", "entry_memory": "spram", "entry_depth": 8192, "streams": 1}
        changes["group"] *= 2
        changes["run_width"] = 4
        peepholes = False
    config = cell_config(**changes)
    margin = config.queue_margin
    config = config.replace(queue_depth=draw(st.sampled_from([margin + 1, margin + 2, 12])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    head = draw(st.booleans())
    network = cell_network(rng, config, density=density, peepholes=peepholes, head=head)
    return network, random_steps(rng, network, 3)


@settings(max_examples=50)
@given(cases())
def test_all_events_equal_those_of_the_slow_engine(case: tuple[Network, list[Step]]) -> None:
    network, steps = case
    model, slow = RoundModel(encode(network)), SlowCells(network)
    for step in steps:
        trace, counters = model.run(step.x, reset=step.reset, answer=step.answer)
        expected, stalls = slow.step(step.x, step.reset, step.answer)
        got = as_lists(trace.events)
        got["gate"] = [event[:4] for event in got["gate"]]
        for kind, events in expected.items():
            assert got[kind] == events, kind
        cycles = expected["finish"][0][0] - 1
        busy = len(expected["issue"]) + len(expected["operation"])
        assert counters == Counters(
            cycles=cycles,
            macs=len(expected["commit"]),
            stalls=stalls,
            starved=network.config.pes * cycles - busy,
        )
