"""What the GTKWave save file shows: the engine's state and streams, then one group for each PE."""

from typing import Any

from amaranth.hdl import Value

from rtl.engine import Engine


def traces(engine: Engine) -> dict[str, Any]:
    """Signals by group, for an engine that has been elaborated."""
    sequencer, collector = engine.sequencer, engine.collector
    shown: dict[str, Any] = {
        "engine": [
            *(sequencer.state, sequencer.layer, Value.cast(sequencer.step)),
            *(collector.pending, collector.hold, collector.grant, Value.cast(collector.broadcast)),
        ],
        "streams": [engine.input, engine.output, engine.done],
    }
    pes = [pe for group in engine.groups for pe in group.pes]
    for number, pe in enumerate(pes):
        reader, entry, sums = pe.reader, pe.entry, pe.sums
        shown[f"PE {number}"] = [
            *(pe.state, pe.near_full, pe.busy),
            {"push": [reader.push, Value.cast(reader.job)], "pop": [entry.pop]},
            {"issue": [entry.issuing, entry.address]},
            {"commit": [sums.commit, sums.commit_row, sums.total]},
        ]
    return shown
