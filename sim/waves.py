"""What the GTKWave save file shows: the engine's state and streams, then one group for each PE."""

from typing import Any

from amaranth.hdl import Value

from rtl.engine import Engine


def traces(engine: Engine) -> dict[str, Any]:
    """Signals by group, for an engine that has been elaborated."""
    sequencer, collector = engine.sequencer, engine.collector
    shown: dict[str, Any] = {
        "engine": [
            *(sequencer.state, sequencer.layer, sequencer.quiet, sequencer.over),
            *(collector.pending, collector.hold, collector.grant, Value.cast(collector.broadcast)),
        ],
        "streams": [engine.input, engine.output, engine.done],
    }
    pes = [pe for group in engine.groups for pe in group.pes]
    for number, pe in enumerate(pes):
        queue, entry, sums = pe.queue, pe.entry, pe.sums
        shown[f"PE {number}"] = [
            *(pe.state, pe.near_full, pe.finished, pe.ready),
            {"push": [queue.push, Value.cast(queue.push_data)], "pop": [entry.pop]},
            {"issue": [entry.issuing, entry.address]},
            {"commit": [sums.commit, sums.commit_row, sums.total]},
        ]
    return shown
