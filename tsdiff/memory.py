"""Out of memory: the same work again by smaller batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from tsdiff.advice import advise

Result = TypeVar("Result")

# by torch, of a plain RuntimeError
_SAID = ("out of memory", "allocate memory", "STATUS_ALLOC_FAILED")


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error says that there is no more memory.

    Parameters
    ----------
    error : BaseException
        Torch raises an OutOfMemoryError beside the CPU and else a RuntimeError, Python
        and numpy a MemoryError.

    Returns
    -------
    bool

    Examples
    --------
    >>> lacks_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    True
    >>> lacks_memory(RuntimeError("shapes differ"))
    False
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error) if isinstance(error, RuntimeError) else ""
    return any(words in said for words in _SAID)


def halve_batches(
    work: Callable[[int | None], Result],
    batch_size: int | None,
    default: Callable[[], int],
    start: int | None = None,
) -> Result:
    """Do the work, and again with half the batch as long as memory does not suffice.

    Parameters
    ----------
    work : callable
        Told the batch size; begins anew at each call.
    batch_size : int or None
        That was asked for; None leaves it to the work.
    default : callable
        Tells what None means.
    start : int, optional
        To begin with, if an earlier attempt has come down to it; as asked by default.

    Returns
    -------
    object
        What the work returns.

    Raises
    ------
    MemoryError
        If memory does not suffice for a batch of 1.

    Warns
    -----
    UserWarning
        If a smaller batch was taken.

    Examples
    --------
    >>> halve_batches(lambda batch_size: batch_size, 8, lambda: 4)
    8
    """
    size = start or batch_size
    result = _attempt(work, size)
    while isinstance(result, _Failed):
        size = size or default()
        if size == 1:
            raise MemoryError(
                f"Memory does not suffice even with batch_size=1: {result.said}. Give "
                "a shorter window, less width or depth, or fewer columns at once."
            )
        size //= 2
        result = _attempt(work, size)
    if size != batch_size:
        first = batch_size or default()
        advise(
            f"There was not enough memory at batch_size={first}; the fit was made with "
            f"batch_size={size}. Give it, or a shorter window, to avoid the trials."
        )
    return result


class _Failed:
    """What was said when memory did not suffice, without what held the memory."""

    def __init__(self, error: BaseException) -> None:
        self.said = str(error).splitlines()[0] if str(error) else type(error).__name__


def _attempt(
    work: Callable[[int | None], Result], batch_size: int | None
) -> Result | _Failed:
    try:
        return work(batch_size)
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        return _Failed(error)
