"""What the GTKWave save file shows: the engine's state and streams, then one group for each PE."""

from typing import Any

from rtl.engine import Engine


def traces(engine: Engine) -> dict[str, Any]:
    """Signals by group, for an engine that has been elaborated."""
    sequencer, collector = engine.sequencer, engine.collector
    shown: dict[str, Any] = {
        "engine": [
            *(sequencer.state, sequencer.layer, sequencer.step),
            *(collector.pending, collector.hold, collector.grant, collector.broadcast),
        ],
        "streams": [engine.input, engine.output, engine.done],
    }
    pes = [pe for group in engine.groups for pe in group.pes]
    for number, pe in enumerate(pes):
        shown[f"PE {number}"] = [
            *(pe.state, pe.near_full, pe.busy),
            {kind: list(signals.values()) for kind, signals in pe.events().items()},
        ]
    return shown
