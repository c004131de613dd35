"""Inputs as sequences, and which step of which sequence runs when."""

import numpy as np
import pytest

from golden.arithmetic.run import forward
from golden.arithmetic.sequences import Sequences, interleave
from golden.errors import ElsieError
from golden.format.network import Network
from tests.cells import cell_config, cell_network
from tests.networks import random_input, random_network, small_config


def recurrent(*, streams: int, head: bool) -> Network:
    rng = np.random.default_rng(1)
    return cell_network(rng, cell_config(streams=streams), head=head)


def test_sequences_take_streams_in_turn_by_hand() -> None:
    """Lengths 2, 3, 1 on two streams: the third follows the first, then its stream idles."""
    network = recurrent(streams=2, head=True)
    x = np.zeros((3, 3, network.n_in), dtype=np.int64)
    x[:, :, 0] = [[1, 2, 0], [3, 4, 5], [6, 0, 0]]
    steps = interleave(network, Sequences.of(network, x, [2, 3, 1]))
    assert [step.x[:, 0].tolist() for step in steps] == [[1, 3], [2, 4], [6, 5]]
    assert [step.reset for step in steps] == [(True, True), (False, False), (True, False)]
    assert [step.answer for step in steps] == [False, True, True]


def test_a_stream_without_a_sequence_idles_on_zeros() -> None:
    network = recurrent(streams=2, head=False)
    x = np.ones((1, 2, network.n_in), dtype=np.int64)
    steps = interleave(network, Sequences.of(network, x))
    assert [step.x[:, 0].tolist() for step in steps] == [[1, 0], [1, 0]]
    assert [step.reset for step in steps] == [(True, True), (False, True)]
    assert all(step.answer for step in steps)


def test_a_vector_is_a_step_of_one_stream() -> None:
    network = random_network(np.random.default_rng(2), small_config([6, 5]), [6, 5])
    x = random_input(np.random.default_rng(3), network, 4)
    given = Sequences.of(network, x)
    assert (given.single, given.x.shape) == (True, (4, 1, 6))
    steps = interleave(network, given)
    assert np.array_equal(np.concatenate([step.x for step in steps]), x)
    assert forward(network, x).shape == (4, 5)


def test_lengths_that_do_not_fit_are_refused() -> None:
    network = recurrent(streams=1, head=True)
    x = np.zeros((2, 3, network.n_in), dtype=np.int64)
    for lengths, text in (
        ([1], "lengths must be 2 integers, one for each sample"),
        ([1.0, 2.0], "lengths must be 2 integers, one for each sample"),
        ([0, 2], "lengths must be from 1 to the number of steps, 3"),
        ([1, 4], "lengths must be from 1 to the number of steps, 3"),
    ):
        with pytest.raises(ElsieError, match=text):
            forward(network, x, lengths)
    plain = random_network(np.random.default_rng(2), small_config([6, 5]), [6, 5])
    with pytest.raises(ElsieError, match="network random takes no sequences; leave out lengths"):
        forward(plain, np.zeros((2, 6)), [1, 1])
