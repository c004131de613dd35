"""Cycles of a compiled network, from the timing model."""

from collections.abc import Sequence
from dataclasses import replace

from golden.arithmetic.sequences import Sequences, interleave
from golden.format.image import encode
from golden.format.network import Network
from golden.timing.model import TimingModel
from golden.timing.unpack import Counters


def counters(network: Network, given: Sequences, samples: int) -> Sequence[Counters]:
    """Of each step of the first `samples` of integer sequences."""
    first = replace(given, x=given.x[:samples], lengths=given.lengths[:samples])
    model = TimingModel(encode(network))
    return [
        model.run(step.x, reset=step.reset, answer=step.answer)[1]
        for step in interleave(network, first)
    ]
