"""Work for many processes: in whatever backend of joblib the caller has opened."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def check_n_jobs(n_jobs: Any) -> int:
    """Check a number of jobs as joblib counts them.

    Parameters
    ----------
    n_jobs : int
        -1 is all cores.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is anything else, or 0.

    Examples
    --------
    >>> check_n_jobs(-1)
    -1
    """
    if not isinstance(n_jobs, int) or isinstance(n_jobs, bool) or not n_jobs:
        raise ValueError(
            f"n_jobs must be a whole number other than 0, got {n_jobs!r}; -1 is all "
            "cores."
        )
    return n_jobs


def as_completed(
    function: Callable[[Item], Result], items: Iterable[Item], n_jobs: int | None
) -> Iterator[Result]:
    """Call a function for each item, and yield what it returns as it comes.

    Parameters
    ----------
    function : callable
        Of a module, so that it can go to another process.
    items : iterable
    n_jobs : int or None
        As in joblib; None leaves it to ``joblib.parallel_config``.

    Yields
    ------
    object
        In any order.

    Examples
    --------
    >>> sorted(as_completed(abs, [-1, 2, -3], 1))
    [1, 2, 3]
    """
    calls = (delayed(function)(item) for item in items)
    yield from _pool(n_jobs)(calls)


def _pool(n_jobs: int | None) -> Any:
    """Make a pool that yields as it goes, or one that doesn't: ray's can't."""
    try:
        return Parallel(n_jobs, return_as="generator_unordered", max_nbytes=None)
    except ValueError as error:
        if "return_as" not in str(error):
            raise
        return Parallel(n_jobs, max_nbytes=None)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that sums are added in the same order everywhere.

    The settings of torch, OpenMP and BLAS come back on leaving.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    with threadpool_limits(limits=1):
        if torch:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)
