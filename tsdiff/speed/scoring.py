"""Scores of paths of single cells, of totals, and of windows as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff import metrics
from tsdiff.draws import Draws
from tsdiff.effort import sums, totals_error
from tsdiff.speed.asking import Asked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def scored(
    asked: list[Asked], draws: list[Draws]
) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
    """Score the paths.

    Returns
    -------
    row : dict
        Figures of the report.
    scores : dict
        Scores of totals and of windows, and the number of the window of each.
    """
    parts = [_answered(one, part) for one, part in zip(asked, draws, strict=True)]
    samples = np.concatenate([part[0] for part in parts], axis=1)
    truth = np.concatenate([part[1] for part in parts])
    window = _numbered([part[2] for part in parts])
    gap = _numbered([part[3] for part in parts])
    total, exact = sums(samples, gap), sums(truth[None], gap)[0]
    total_crps = metrics.crps(exact, total, fair=False)
    low, high = np.quantile(total, [0.05, 0.95], axis=0)
    energy = metrics.energy_score(*_padded(truth, samples, window), fair=False)
    row = {
        "crps": float(metrics.crps(truth, samples, fair=False).mean()),
        "total_crps": float(total_crps.mean()),
        "energy_score": float(energy.mean()),
        "coverage_90": float(metrics.coverage(exact, low, high).mean()),
        "monte_carlo_error": totals_error(total),
    }
    first = np.unique(gap, return_index=True)[1]
    return row, {
        "total_crps": total_crps,
        "total_crps window": window[first],
        "energy_score": energy,
        "energy_score window": np.arange(len(energy)),
    }


def _answered(one: Asked, draws: Draws) -> tuple[Floats, Floats, Ints, Ints]:
    """Give samples and truth in units of the channels, window and gap of each."""
    kept = np.isin(one.question.place, draws.cells)
    known = ~np.isnan(one.truth[kept])
    scale = one.scale[kept][known]
    return (
        draws.samples[:, known] / scale,
        one.truth[kept][known] / scale,
        one.window[kept][known],
        one.gap[kept][known],
    )


def _numbered(parts: Sequence[Ints]) -> Ints:
    """Renumber over all parts, each of which has numbers of its own."""
    pairs = [np.stack([np.full(len(p), k), p]) for k, p in enumerate(parts)]
    pair = np.concatenate(pairs, axis=1)
    return np.unique(pair, axis=1, return_inverse=True)[1].ravel()


def _padded(truth: Floats, samples: Floats, window: Ints) -> tuple[Floats, Floats]:
    """Lay out cells by window: (W, D) and (S, W, D); truth is NaN where none is."""
    order = np.argsort(window, kind="stable")
    count = np.bincount(window)
    place = np.arange(len(window)) - np.repeat(np.cumsum(count) - count, count)
    flat = window[order] * count.max() + place
    shape = len(count), int(count.max())
    laid = np.full(shape, np.nan)
    laid.reshape(-1)[flat] = truth[order]
    paths = np.zeros((len(samples), *shape))
    paths.reshape(len(samples), -1)[:, flat] = samples[:, order]
    return laid, paths


def excess(score: Floats, best: Floats, window: Ints) -> tuple[float, float]:
    """Mean paired difference and its standard error, windows being independent."""
    difference = score - best
    mean = difference.mean()
    by_window = np.bincount(window, difference - mean)
    n = len(by_window)
    if n < 2:
        return float(mean), float("nan")
    error = np.sqrt(n / (n - 1) * (by_window**2).sum()) / len(difference)
    return float(mean), float(error)
