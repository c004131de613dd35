"""A small multilayer perceptron trained with Adam under pruning masks, in numpy.

It makes the network that `elsie train` starts from, and all figures are of its files, so it stays.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.prune.prune import prune
from examples.parts import Part


class Mlp:
    """Relu layers and a linear last one; trained on softmax cross entropy."""

    def __init__(self, widths: Sequence[int], *, seed: int, name: str = "digits") -> None:
        """He initialisation; `widths` from input to output."""
        self.name = name
        self.random = np.random.default_rng(seed)
        self.weights = [
            self.random.normal(0.0, np.sqrt(2 / n_in), (n_out, n_in))
            for n_in, n_out in pairwise(widths)
        ]
        self.biases = [np.zeros(n_out) for n_out in widths[1:]]
        self.masks = [np.ones_like(weight) for weight in self.weights]

    def model(self) -> Model:
        """As it is now; layers fc1, fc2 and so on."""
        names = [f"fc{number}" for number in range(1, len(self.weights) + 1)]
        functions = ["relu"] * (len(names) - 1) + ["identity"]
        layers = [
            FloatDense(name=name, weight=weight.copy(), bias=bias.copy(), activation=function)
            for name, weight, bias, function in zip(
                names, self.weights, self.biases, functions, strict=True
            )
        ]
        return Model(name=self.name, layers=tuple(layers))

    def forward(self, x: NDArray) -> list[NDArray[np.float64]]:
        """Activations of every layer, input first."""
        activations = [np.asarray(x, dtype=np.float64)]
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            sums = activations[-1] @ weight.T + bias
            last = number == len(self.weights) - 1
            activations.append(sums if last else np.maximum(sums, 0.0))
        return activations

    def accuracy(self, part: Part) -> float:
        """Percent of samples whose largest output is the label."""
        return 100.0 * float(np.mean(self.forward(part.x)[-1].argmax(axis=1) == part.y))

    def prune(self, densities: Sequence[float]) -> None:
        """Magnitude pruning of every layer; the masks hold until the next call."""
        for number, density in enumerate(densities):
            self.weights[number] = prune(self.weights[number], density)
            self.masks[number] = (self.weights[number] != 0).astype(np.float64)

    def train(self, part: Part, *, epochs: int, rate: float, decay: float, batch: int = 64) -> None:
        """Adam with a learning rate that falls along a cosine from `rate` to 0."""
        parameters = [*self.weights, *self.biases]
        first = [np.zeros_like(p) for p in parameters]
        second = [np.zeros_like(p) for p in parameters]
        batches = -(-len(part.x) // batch)
        order = np.arange(len(part.x))
        for step in range(epochs * batches):
            if step % batches == 0:
                order = self.random.permutation(len(part.x))
            chosen = order[step % batches * batch :][:batch]
            gradients = self._gradients(part.x[chosen], part.y[chosen], decay)
            now = rate * 0.5 * (1 + np.cos(np.pi * step / (epochs * batches)))
            for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                unbiased = np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8
                p -= now * m / (1 - 0.9 ** (step + 1)) / unbiased

    def _gradients(self, x: NDArray, y: NDArray, decay: float) -> list[NDArray[np.float64]]:
        """Of the mean cross entropy + decay / 2 x squared weights; masked; weights, then biases."""
        activations = self.forward(x)
        scores = np.exp(activations[-1] - activations[-1].max(axis=1, keepdims=True))
        delta = scores / scores.sum(axis=1, keepdims=True)
        delta[np.arange(len(y)), y] -= 1
        delta /= len(y)
        weights: list[NDArray[np.float64]] = []
        biases: list[NDArray[np.float64]] = []
        for number in reversed(range(len(self.weights))):
            gradient = delta.T @ activations[number] + decay * self.weights[number]
            weights.insert(0, gradient * self.masks[number])
            biases.insert(0, delta.sum(axis=0))
            delta = (delta @ self.weights[number]) * (activations[number] > 0)
        return weights + biases
