"""One thread for linear algebra, so that the same input gives the same bytes on every machine.

With more, BLAS adds the parts of a sum in another order, and a last bit can turn a weight's code.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
T = TypeVar("T")


def one_thread(work: Callable[P, T]) -> Callable[P, T]:
    """`work`, during which BLAS has one thread; afterwards it has as many as before."""

    @functools.wraps(work)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(limits=1, user_api="blas"):
            return work(*args, **kwargs)

    return limited
