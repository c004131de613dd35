"""Small networks in training; only for tests that have PyTorch."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

import copy
from pathlib import Path

import numpy as np
import torch
from torch import nn

import elsie.torch
from golden.format.network import Network

torch.set_num_threads(1)
STEPS = 120


class Cells(nn.Module):
    """Two layers of cells, and a head on the last step."""

    def __init__(self, kind: type[nn.Module], layers: int = 2) -> None:
        super().__init__()
        self.cells = kind(4, 6, num_layers=layers, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


def network(name: str) -> nn.Module:
    torch.manual_seed(1)
    if name == "linear":
        return nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 5))
    if name == "conv":
        first, second = nn.Conv1d(3, 6, 2), nn.Conv2d(1, 2, 2)
        flat = nn.Sequential(nn.Flatten(), nn.Linear(20, 5))
        return nn.Sequential(first, nn.ReLU(), nn.Unflatten(1, (1, 6)), second, flat)
    return Cells({"lstm": nn.LSTM, "gru": nn.GRU}[name])


def inputs(name: str) -> torch.Tensor:
    """Of numbers up to some 10, so that the two matrices of cells have different scales."""
    shape = {"linear": (256, 12), "conv": (256, 3, 4)}.get(name, (256, 7, 4))
    return torch.from_numpy(np.random.default_rng(2).normal(0, 3, shape).astype(np.float32))


class Run:
    """A module in its loop, which can be broken off and gone on with."""

    def __init__(self, name: str, **options) -> None:
        self.model, self.x = network(name), inputs(name)
        self.y = torch.randint(0, 3, (len(self.x),), generator=torch.Generator().manual_seed(3))
        self.teacher = copy.deepcopy(self.model)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=0.01)
        self.session = elsie.torch.prepare(
            self.model, total_steps=STEPS, calibration=self.x, **options
        )

    def train(self, steps: int) -> "Run":
        for _ in range(steps):
            done = self.session.steps[0]
            rows = torch.arange(64) + 64 * (done % 4)
            self.optimiser.zero_grad()
            loss = nn.functional.cross_entropy(self.model(self.x[rows]), self.y[rows])
            loss.backward()
            self.optimiser.step()
            self.session.step()
        return self

    def save(self, path: Path) -> None:
        parts = (self.model, self.optimiser, self.session)
        torch.save([part.state_dict() for part in parts], path)

    def load(self, path: Path) -> "Run":
        parts = (self.model, self.optimiser, self.session)
        for part, state in zip(parts, torch.load(path), strict=True):
            part.load_state_dict(state)
        return self

    def weights(self) -> dict[str, np.ndarray]:
        return {name: value.numpy().copy() for name, value in self.model.state_dict().items()}


def compiled(run: Run, path: Path, weights: str) -> Network:
    run.session.finalize(path)
    return elsie.compile(path, calibration=run.x.numpy(), weights=weights)
