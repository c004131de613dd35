"""What the sequencer shows to the engine."""

from amaranth.hdl import Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.layouts import begin_layout, phase_layout, state_layout
from rtl.load import LoadTarget, MemoryWrite
from rtl.maps.layouts import row_layout, target_layout
from rtl.probe import Events
from rtl.sequence.states import SequencerState


class SequencerPorts(wiring.Component):
    """The ports of rtl.sequence.sequencer.Sequencer; those that its engine needs.

    start: the last input is being taken; only when idle.
    pending: some activation waits to be broadcast.
    hold: nothing on its way moves in this cycle.
    over: the back's operations have all begun, `over_stages` cycles ago.
    taken: all results are taken.
    write: load port of the layer program.
    idle: ready for inputs.
    begin: a phase, or the handing over of results, begins after this cycle.
    enable: activations are granted.
    base: pointer address of the front's first column.
    layer: the front's number.
    quiet: the front's last broadcast has moved on; with `stages.fifo` it has come to the FIFOs.
    phase: the back's.
    closed: the back has a phase, or takes it over now.
    end: the back's phase ends after this cycle.
    running: a step runs (not the transfer of inputs or outputs).
    output: results are handed over.
    done: one cycle, at the end.
    layer_start: a phase began after the last cycle.
    finish: the results are ready since this cycle.
    state: for waveforms.

    With cells:

    fresh: one bit for each stream: its state counts as zero.
    answer: results are requested.
    lists: what begins after this cycle, with `begin`.
    back_base: pointer address of the front's first column that is fed back.

    With several streams:

    stream: the front's.
    odd: which of the PEs' two sets of sums the front uses.
    out_stream: whose results are handed over.

    With delta:

    wants_reset: an input waits until everything is forgotten.
    reset: everything is forgotten, from now on.
    input_threshold: of inputs.

    With maps, whose front and back are one layer (base, closed and end are not used, and begin is
    layer_start):

    row: a row begins to be read.
    line: its number, unless it is of the results.
    token: a token is granted.
    carried: the state that it carries.
    written: the map that is written.
    """

    start: Signal
    pending: Signal
    hold: Signal
    over: Signal
    taken: Signal
    write: MemoryWrite
    idle: Signal
    begin: Signal
    enable: Signal
    base: Signal
    layer: Signal
    quiet: Signal
    phase: data.View
    closed: Signal
    end: Signal
    running: Signal
    output: Signal
    done: Signal
    layer_start: Signal
    finish: Signal
    state: Signal
    fresh: Signal
    answer: Signal
    lists: data.View
    back_base: Signal
    stream: Signal
    odd: Signal
    out_stream: Signal
    wants_reset: Signal
    reset: Signal
    input_threshold: Signal
    row: data.View
    line: Signal
    token: Signal
    carried: data.View
    written: data.View

    def __init__(self, *, config: EngineConfig) -> None:
        """Which there are, and their widths, come from `config`."""
        self._config = config
        ins = ("start", "pending", "hold", "over", "taken")
        outs = (
            *("idle", "begin", "enable", "quiet", "closed", "end", "running", "output"),
            *("done", "layer_start", "finish"),
        )
        cells = {
            "fresh": In(config.streams),
            "answer": In(1),
            "lists": Out(begin_layout(config)),
            "back_base": Out(config.column_width),
        }
        number = Out(range(config.streams))
        streams = {"stream": number, "odd": Out(1), "out_stream": number}
        delta = {
            "wants_reset": In(1),
            "reset": Out(1),
            "input_threshold": Out(config.act_width - 1),
        }
        maps = {
            "row": Out(row_layout(config)),
            "line": Out(bits_for(config.maps.height - 1)),
            "token": Out(1),
            "carried": Out(state_layout(config)),
            "written": Out(target_layout(config)),
        }
        super().__init__(
            {
                **{name: In(1) for name in ins},
                **{name: Out(1) for name in outs},
                "write": In(MemoryWrite.Signature(config, LoadTarget.PROGRAM)),
                "base": Out(config.column_width),
                "layer": Out(config.layer_width),
                "phase": Out(phase_layout(config)),
                "state": Out(SequencerState),
                **(cells if config.cells else {}),
                **(streams if config.streams > 1 else {}),
                **(delta if config.delta else {}),
                **(maps if config.maps.rows else {}),
            }
        )

    def events(self) -> Events:
        """Signals of the sequencer's events, for the trace."""
        stream = {"stream": self.stream} if self._config.streams > 1 else {}
        found: Events = {
            "start": {"valid": self.start},
            "layer": {"valid": self.layer_start, "layer": self.layer, **stream},
            "finish": {"valid": self.finish},
            "done": {"valid": self.done},
        }
        if self._config.maps.rows:
            valid = self.row.valid & ~self.output
            found["row"] = {"valid": valid, "source": self.row.source, "row": self.line}
        return found
