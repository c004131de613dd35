"""The rows of a layer's maps: which is due, and where its columns are."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import bits_for
from rtl.layouts import phase_layout, struct
from rtl.maps.layouts import reading_layout, row_layout


class SourceRows(wiring.Component):
    """Which row of a map is due, and where its columns are.

    word: the source's.
    begin: the layer begins; from the next cycle on, the next row is the first.
    sent: the row is being sent.
    state: the next state begins.
    due: a row is due.
    row: its number.
    first: it is the map's first.
    skip: no row of the kernel is for it.
    column: pointer address of its first column.
    """

    word: data.View
    begin: Signal
    sent: Signal
    state: Signal
    due: Signal
    row: Signal
    first: Signal
    skip: Signal
    column: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "word": In(struct(layout.source_descriptor(config))),
                **{name: In(1) for name in ("begin", "sent", "state")},
                **{name: Out(1) for name in ("due", "first", "skip")},
                "row": Out(bits_for(config.maps.height)),
                "column": Out(config.column_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Rows that are sent, rows that are due, the row phase, and its columns."""
        m = Module()
        word = self.word
        row = self.row
        due = Signal.like(word.due)
        phase = Signal.like(word.phase)
        wraps = phase + 1 == word.row_step
        m.d.comb += [
            self.due.eq((row <= word.height) & (row < due)),
            self.first.eq(row == 0),
            self.skip.eq(phase < word.skipped),
        ]
        with m.If(self.sent):
            m.d.sync += [row.eq(row + 1), phase.eq(Mux(wraps, 0, phase + 1))]
            with m.If(wraps):
                m.d.sync += self.column.eq(word.column_base)
            with m.Elif(~self.skip):
                m.d.sync += self.column.eq(self.column + word.step)
        with m.If(self.state):
            m.d.sync += due.eq(due + word.row_step)
        with m.If(self.begin):
            m.d.sync += [
                row.eq(0),
                due.eq(word.due),
                phase.eq(word.phase),
                self.column.eq(word.column),
            ]
        return m


class Sources(wiring.Component):
    """The rows of all maps that a layer reads; or the only one of the results.

    words: of the layer's sources.
    layer: the layer's word.
    begin: the layer begins.
    source: the map whose turn it is.
    sent: its row is being sent.
    token: a token is sent.
    output: results are handed over.
    due: that map has a row due.
    row: that one; as the groups take it.
    line: its number, unless it is of the results.
    """

    words: data.View
    layer: data.View
    begin: Signal
    source: Signal
    sent: Signal
    token: Signal
    output: Signal
    due: Signal
    row: data.View
    line: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths and the number of maps come from `config`."""
        self._config = config
        word = struct(layout.source_descriptor(config))
        super().__init__(
            {
                "words": In(data.ArrayLayout(word, config.maps.sources)),
                "layer": In(phase_layout(config)),
                "source": In(bits_for(config.maps.sources - 1)),
                **{name: In(1) for name in ("begin", "sent", "token", "output")},
                "due": Out(1),
                "row": Out(row_layout(config)),
                "line": Out(bits_for(config.maps.height - 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Each map's next row, and the choice among them."""
        m = Module()
        source, every = self.source, []
        for nth in range(self._config.maps.sources):
            m.submodules[f"source{nth}"] = rows = SourceRows(config=self._config)
            m.d.comb += [
                rows.word.eq(self.words[nth]),
                rows.begin.eq(self.begin),
                rows.sent.eq(self.sent & (source == nth) & ~self.output),
                rows.state.eq(self.token & ~self.begin),
            ]
            every.append(rows)
        words = [self.words[nth].as_value() for nth in range(len(every))]
        word = data.View(
            struct(layout.source_descriptor(self._config)), chosen(m, words, source, "word")
        )
        row, skip = self.row, Signal(name="skip_now")
        reading = Signal(reading_layout(self._config), name="reading_now")
        m.d.comb += [
            self.due.eq(chosen(m, [one.due for one in every], source, "due_of_source")),
            row.valid.eq(self.sent),
            row.source.eq(source),
            row.begins.eq(chosen(m, [one.first for one in every], source, "first_row")),
            row.region.eq(word.region),
            self.line.eq(chosen(m, [one.row for one in every], source, "line_of_source")),
            skip.eq(chosen(m, [one.skip for one in every], source, "skip_of_source")),
            reading.column.eq(chosen(m, [one.column for one in every], source, "column")),
            *(
                reading[name].eq(word[name])
                for name in ("shift", "more", "first", "local", "still")
            ),
        ]
        with m.If(self.output):  # places are positions
            m.d.comb += [
                row.begins.eq(1),
                row.region.eq(self.layer.region),
                skip.eq(0),
                reading.column.eq(0),
                reading.shift.eq(self._config.index_width),
                reading.local.eq(0),
                reading.still.eq(1),
            ]
        with m.If(self.sent):  # kept, because they are needed when its length comes
            m.d.sync += [row.skip.eq(skip), row.reading.eq(reading)]
        return m


def chosen(m: Module, values: list[Value], number: Value, name: str) -> Signal:
    """The value with this number."""
    found = Signal(values[0].shape(), name=name)
    for nth, value in enumerate(values):
        with m.If(number == nth):
            m.d.comb += found.eq(value)
    return found
