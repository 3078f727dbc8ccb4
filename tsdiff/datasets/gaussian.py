"""A linear-Gaussian state space: cells and totals with a known joint posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsdiff.datasets.gaps import Kind, make_gaps
from tsdiff.datasets.laws import Floats
from tsdiff.datasets.simulated import Simulated, check_noise

#: Standard deviation of a step of the random walk that persistence = 1 stands for.
WALK_STEP = 0.1


@dataclass(frozen=True)
class LinearGaussian(Simulated):
    """Series of a linear-Gaussian state space; made by `make_linear_gaussian`.

    Parameters
    ----------
    values, truth, channels
        See `Simulated`.
    kernel : ndarray, shape (n_times, n_times)
        Covariance of one factor over time.
    mixing : ndarray, shape (n_channels, n_channels)
        Loadings times their transpose: covariance of the channels' signals.
    noise : float
        Standard deviation of the noise of every cell.
    """

    kernel: Floats
    mixing: Floats
    noise: float

    @property
    def covariance(self) -> Floats:
        """Covariance of all cells of one series, time by time, (T * C, T * C)."""
        signal = np.kron(self.kernel, self.mixing)
        return signal + self.noise**2 * np.eye(len(signal))

    def posterior(self, series: int = 0) -> tuple[Floats, Floats]:
        """Condition the missing cells of one series on its observed cells, exactly.

        The total of the missing cells has mean ``mean.sum()`` and variance
        ``covariance.sum()``.

        Parameters
        ----------
        series : int, default=0
            Number of the series.

        Returns
        -------
        mean : ndarray, shape (m,)
            Of the series' m missing cells, time by time and channel by channel, as in
            `cells`.
        covariance : ndarray, shape (m, m)

        Examples
        --------
        >>> data = make_linear_gaussian(n_times=50, random_state=3)
        >>> mean, covariance = data.posterior()
        >>> mean.shape == data.hidden_truth.shape, covariance.shape[0] == len(mean)
        (True, True)
        """
        shown = self.values[series].ravel()
        hole = np.isnan(shown)
        joint = self.covariance
        across = joint[np.ix_(~hole, hole)]
        gain = np.linalg.solve(joint[np.ix_(~hole, ~hole)], across)
        covariance = joint[np.ix_(hole, hole)] - gain.T @ across
        return gain.T @ shown[~hole], (covariance + covariance.T) / 2


def make_linear_gaussian(
    n_series: int = 1,
    n_times: int = 200,
    n_channels: int = 1,
    *,
    persistence: float = 0.9,
    noise: float = 0.3,
    missing: float = 0.2,
    kind: Kind = "blocks",
    random_state: int | np.random.Generator | None = 0,
) -> LinearGaussian:
    """Draw noisy channels of one or two AR(1) factors, with holes.

    A factor follows x[t] = persistence * x[t-1] + w[t] with variance 1 throughout; a
    channel is a mix of the factors with variance 1, plus noise.

    Parameters
    ----------
    n_series, n_times, n_channels : int, default=1, 200 and 1
    persistence : float, default=0.9
        In [0, 1]; 1 is the local level: a random walk from N(0, 1) with steps of
        standard deviation 0.1.
    noise : float, default=0.3
        Standard deviation of the noise, above 0.
    missing : float, default=0.2
        Share of the cells that are missing.
    kind : str, default="blocks"
        How they are hidden; see `make_gaps`.
    random_state : int, Generator or None, default=0

    Returns
    -------
    LinearGaussian

    Raises
    ------
    ValueError
        If `persistence` is outside [0, 1] or `noise` is not above 0.

    Examples
    --------
    >>> make_linear_gaussian(3, 100, 2).values.shape
    (3, 100, 2)
    """
    check_noise(noise)
    rng = np.random.default_rng(random_state)
    kernel = factor_kernel(n_times, persistence)
    loadings = rng.standard_normal((n_channels, min(2, n_channels)))
    loadings /= np.linalg.norm(loadings, axis=1, keepdims=True)
    shocks = rng.standard_normal((n_series, n_times, loadings.shape[1]))
    signal = np.linalg.cholesky(kernel) @ shocks @ loadings.T  # (n_series, T, C)
    truth = signal + noise * rng.standard_normal(signal.shape)
    values, _ = make_gaps(truth, kind, ratio=missing, random_state=rng)
    names = tuple(f"x{channel}" for channel in range(n_channels))
    return LinearGaussian(values, truth, names, kernel, loadings @ loadings.T, noise)


def factor_kernel(n_times: int, persistence: float) -> Floats:
    """Return the covariance over time of one factor of `make_linear_gaussian`.

    Parameters
    ----------
    n_times : int
    persistence : float
        In [0, 1].

    Returns
    -------
    ndarray, shape (n_times, n_times)

    Raises
    ------
    ValueError
        If `persistence` is outside [0, 1].

    Examples
    --------
    >>> factor_kernel(3, 0.5)[0]
    array([1.  , 0.5 , 0.25])
    """
    if not 0 <= persistence <= 1:
        raise ValueError(f"persistence lies in [0, 1], found {persistence}")
    time = np.arange(n_times)
    if persistence == 1:
        return 1 + WALK_STEP**2 * np.minimum(time[:, None], time)
    return float(persistence) ** np.abs(time[:, None] - time)
