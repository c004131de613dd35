"""Which recurrent networks are exported, and how: a row each."""

from dataclasses import dataclass, replace
from itertools import product

FEATURES, CELLS, STEPS, OUTPUTS = 4, 3, 5, 2


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network in PyTorch, and its export."""

    kind: str
    """lstm or gru."""
    take: str = "last"
    """What of the cells goes into the last Linear; a key of torch_networks.TAKES."""
    layers: int = 1
    before: bool = False
    """A Linear and a Relu come first."""
    then: str = ""
    """A second module behind the first: lstm or gru."""
    batch_first: bool = True
    head: bool = True
    """A Linear comes last."""
    bidirectional: bool = False
    projected: int = 0
    """Size of an LSTM's projection."""
    batch: int = 1
    """Samples of the example that it is exported with."""
    dynamic: bool = False
    """Samples and steps are open."""
    dynamo: bool = True
    """The exporter: torch.export's, or the older one of TorchScript."""

    @property
    def name(self) -> str:
        """Of the file."""
        words = (
            self.kind,
            self.then,
            f"{self.layers}layers" if self.layers > 1 else "",
            "linear" if self.before else "",
            self.take,
            "" if self.head else "bare",
            "" if self.batch_first else "stepsfirst",
            "bidirectional" if self.bidirectional else "",
            f"projected{self.projected}" if self.projected else "",
            "dynamo" if self.dynamo else "legacy",
            f"batch{self.batch}",
            "dynamic" if self.dynamic else "static",
        )
        return "-".join(word for word in words if word)


def _grid() -> list[Case]:
    """Every network, with both exporters, examples of 1 and 2 samples, and open axes or not."""
    networks = []
    for kind in ("lstm", "gru"):
        one = Case(kind=kind)
        networks += [replace(one, take=take) for take in ("last", "slice", "length", "state0")]
        for take, first in product(("last", "state", "all"), (True, False)):
            networks.append(replace(one, take=take, batch_first=first, layers=1 + (take != "all")))
        networks += [
            replace(one, take="state"),
            replace(one, take="all", head=False),
            replace(one, take="state", layers=3),
            replace(one, before=True),
            replace(one, before=True, take="all"),
            replace(one, then="lstm", take="state"),
            replace(one, then="gru"),
        ]
    exports = list(product((False, True), (1, 2), (False, True)))
    return [
        replace(network, dynamo=dynamo, batch=batch, dynamic=dynamic)
        for network in networks
        for dynamo, batch, dynamic in exports
    ]


GRID = _grid()
"""All, made and compared in the long tier."""


def _files() -> list[Case]:
    found = []
    for kind, dynamo in product(("lstm", "gru"), (True, False)):
        one = Case(kind=kind, dynamo=dynamo)
        found += [
            one,
            replace(one, batch=2, dynamic=True),
            replace(one, take="all"),
            replace(one, take="slice", batch=2, dynamic=True),
            replace(one, take="state", layers=2),
        ]
    lstm, gru = Case(kind="lstm"), Case(kind="gru")
    old = replace(lstm, dynamo=False)
    return [
        *found,
        replace(lstm, take="slice"),
        replace(old, take="length", batch=2, dynamic=True),
        replace(old, take="state", dynamic=True),
        replace(gru, take="state0"),
        replace(lstm, take="state", layers=2, batch=2, dynamic=True),
        replace(gru, layers=2, batch_first=False),
        replace(lstm, take="all", batch_first=False),
        replace(lstm, before=True),
        replace(gru, before=True, batch=2, dynamic=True, dynamo=False),
        replace(lstm, then="lstm", take="state"),
        replace(lstm, then="gru", batch=2, dynamic=True),
        replace(old, then="gru"),
    ]


FILES = _files()
"""Those whose files are kept."""
BARRED = (
    Case(kind="lstm", projected=2),
    Case(kind="gru", layers=2, batch_first=False, batch=2, dynamic=True),
    Case(kind="lstm", bidirectional=True),
    Case(kind="gru", bidirectional=True, dynamo=False),
)
"""Kept too, and refused."""
KERAS = (
    "keras-lstm-last",
    "keras-lstm-all",
    "keras-lstm-all-static",
    "keras-lstm-two",
    "keras-lstm-relu",
    "keras-gru-last",
    "keras-gru-all",
)
"""Files of Keras' networks."""
REFUSED: dict[str, tuple[str, ...]] = {
    BARRED[0].name: ("(LSTM)", "projection", "proj_size"),
    # The exporter fixes the steps, though the file says that they are open.
    BARRED[1].name: ("(Reshape)", "if 5 stands for the steps", "steps fixed"),
    BARRED[2].name: ("(LSTM)", "direction bidirectional"),
    BARRED[3].name: ("(GRU)", "direction bidirectional"),
    "keras-lstm-bidirectional": ("(LSTM)", "direction bidirectional"),
}
"""By file: what its refusal says."""
