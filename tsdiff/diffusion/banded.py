"""Linear algebra of matrices with five diagonals, for many of them at once.

A symmetric positive definite matrix with two diagonals beside the main one is
factorised as ``L D L'`` in O(T); systems, the diagonal of the inverse and draws with
that inverse as covariance then cost O(T) too. The loops are over time, so what counts
is the price of one small operation: it is numpy that works, on the CPU, several times
faster there than torch. Every function takes and gives lists of T arrays, one a step,
of any one shape, real or complex; see `steps` and `together`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

Steps = Sequence[Any]  # T arrays


class Factors(NamedTuple):
    """Factors of T x T matrices.

    Attributes
    ----------
    pivot : list of T arrays
        D.
    one, two : list of T arrays
        Entries (i + 1, i) and (i + 2, i) of L.
    """

    pivot: list[Any]
    one: list[Any]
    two: list[Any]


def steps(x: Tensor) -> Steps:
    """Take a tensor of shape (..., T), on the CPU, apart along its last axis."""
    return list(np.ascontiguousarray(np.moveaxis(x.numpy(), -1, 0)))


def together(parts: Steps) -> Tensor:
    """Undo `steps`."""
    return torch.from_numpy(np.stack(parts, -1))


def factor(a: Steps, b: Steps, c: Steps) -> Factors:
    """Factorise matrices.

    Parameters
    ----------
    a, b, c : list of T arrays
        Entries (i, i), (i, i + 1) and (i, i + 2); the last ones beside the diagonal
        are not read.

    Returns
    -------
    Factors
    """
    pivot: list[Any] = []
    one: list[Any] = []
    two: list[Any] = []
    for i, d in enumerate(a):
        beside = b[i]
        if i:
            d = d - one[i - 1] ** 2 * pivot[i - 1]
            beside = beside - two[i - 1] * pivot[i - 1] * one[i - 1]
        if i > 1:
            d = d - two[i - 2] ** 2 * pivot[i - 2]
        pivot.append(d)
        one.append(beside / d)
        two.append(c[i] / d)
    return Factors(pivot, one, two)


def solve(factors: Factors, right: Steps) -> list[Any]:
    """Solve a system."""
    pivot, one, two = factors
    y: list[Any] = []
    for i, r in enumerate(right):
        if i:
            r = r - one[i - 1] * y[i - 1]
        if i > 1:
            r = r - two[i - 2] * y[i - 2]
        y.append(r)
    return _backwards([part / d for part, d in zip(y, pivot, strict=True)], one, two)


def _backwards(y: Steps, one: Steps, two: Steps) -> list[Any]:
    """Solve ``L' x = y``."""
    x: list[Any] = []
    for i in reversed(range(len(y))):
        value = y[i]
        if x:
            value = value - one[i] * x[-1]
        if len(x) > 1:
            value = value - two[i] * x[-2]
        x.append(value)
    return x[::-1]


def variances(factors: Factors) -> list[Any]:
    """Give the diagonal of the inverse (Takahashi's recursion, 1973)."""
    pivot, one, two = factors
    same: list[Any] = [0.0, 0.0]
    next_: list[Any] = [0.0, 0.0]
    for i in reversed(range(len(pivot))):
        l1, l2 = one[i], two[i]
        beside = -l1 * same[-1] - l2 * next_[-1]  # covariance with i + 1
        beyond = -l1 * next_[-1] - l2 * same[-2]  # and with i + 2
        same.append(1 / pivot[i] - l1 * beside - l2 * beyond)
        next_.append(beside)
    return same[:1:-1]


def colour(factors: Factors, white: Steps) -> list[Any]:
    """Turn white noise into draws with the inverse as covariance."""
    pivot, one, two = factors
    y = [w * d**-0.5 for w, d in zip(white, pivot, strict=True)]
    return _backwards(y, one, two)


def log_determinant(factors: Factors) -> Tensor:
    """Give the logarithm of each determinant."""
    return together(factors.pivot).log().sum(-1)
