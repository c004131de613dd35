"""Records a simulation as waveforms."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from amaranth.sim import Simulator

from golden.format.network import Network
from rtl.engine import Engine
from sim.waves import gtkwave, surfer
from sim.waves.dump import rewrite
from sim.waves.signals import groups
from sim.waves.target import Wave
from sim.waves.window import Window
from toolchain.scratch import scratch


@dataclass(frozen=True, kw_only=True)
class Waveforms:
    """Waveforms of the simulation of a network, to be written."""

    wave: Wave
    """Where to write, and the clock."""
    network: Network
    """What the engine runs."""

    @contextmanager
    def record(
        self, simulator: Simulator, *, engine: Engine, window: Callable[[int], Window]
    ) -> Iterator[None]:
        """Write the files at the end, also after a failed check; not after an interrupt.

        engine: what `simulator` simulates. window: asked at the end, with the period in ps.
        """
        shown = groups(engine, self.network)
        # Each in a group of its own, to tell its names from the next one's.
        signals = [one.signal for group in shown for one in group.signals]
        traces = {str(number): signal for number, signal in enumerate(signals)}
        failure: Exception | None = None
        with scratch(self.wave.file.parent) as folder:
            raw, clean = folder / "raw.vcd", folder / "clean.vcd"
            save = io.StringIO()
            try:
                with simulator.write_vcd(str(raw), save, traces=traces):
                    yield
            except OSError:  # there is no room for the file
                raise
            except Exception as error:
                failure = error
            variables = rewrite(raw, clean, groups=shown, save=save.getvalue())
            self.wave.convert(clean)
        seen = window(self.wave.period_ps)
        gtkwave.write(self.wave.gtkwave, self.wave.file, variables=variables, window=seen)
        surfer.write(self.wave.surfer, variables=variables, window=seen)
        if failure is not None:
            raise failure
