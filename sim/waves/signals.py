"""What waveforms show of an engine; the only place where waveforms name the RTL's signals."""

from collections.abc import Iterable
from dataclasses import dataclass

from amaranth.hdl import Shape, Signal, Value, ValueLike
from amaranth.lib import data

from golden.format.network import Network
from rtl.engine import Engine
from rtl.group.group import Group as PeGroup
from rtl.pe.pe import ProcessingElement
from rtl.sequence.sequencer import Sequencer


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A signal, or a field of one, under the name that a viewer shows."""

    name: str
    """One word."""
    signal: Signal
    """Of the engine."""
    field: str = ""
    """Of a signal with a struct layout: the field that is meant."""
    signed: bool = False
    """Two's complement."""
    frac: int = 0
    """Fraction bits; 0 where values of several scales pass."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Signals that belong together."""

    name: str
    """One word."""
    signals: list[Shown]
    """In the order in which they are shown."""


def groups(engine: Engine, network: Network) -> list[Group]:
    """The sequencer, the streams, and each PE of an elaborated engine that runs `network`.

    With maps also the drains of each group of PEs.
    """
    pes = [pe for group in engine.groups for pe in group.pes]
    maps = engine.groups if network.maps else []
    frac = _common(layer.in_frac for layer in network.layers)
    total = _common(layer.in_frac + layer.weight_frac for layer in network.layers)
    return [
        Group(name="sequencer", signals=_sequencer(engine.sequencer, maps=bool(maps))),
        Group(name="streams", signals=_streams(engine, network)),
        *(Group(name=f"G{number}", signals=_drains(group)) for number, group in enumerate(maps)),
        *(
            Group(name=f"PE{number}", signals=_pe(pe, frac=frac, total_frac=total))
            for number, pe in enumerate(pes)
        ),
    ]


def _sequencer(sequencer: Sequencer, *, maps: bool) -> list[Shown]:
    return [
        _plain("state", sequencer.state),
        _plain("layer", sequencer.layer),
        _plain("layer_start", sequencer.layer_start),
        _plain("running", sequencer.running),
        _plain("quiet", sequencer.quiet),
        _plain("over", sequencer.over),
        _plain("done", sequencer.done),
        *(_rows(sequencer) if maps else []),
    ]


def _rows(sequencer: Sequencer) -> list[Shown]:
    """Rows that begin to be sent, and tokens with the state that they carry."""
    return [
        *_fields("row", sequencer.row, names=("valid", "source", "begins")),
        _plain("row_number", sequencer.line),
        _plain("token", sequencer.token),
        *_fields("token", sequencer.carried),
    ]


def _drains(group: PeGroup) -> list[Shown]:
    """Steps of a group's drains, and the rows that they become."""
    control, pipeline = group.control, group.pipeline
    names = ("valid", "slot", "row", "unit", "cell", "opens", "closes", "ends")
    return [
        *_fields("step", control.operation, names=names),
        _plain("output", pipeline.output),
        _plain("output_index", pipeline.index),
        _plain("output_value", pipeline.activation),
        _plain("row_ends", pipeline.close),
    ]


def _streams(engine: Engine, network: Network) -> list[Shown]:
    """Inputs, broadcasts, outputs; results are handed over as broadcasts too."""
    collector, first, last = engine.collector, network.layers[0], network.layers[-1]
    received = _common(network.input_frac or [first.in_frac])
    sent = _common([*(layer.in_frac for layer in network.layers), last.out_frac])
    if network.input_frac:
        sent = 0
    return [
        _plain("input_valid", engine.input.valid),
        _plain("input_ready", engine.input.ready),
        *_fields("input", engine.input.payload, frac=received),
        _plain("pending", collector.pending),
        _plain("hold", collector.hold),
        *_fields("broadcast", collector.broadcast, frac=sent, names=("valid", "column", "value")),
        _plain("output_valid", engine.output.valid),
        _plain("output_ready", engine.output.ready),
        *_fields("output", engine.output.payload, frac=last.out_frac),
    ]


def _pe(pe: ProcessingElement, *, frac: int, total_frac: int) -> list[Shown]:
    tokens = []
    if pe.tokens is not None:
        tokens = [
            _plain("token", pe.tokens.take),
            _plain("steal", pe.steal),
            _plain("ended", pe.ended),
        ]
    return [
        _plain("state", pe.state),
        _plain("near_full", pe.near_full),
        _plain("push", pe.queue.push),
        *_fields("push", pe.queue.push_data, frac=frac),
        _plain("pop", pe.entry.pop),
        _plain("issue", pe.entry.issuing),
        _plain("issue_address", pe.entry.address),
        *tokens,
        _plain("commit", pe.sums.commit),
        _plain("commit_row", pe.sums.commit_row),
        _plain("commit_total", pe.sums.total, frac=total_frac),
        _plain("ready", pe.ready),
    ]


def _plain(name: str, value: ValueLike, *, frac: int = 0) -> Shown:
    signal = _signal(value)
    return Shown(name=name, signal=signal, signed=signal.shape().signed, frac=frac)


def _fields(
    name: str, view: data.View, *, frac: int = 0, names: tuple[str, ...] = ()
) -> list[Shown]:
    """Fields of a signal with a struct layout, all or some; `frac` is that of the field `value`."""
    signal = _signal(view)
    return [
        Shown(
            name=f"{name}_{field}",
            signal=signal,
            field=str(field),
            signed=Shape.cast(shape.shape).signed,
            frac=frac if field == "value" else 0,
        )
        for field, shape in data.Layout.cast(view.shape())
        if not names or field in names
    ]


def _signal(value: ValueLike) -> Signal:
    signal = Value.cast(value)
    if not isinstance(signal, Signal):
        raise TypeError(f"waveforms show signals, not {value!r}")
    return signal


def _common(fracs: Iterable[int]) -> int:
    """The scale that all share, else none."""
    found = set(fracs)
    return max(0, *found) if len(found) == 1 else 0
