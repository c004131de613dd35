"""The numbers of a layer that learn."""

import numpy as np
import pytest

from elsie.compress.train.gradients import Adam
from elsie.compress.train.live import Live, sizes

WHOLE = np.array([[1.0, 0.0, 2.0, 0.0], [0.0, 3.0, 0.0, 5.0]])
"""Three columns of weights; the biases are 0 and 5, and a bias of 0 learns too."""


def test_weights_first_then_biases() -> None:
    live = Live([WHOLE])
    assert live.values.tolist() == [1, 2, 3, 0, 5]
    assert live.weights.tolist() == [[1, 2, 3]]
    live.weights[0, 1] = 7
    live.values[3] = 8
    assert live.values.tolist() == [1, 7, 3, 8, 5]
    assert live.arrays[0].tolist() == WHOLE.tolist(), "nothing is written before put"
    live.put()
    assert live.arrays[0].tolist() == [[1, 0, 7, 8], [0, 3, 0, 5]]
    live.put(np.array([[-1.0, -2.0, -3.0]]))
    assert live.arrays[0].tolist() == [[-1, 0, -2, 8], [0, -3, 0, 5]]
    assert live.values.tolist() == [1, 7, 3, 8, 5]


def test_gradients() -> None:
    live = Live([WHOLE])
    gradient = live.gradient([np.arange(8.0).reshape(2, 4)], 0.5)
    assert gradient.tolist() == [0 + 0.5, 2 + 1.0, 5 + 1.5, 3, 7], "no decay of biases"
    live.share(gradient, lambda weights: 2 * weights)
    assert gradient.tolist() == [1, 6, 13, 3, 7]


BESIDE = np.array([[4.0, 0.0]])
UNITS = [np.array([[2.0, 1.0, 8.0, 1.0]] * 2), np.full((1, 2), 0.25)]


def test_values_are_in_units() -> None:
    live = Live([WHOLE, BESIDE], UNITS)
    assert live.zeros
    assert not Live([WHOLE]).zeros
    assert live.values.tolist() == [2, 16, 3, 1, 0, 5]
    live.put()
    assert live.arrays[0].tolist() == WHOLE.tolist()
    live.weights[0] *= 2
    live.put(2 * live.weights)
    assert live.arrays[0].tolist() == (WHOLE * [4, 4, 4, 1]).tolist()
    assert live.arrays[1].tolist() == [[16, 0]]
    rates = [live.rates([0.5, 0.25], equal=equal) for equal in (False, True)]
    assert np.array_equal(rates[0], [1, 4, 0.5, 0.0625, 0.5, 0.5])
    assert np.array_equal(rates[1], [0.0625] * 4 + [0.5] * 2), "biases have their own"
    assert np.array_equal(Live([WHOLE, BESIDE]).rates([0.5, 0.25]), [0.5, 0.5, 0.5, 0.25, 0.5, 0.5])
    assert Live([WHOLE]).rates([0.5]) == 0.5
    assert sizes([WHOLE, BESIDE]) == [pytest.approx(np.sqrt(14 / 3)), 4]


def test_gradients_in_units_are_those_of_differences() -> None:
    live = Live([WHOLE, BESIDE], UNITS)
    random = np.random.default_rng(1)
    slopes = [random.normal(size=WHOLE.shape), random.normal(size=BESIDE.shape)]

    def loss() -> float:
        live.put()
        pairs = zip(live.arrays, slopes, strict=True)
        return float(sum((array * slope).sum() for array, slope in pairs))

    found = live.gradient(slopes, 0.0)
    for place, kept in enumerate(live.values.tolist()):
        before = loss()
        live.values[place] = kept + 1
        assert loss() - before == pytest.approx(found[place])
        live.values[place] = kept


def test_what_stays_keeps_its_moments() -> None:
    """A thinner matrix goes on as if its weights had been alone from the start."""
    thinner = WHOLE.copy()
    thinner[0, 2] = 0
    both, alone = Live([WHOLE]), Live([thinner])
    stays = both.stays([thinner])
    assert stays.tolist() == [True, False, True, True, True]
    gradient = np.array([0.1, 9.0, -0.2, 0.3, 0.4])
    more, fewer = Adam([both.values], [0.01]), Adam([alone.values], [0.01])
    more.step([both.values], [gradient], 1.0)
    fewer.step([alone.values], [gradient[stays]], 1.0)
    more.keep([stays])
    left = both.values[stays]
    more.step([left], [gradient[stays]], 1.0)
    fewer.step([alone.values], [gradient[stays]], 1.0)
    assert np.allclose(left, alone.values, rtol=1e-6)
    assert not np.allclose(left, WHOLE.reshape(-1)[[0, 5, 3, 7]])
