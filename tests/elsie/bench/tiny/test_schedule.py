"""The drawing of a layer on maps: every issue cycle has its output row."""

import itertools
from pathlib import Path

import numpy as np

from elsie.bench.tiny.schedule import draw, rows, span
from golden.format.image import encode
from golden.maps.convolution import Source
from golden.timing.model import TimingModel
from tests.maps import Builder, map_config, map_input


def test_rows_and_the_file(tmp_path: Path) -> None:
    build = Builder(np.random.default_rng(3), map_config(), (2, 9, 6))
    build.conv(5, Source(layer=-1, kernel=(4, 3), pad=(1, 1)), shape=(8, 6), pool=(2, 2))
    build.flatten(3)
    network = build.network()
    trace, _ = TimingModel(encode(network)).run(map_input(build.rng, network))
    found = list(rows(network, trace, 0))
    begin, end = span(trace, 0)
    for kind, drain in (("issue", False), ("steal", True)):
        events = trace.events[kind]
        for pe in range(network.config.group):
            mine = events[(events[:, 0] < end) & (events[:, 1] == pe), 0]
            shown = [row for row in found if row.pe == pe and row.drain == drain]
            cycles = np.sort(np.concatenate([row.cycles for row in shown]))
            assert cycles.tolist() == mine.tolist()
            # One state before the map, for (4 - 1 - 1) div 1 rows above it two; drains by twos.
            numbers = [row.number for row in shown]
            assert set(numbers) <= ({0, 2, 4, 6} if drain else set(range(-2, 8)))
            # Rows one after the other, each drained after all that was sent for it.
            assert all(a.cycles[-1] < b.cycles[0] for a, b in itertools.pairwise(shown))
    entries = {(row.pe, row.number): row for row in found if not row.drain}
    for row in (row for row in found if row.drain):
        last = entries.get((row.pe, row.number + 1))
        assert last is None or last.cycles[-1] < row.cycles[0]
    file = draw(network, trace, tmp_path, layer=0, cycles=(0, end - begin))
    assert file.name == "maps-schedule-random-layer0.svg"
    text = file.read_text()
    assert "row 8" in text
    assert "layer layer0, PEs 0 to 1 of 4" in text
    file.unlink()
    assert draw(network, trace, tmp_path, layer=0, cycles=(0, end - begin)).read_text() == text
