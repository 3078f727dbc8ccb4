"""Laws that are not bell-shaped: a hidden switch with two modes, counts with zeros."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsdiff.datasets.gaps import Kind, make_gaps
from tsdiff.datasets.gaussian import factor_kernel
from tsdiff.datasets.laws import Floats, NormalMixture, ZeroInflatedPoisson
from tsdiff.datasets.simulated import Simulated, check_noise


@dataclass(frozen=True)
class Switching(Simulated):
    """Series of a hidden two-state switch; made by `make_switching`.

    Parameters
    ----------
    values, truth, channels
        See `Simulated`.
    stay : float
        Probability that the switch stays as it is from one step to the next.
    levels : tuple of float
        Mean of the series in either state.
    noise : float
        Standard deviation around the level.
    """

    stay: float
    levels: tuple[float, float]
    noise: float

    def state_probability(self) -> Floats:
        """Return P(state | all observed cells) by forward-backward.

        Returns
        -------
        ndarray, shape (n_series, n_times, 2)
        """
        misfit = ((self.values - np.array(self.levels)) / self.noise) ** 2 / 2
        # Only the ratio of the two counts; far from both levels each would underflow.
        likelihood = np.exp(misfit.min(axis=-1, keepdims=True) - misfit)
        evidence = np.where(np.isnan(misfit), 1.0, likelihood)  # (n_series, T, 2)
        move = np.array([[self.stay, 1 - self.stay], [1 - self.stay, self.stay]])
        forward, backward = np.empty_like(evidence), np.ones_like(evidence)
        belief = np.full((len(evidence), 2), 0.5)
        for step in range(evidence.shape[1]):
            belief = (belief @ move) * evidence[:, step]
            belief = belief / belief.sum(1, keepdims=True)
            forward[:, step] = belief
        for step in range(evidence.shape[1] - 2, -1, -1):
            message = (backward[:, step + 1] * evidence[:, step + 1]) @ move
            backward[:, step] = message / message.sum(1, keepdims=True)
        both = forward * backward
        return both / both.sum(-1, keepdims=True)

    def posterior(self) -> NormalMixture:
        """Return the exact law of every missing cell, in the order of `cells`.

        Returns
        -------
        NormalMixture
            Of M cells and 2 components: one around each level.

        Examples
        --------
        >>> data = make_switching(n_times=100, random_state=1)
        >>> law = data.posterior()
        >>> law.crps(data.hidden_truth).shape == data.cells.shape
        True
        """
        weights = self.state_probability().reshape(-1, 2)[self.cells]
        return NormalMixture(weights, np.array(self.levels), self.noise)


def make_switching(
    n_series: int = 1,
    n_times: int = 200,
    *,
    stay: float = 0.9,
    levels: tuple[float, float] = (-2.0, 2.0),
    noise: float = 0.3,
    missing: float = 0.2,
    kind: Kind = "blocks",
    random_state: int | np.random.Generator | None = 0,
) -> Switching:
    """Draw a series that a hidden switch moves between two levels, with holes.

    A missing cell far from observed ones has two modes, and no law with one mode can be
    right about it.

    Parameters
    ----------
    n_series, n_times : int, default=1 and 200
    stay : float, default=0.9
        Probability that the switch stays as it is, strictly between 0 and 1; it starts
        in either state with probability 1/2.
    levels : tuple of float, default=(-2.0, 2.0)
    noise : float, default=0.3
        Standard deviation around the level, above 0.
    missing : float, default=0.2
        Share of the cells that are missing.
    kind : str, default="blocks"
        How they are hidden; see `make_gaps`.
    random_state : int, Generator or None, default=0

    Returns
    -------
    Switching

    Raises
    ------
    ValueError
        If `stay` is not strictly between 0 and 1 or `noise` is not above 0.

    Examples
    --------
    >>> make_switching(3, 100).values.shape
    (3, 100, 1)
    """
    if not 0 < stay < 1:
        raise ValueError(f"stay lies strictly between 0 and 1, found {stay}")
    check_noise(noise)
    rng = np.random.default_rng(random_state)
    flips = rng.random((n_series, n_times)) > stay
    flips[:, 0] = rng.random(n_series) > 0.5
    state = flips.cumsum(1) % 2
    truth = np.asarray(levels, dtype=float)[state][:, :, None]
    truth = truth + noise * rng.standard_normal(truth.shape)
    values, _ = make_gaps(truth, kind, ratio=missing, random_state=rng)
    return Switching(values, truth, ("x0",), stay, levels, noise)


@dataclass(frozen=True)
class Counts(Simulated):
    """Counts with many zeros and the channel that drives them; see `make_counts`.

    Parameters
    ----------
    values, truth, channels
        See `Simulated`; channels "count" and "driver".
    rate : ndarray, shape (n_series, n_times)
        Mean of the Poisson part of every count.
    zeros : float
        Probability of an extra zero.
    """

    rate: Floats
    zeros: float

    def posterior(self) -> ZeroInflatedPoisson:
        """Return the exact law of every missing count, in the order of `cells`.

        Given the driver, which is always observed, the counts are independent.

        Returns
        -------
        ZeroInflatedPoisson

        Examples
        --------
        >>> data = make_counts(n_times=100)
        >>> data.posterior().rate.shape == data.cells.shape
        True
        """
        return ZeroInflatedPoisson(self.rate.ravel()[self.cells // 2], self.zeros)


def make_counts(
    n_series: int = 1,
    n_times: int = 200,
    *,
    rate: float = 4.0,
    slope: float = 0.5,
    zeros: float = 0.3,
    missing: float = 0.2,
    kind: Kind = "mcar",
    random_state: int | np.random.Generator | None = 0,
) -> Counts:
    """Draw zero-inflated Poisson counts whose rate follows an observed channel.

    The driver is an AR(1) with coefficient 0.9 and variance 1, always observed; a count
    is zero with probability `zeros`, else Poisson with rate
    ``rate * exp(slope * driver)``.

    Parameters
    ----------
    n_series, n_times : int, default=1 and 200
    rate : float, default=4.0
        Above 0.
    slope : float, default=0.5
        0 makes the law the same everywhere.
    zeros : float, default=0.3
        Probability of an extra zero, in [0, 1).
    missing : float, default=0.2
        Share of the counts that are missing.
    kind : str, default="mcar"
        How they are hidden; see `make_gaps`.
    random_state : int, Generator or None, default=0

    Returns
    -------
    Counts
        With channels "count" and "driver".

    Raises
    ------
    ValueError
        If `rate` is not above 0 or `zeros` is outside [0, 1).

    Examples
    --------
    >>> make_counts(3, 100).frame().columns.tolist()
    ['count', 'driver']
    """
    if not (rate > 0 and 0 <= zeros < 1):
        raise ValueError(
            f"rate is above 0 and zeros in [0, 1), found rate={rate}, zeros={zeros}"
        )
    rng = np.random.default_rng(random_state)
    shocks = rng.standard_normal((n_series, n_times, 1))
    driver = np.linalg.cholesky(factor_kernel(n_times, 0.9)) @ shocks
    rates = rate * np.exp(slope * driver[:, :, 0])
    counts = np.where(rng.random(rates.shape) < zeros, 0, rng.poisson(rates))
    counts = counts[:, :, None].astype(float)
    shown, _ = make_gaps(counts, kind, ratio=missing, random_state=rng)
    values = np.concatenate([shown, driver], axis=2)
    truth = np.concatenate([counts, driver], axis=2)
    return Counts(values, truth, ("count", "driver"), rates, zeros)
