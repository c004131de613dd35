"""Pruning and sharing of weights inside somebody's own PyTorch loop, and delta-aware training.

>>> import elsie.torch
>>> s = elsie.torch.prepare(model, density=.06, weights="codebook", total_steps=2000)
>>> for x, y in batches:
...     optimiser.zero_grad()
...     loss(model(x), y).backward()
...     optimiser.step()
...     s.step()
>>> s.finalize("small.onnx", example=x)

PyTorch only moves the tensors: masks and alphabets are those of elsie.compress.train.
"""

from elsie.frameworks.extras import need

need("torch", "torch", what="elsie.torch")

from elsie.torch.delta import Delta, Sent  # noqa: E402
from elsie.torch.export import export_onnx  # noqa: E402
from elsie.torch.session import Session, prepare  # noqa: E402

__all__ = ["Delta", "Sent", "Session", "export_onnx", "prepare"]
