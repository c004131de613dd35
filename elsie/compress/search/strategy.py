"""In which order candidates are measured, and which of them a goal takes.

Few samples make a drop uncertain: of 128, one is .8 points. The outputs' error is much less so, and
on average more error means more drop. So the most accurate network is that of least error; and a
network keeps to a drop if its own drop does, and also what a line through all measured drops that
never falls with the error (isotonic regression) says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from scipy.optimize import isotonic_regression

from elsie.compress.search.goal import Goal
from elsie.compress.search.predict import Guess, Predictor
from elsie.compress.search.trial import Row, Shape, Trials
from golden.errors import CheckFailed, DoesNotFit, ElsieError

_FINEST, _COARSEST = 0.02, 1.0
"""Relative errors between which the smallest network within a drop is looked for."""
_STEPS = 6
"""Times that this is halved, in logarithms: to 7 %."""
_KINDS = 3
"""Shapes that are measured at one budget, and one more for each structure but the first."""
_CHALLENGERS = 2
"""Other shapes that are measured at the error that was found."""
_BELOW = (0.8, 0.6)
"""Shares of a budget that are measured too, to show what they cost."""
_MARGIN, _NEAR = 0.985, 0.965
"""Of the budget, for which a network is guessed; and with less than which it is guessed again."""
_STEP_DOWN = 0.85
"""Of the bits of a network that did not fit the board: so many may, perhaps."""
_FITS = 5
"""Times that one is guessed for a budget or a board."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A guess and what came of it."""

    guess: Guess
    """Before."""
    row: Row
    """After."""


class Strategy:
    """Measures candidates for one goal."""

    def __init__(
        self,
        *,
        predictor: Predictor,
        trials: Trials,
        goal: Goal,
        limits: Mapping[Shape, float],
        caps: dict[Shape, float],
    ) -> None:
        """limits: bits that a network may have, by shape. caps: that it can have on the board."""
        self._predictor = predictor
        self._trials = trials
        self._goal = goal
        self._limits = limits
        self._caps = caps
        self._name = f"network {trials.model.name}"
        self._seen: dict[str, Measured | None] = {}
        self._refusal: ElsieError | None = None

    @property
    def measured(self) -> list[Measured]:
        """All that fitted the board, in the order of trials."""
        return [one for one in self._seen.values() if one]

    @property
    def allowed(self) -> list[Measured]:
        """Those of them that are no larger than they may be."""
        return [
            one for one in self.measured if one.row.bits <= self._limits[one.guess.candidate.shape]
        ]

    def run(self) -> Measured:
        """What the goal asks for. Raises CheckFailed when nothing that was found does."""
        most = self._goal.max_drop
        if self._goal.budget is None:
            assert most is not None
            return self._smallest(most)
        return self._checked(self._most_accurate())

    def smaller(self, one: Measured, bits: float, why: ElsieError | None = None) -> Measured:
        """Another network of the same shape with at most so many bits, as `one` is refused."""
        shape, self._refusal = one.guess.candidate.shape, why
        self._caps[shape] = min(self._caps[shape], bits)
        found = self._fit(shape, 1.0)
        if found is None:
            self._too_small()
        return self._checked(found)

    def _checked(self, best: Measured) -> Measured:
        """Raise CheckFailed if it loses too much."""
        most = self._goal.max_drop
        if most is not None and best.row.drop > most:
            raise CheckFailed(
                f"{self._name}: the best within {kbit(self._cap(best.guess))} that was found "
                f"{best.row}; --max-drop allows {most:g}: use a larger --budget, or --effort normal"
            )
        return best

    def _smallest(self, most: float) -> Measured:
        """The smallest network that loses at most so many points, then the fastest."""
        low, high = np.log(_FINEST), np.log(_COARSEST)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            guesses = self._reaching(middle)
            tried = self._try(guesses[0]) if guesses else None
            if tried is None or tried in self._good(most):
                low = middle
            else:
                high = middle
        good = self._good(most)
        if not good:
            guesses = [self._predictor.within(shape, cap) for shape, cap in self._caps.items()]
            self._try(min(guesses, key=lambda guess: guess.error))
            good = self._good(most)
        if not good:
            best = min(self.measured, key=_error, default=None)
            if best is None:
                raise self._nowhere()
            raise CheckFailed(
                f"{self._name}: --max-drop allows {most:g} points, and the best that was found "
                f"{best.row}, at {kbit(best.row.bits)}: use --effort normal, other --weights, or "
                f"more --code-width or --act-width"
            )
        best = min(good, key=_size)
        others = [g for g in self._reaching(low) if g.bits < 1.1 * best.row.bits]
        for guess in others[:_CHALLENGERS]:
            self._try(guess)
        return min(self._good(most), key=_size)

    def _most_accurate(self) -> Measured:
        """The network of least error within the budget, then the smallest."""
        guesses = [self._predictor.within(s, _MARGIN * cap) for s, cap in self._caps.items()]
        room = [guess for guess in guesses if guess.bits <= self._cap(guess)]
        structures = len({shape.structure for shape in self._caps})
        for guess in sorted(room, key=lambda guess: guess.error)[: _KINDS + structures - 1]:
            self._fit(guess.candidate.shape, _MARGIN)
        within = self.allowed
        if not within:
            self._too_small()
        best = min(within, key=_error)
        near = best.row.bits > _NEAR * self._cap(best.guess)
        for share in (*(() if near else (_MARGIN,)), *_BELOW):
            self._fit(best.guess.candidate.shape, share)
        return min(self.allowed, key=_error)

    def _fit(self, shape: Shape, share: float) -> Measured | None:
        """The best network that takes at most `share` of what it may; None when none is so small.

        Guesses err, so it is guessed again from what the last one took.
        """
        for _ in range(_FITS):
            guess = self._predictor.within(shape, share * self._caps[shape])
            if guess.bits > share * self._caps[shape]:
                return None
            one = self._try(guess)
            if one and one.row.bits <= self._caps[shape]:
                return one
        return None

    def _try(self, guess: Guess) -> Measured | None:
        """Measure a guess, once; None when there can be no such network."""
        key = repr(guess.candidate)
        if key not in self._seen:
            try:
                row = self._trials.measure(guess.candidate)
            except ElsieError as error:  # too large for the board, or for the accumulators
                self._refusal, self._seen[key] = error, None
                shape = guess.candidate.shape
                self._caps[shape] = min(self._caps[shape], _STEP_DOWN * guess.bits)
            else:
                self._predictor.correct(guess, row.bits)
                self._seen[key] = Measured(guess=guess, row=row)
        return self._seen[key]

    def _reaching(self, error: float) -> list[Guess]:
        """The smallest networks of at most this error, in logarithms, that may fit the board."""
        return [g for g in self._predictor.cheapest(np.exp(error) ** 2) if g.bits <= self._cap(g)]

    def _good(self, most: float) -> list[Measured]:
        """Those that lose no more, and would not only by luck; without any, those by luck."""
        ordered = sorted(self.measured, key=_error)
        if not ordered:
            return []
        expected = isotonic_regression([one.row.drop for one in ordered]).x
        lucky = [one for one in ordered if one.row.drop <= most]
        sure = [one for one, drop in zip(ordered, expected, strict=True) if drop <= most]
        return [one for one in lucky if one in sure] or lucky

    def _cap(self, guess: Guess) -> float:
        return self._caps[guess.candidate.shape]

    def _too_small(self) -> NoReturn:
        """Nothing is so small: say what the smallest takes."""
        best = min(self.measured, key=_size, default=None)
        if best is None:
            least = [self._predictor.within(shape, 0.0) for shape in self._caps]
            best = self._try(min(least, key=lambda guess: guess.bits))
        if best is None or self._goal.budget is None:
            raise self._nowhere()
        raise CheckFailed(
            f"{self._name}: the smallest that was found takes {kbit(best.row.bits)} and "
            f"{best.row}; --budget allows {kbit(self._cap(best.guess))}: pointers and biases are "
            f"needed at any density, and fewer --pes have fewer pointers"
        )

    def _nowhere(self) -> ElsieError:
        assert self._refusal is not None
        if not isinstance(self._refusal, DoesNotFit):
            return self._refusal
        remedy = "no density helps: use fewer --pes, another --board, or smaller layers"
        return DoesNotFit(self._refusal.fact, remedy)


def _error(one: Measured) -> tuple[float, float, float]:
    """Less error first, then smaller, then faster."""
    return one.row.relative_error, *_size(one)


def _size(one: Measured) -> tuple[float, float]:
    """Smaller first, then faster."""
    return one.row.bits, one.row.cycles


def kbit(bits: float) -> str:
    """For people."""
    return f"{bits / 1000:.1f} kbit"
