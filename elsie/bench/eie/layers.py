"""The nine layers of EIE (Han et al., ISCA 2016): Table III, and the times of Table IV."""

from dataclasses import dataclass

from golden.errors import ElsieError

PES = 64
"""Processing elements of EIE as published."""
CLOCK_MHZ = 800
"""Its clock."""
QUEUE = 8
"""Its activation queues' depth."""


@dataclass(frozen=True, kw_only=True)
class PaperLayer:
    """One row of Table III, with EIE's time from Table IV."""

    name: str
    """As in the paper."""
    n_in: int
    """Columns."""
    n_out: int
    """Rows."""
    weights: float
    """Share of weights that are not 0."""
    activations: float
    """Share of input activations that are not 0."""
    microseconds: float
    """EIE's "actual computation time", 64 PEs."""

    @property
    def cycles(self) -> float:
        """That time in cycles of EIE's clock."""
        return self.microseconds * CLOCK_MHZ

    @property
    def useful_utilisation(self) -> float:
        """MACs by Table III / (PEs x cycles).

        The paper gives its efficiency with padding counted as work; here, as everywhere in Elsie,
        only weights and activations that are not 0 count.
        """
        macs = self.n_in * self.n_out * self.weights * self.activations
        return macs / (PES * self.cycles)


def _layer(
    name: str, n_in: int, n_out: int, weights: float, activations: float, microseconds: float
) -> PaperLayer:
    return PaperLayer(
        name=name,
        n_in=n_in,
        n_out=n_out,
        weights=weights,
        activations=activations,
        microseconds=microseconds,
    )


LAYERS: tuple[PaperLayer, ...] = (
    _layer("Alex-6", 9216, 4096, 0.09, 0.351, 30.3),
    _layer("Alex-7", 4096, 4096, 0.09, 0.353, 12.2),
    _layer("Alex-8", 4096, 1000, 0.25, 0.375, 9.9),
    _layer("VGG-6", 25088, 4096, 0.04, 0.183, 34.4),
    _layer("VGG-7", 4096, 4096, 0.04, 0.375, 8.7),
    _layer("VGG-8", 4096, 1000, 0.23, 0.411, 8.4),
    _layer("NT-We", 4096, 600, 0.10, 1.0, 8.0),
    _layer("NT-Wd", 600, 8791, 0.11, 1.0, 13.9),
    _layer("NT-LSTM", 1201, 2400, 0.10, 1.0, 7.5),
)


def find(name: str) -> PaperLayer:
    """The layer called `name`, in any case. Raises ElsieError listing the names."""
    for layer in LAYERS:
        if layer.name.lower() == name.strip().lower():
            return layer
    raise ElsieError(f"no layer {name!r}; there are {', '.join(layer.name for layer in LAYERS)}")
