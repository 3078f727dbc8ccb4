"""Progress of a fit on the terminal: a bar, and words; neither can end a fit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Self

from tqdm.auto import tqdm

from tsdiff.advice import advise


class _Drawn(tqdm):
    """A bar that may fail before it has begun; there is then nothing to close."""

    def close(self) -> None:
        if hasattr(self, "start_t"):
            super().close()


class Bar:
    """One progress bar over a budget.

    A terminal that is gone is warned of once; the work goes on without the bar.

    Parameters
    ----------
    verbose : int
        0 shows nothing.

    Examples
    --------
    >>> with Bar(verbose=0) as bar:
    ...     bar.show(0.5, "loss 0.1")
    """

    LOOK = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"

    def __init__(self, verbose: int) -> None:
        self._bar: Any = None
        if verbose:
            self._try(self._begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:
            self.show(1.0)
        if self._bar is not None:
            self._try(self._bar.close)

    def show(self, share: float, words: str = "") -> None:
        """Move the bar to a share of the budget, with words behind it.

        Parameters
        ----------
        share : float
        words : str, default ""
            Empty leaves those that are there.
        """
        if self._bar is not None:
            self._try(self._move, share, words)

    def _begin(self) -> None:
        self._bar = _Drawn(total=100, desc="fit", bar_format=self.LOOK)

    def _move(self, share: float, words: str) -> None:
        self._bar.update(min(100.0, 100 * share) - self._bar.n)
        if words:
            self._bar.set_postfix_str(words, refresh=False)

    def _try(self, write: Callable[..., Any], *what: Any) -> None:
        try:
            write(*what)
        except (OSError, ValueError) as error:  # a file that is closed is a ValueError
            if self._bar is not None:
                self._bar.disable = True  # or it would be drawn again at its end
            self._bar = None
            _warn(error)


def say(words: str) -> None:
    """Write a line to stderr, beside any bar; one that is gone is warned of.

    Parameters
    ----------
    words : str
    """
    try:
        tqdm.write(words, file=sys.stderr)
    except (OSError, ValueError) as error:
        _warn(error)


def _warn(error: Exception) -> None:
    advise(f"Progress can't be written ({error}); the fit goes on without it.")
