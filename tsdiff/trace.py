"""Trace: the paths of a question on their way from noise to data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsdiff.draws import Draws

if TYPE_CHECKING:
    from tsdiff.panel.frame import Panel

_MOST_NUMBERS = 2**27  # 1 GiB of float64


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """Joint samples of the missing cells, frame by frame from noise to the answer.

    Parameters
    ----------
    panel : Panel
        The caller's data with its holes: N rows, C channels.
    frames : ndarray of float64, shape (F, S, M)
        Values of the M answered cells in S paths, in the data's units: noise in the
        first frame, the draws of ``sample`` in the last one.
    cells : ndarray of int64, shape (M,)
        The answered cells, ascending flat indices into ``panel.values``.
    calibrated : bool, default False
        Whether the last frame follows calibrated laws.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> panel = to_panel(np.array([[1.0], [np.nan], [3.0]]))
    >>> frames = np.array([[[-5.0], [7.0]], [[1.5], [2.5]]])
    >>> trace = Trace(panel, frames, np.array([1]))
    >>> trace
    Trace(2 frames of 2 samples of 1 answered cells)
    >>> trace[-1].median().ravel()
    array([1., 2., 3.])
    """

    panel: Panel
    frames: NDArray[np.float64]
    cells: NDArray[np.int64]
    calibrated: bool = False

    @classmethod
    def between(
        cls,
        panel: Panel,
        points: NDArray[np.float64],
        cells: NDArray[np.int64],
        n_frames: int,
        calibrated: bool = False,
    ) -> Trace:
        """Lay frames evenly along the way, straight from one known point to the next.

        Parameters
        ----------
        panel, cells, calibrated
            Of the trace.
        points : ndarray of shape (K, S, M)
            Paths at the times of the sampler.
        n_frames : int
            At least 2.

        Returns
        -------
        Trace
            Its first and its last frame are the first and the last point.

        Raises
        ------
        ValueError
            Too few frames, or more than 1 GiB of them.
        """
        if n_frames < 2:
            raise ValueError(
                f"n_frames must be at least 2, noise and answer; got {n_frames}."
            )
        size = n_frames * points[0].size
        if size > _MOST_NUMBERS:
            raise ValueError(
                f"{n_frames} frames of {points.shape[1]:,} samples of {len(cells):,} "
                f"cells take {8e-9 * size:.1f} GB. Ask for fewer of them."
            )
        place = np.linspace(0, len(points) - 1, n_frames)
        left = np.minimum(place.astype(np.int64), len(points) - 2)
        share = (place - left)[:, None, None]
        frames = (1 - share) * points[left] + share * points[left + 1]
        return cls(panel, frames, cells, calibrated)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frame: int) -> Draws:
        """Draws as they are in one frame."""
        return Draws(self.panel, self.frames[frame], self.cells, self.calibrated)

    def __repr__(self) -> str:
        n_frames, n_samples, n_cells = self.frames.shape
        return (
            f"Trace({n_frames} frames of {n_samples} samples of {n_cells} answered "
            "cells)"
        )
