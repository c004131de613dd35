"""Where waveforms go, and the clock of their time axis."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from golden.errors import ElsieError
from toolchain import process

CLOCK_MHZ = 100.0
"""The clock without a board: a cycle is 10 ns, so that cycles are easy to count."""
CONVERTER = "vcd2fst"
"""The program that writes FST; it comes with GTKWave."""


@dataclass(frozen=True, kw_only=True)
class Wave:
    """A file of waveforms and its companions, which open it in GTKWave and in Surfer.

    Raises ElsieError when the file's ending is unknown, or the program that writes it is missing.
    """

    file: Path
    """VCD or FST, by its ending."""
    clock_mhz: float = CLOCK_MHZ
    """The engine's clock."""

    def __post_init__(self) -> None:
        """Refuse a file that cannot be written, before anything is simulated."""
        if self.file.suffix not in (".vcd", ".fst"):
            raise ElsieError(
                f"{self.file}: waveforms are .vcd or .fst; give the file one of these endings"
            )
        if self.file.suffix == ".fst" and shutil.which(CONVERTER) is None:
            raise ElsieError(
                f"{self.file}: {CONVERTER} is not installed, which writes .fst; install GTKWave "
                f"with your system's packages, or name the file .vcd"
            )

    @property
    def gtkwave(self) -> Path:
        """GTKWave's save file."""
        return self.file.with_suffix(".gtkw")

    @property
    def surfer(self) -> Path:
        """Surfer's command file."""
        return self.file.with_suffix(".sucl")

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are written."""
        return (self.file, self.gtkwave, self.surfer)

    @property
    def commands(self) -> list[str]:
        """The commands that open it."""
        return [f"gtkwave {self.file} {self.gtkwave}", f"surfer {self.file} -c {self.surfer}"]

    @property
    def period_ps(self) -> int:
        """The clock's period in ps; even, so that both of its halves are whole."""
        return 2 * round(500_000 / self.clock_mhz)

    @property
    def period(self) -> float:
        """The same in seconds, slightly more, because Amaranth truncates it to femtoseconds."""
        return (1000 * self.period_ps + 0.5) * 1e-15

    def convert(self, vcd: Path) -> None:
        """Write the file from a finished VCD beside it, which may be taken away."""
        if self.file.suffix == ".vcd":
            os.replace(vcd, self.file)
            return
        made = vcd.with_suffix(".fst")
        done = process.run([CONVERTER, str(vcd), str(made)])
        if done.code:
            raise ElsieError(f"{CONVERTER} failed: {done.reason}")
        if not made.exists():
            raise ElsieError(f"{CONVERTER} ended without an error but wrote nothing")
        os.replace(made, self.file)
