"""How long the blocks of a bootstrap should be."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def automatic_block_length(values: ArrayLike) -> int:
    """Choose the length of blocks for a bootstrap of the mean of a series.

    The rule of Politis & White for blocks that go round the end: longer blocks for
    dependence that lasts longer, growing with the cube root of the length.

    Parameters
    ----------
    values : array_like of shape (n,)
        Equally spaced in time.

    Returns
    -------
    int
        From 1 to a third of n.

    References
    ----------
    Politis & White, Automatic block-length selection for the dependent bootstrap,
    Econometric Reviews 2004; corrected by Patton, Politis & White, 2009.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=1000)
    >>> walk = np.convolve(noise, np.ones(20))  # each value lasts for 20 times
    >>> automatic_block_length(noise), automatic_block_length(walk)
    (1, 38)
    """
    series = np.asarray(values, dtype=float)
    n, error = len(series), series - series.mean()
    run = max(5, int(np.ceil(np.sqrt(np.log10(n)))))
    lags = min(int(np.ceil(np.sqrt(n))) + run, n - 1)
    covariance = np.array([error[k:] @ error[: n - k] / n for k in range(lags + 1)])
    if n < 4 or covariance[0] == 0:
        return 1
    # the last lag before a run of small autocorrelations
    large = np.abs(covariance) / covariance[0] >= 2 * np.sqrt(np.log10(n) / n)
    large = np.r_[large[1:], np.zeros(run, dtype=bool)]
    calm = np.lib.stride_tricks.sliding_window_view(~large, run).all(axis=1)
    width = min(2 * max(int(np.argmax(calm)), 1), lags)
    lag = np.arange(1, width + 1)
    smooth = np.clip(2 * (1 - lag / width), 0, 1) * covariance[1 : width + 1]
    spectrum = covariance[0] + 2 * smooth.sum()
    if spectrum <= 0:
        return 1
    length = (6 * (lag @ smooth) ** 2 / spectrum**2 * n) ** (1 / 3)
    return int(np.clip(np.ceil(length), 1, min(np.ceil(3 * np.sqrt(n)), n // 3)))
